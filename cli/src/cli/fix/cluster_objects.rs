//! Prints the fixed objects of a cluster.

use std::io::{self, Write};

use immutable_pods::diff;
use immutable_pods::evaluation::Fix as FixedObject;
use immutable_pods::input::InputError;
use immutable_pods::manifest::{Content, Manifest};
use serde_json::{Map, Value};

use super::{Fix, Left, Tools};
use crate::cli::cluster_args;
use crate::cli::streams::UntilClosed;

/// What only the API server sets, as paths of JSON pointers.
const SET_BY_THE_SERVER: [(&str, &str); 6] = [
    ("", "status"),
    ("/metadata", "creationTimestamp"),
    ("/metadata", "generation"),
    ("/metadata", "managedFields"),
    ("/metadata", "resourceVersion"),
    ("/metadata", "uid"),
];

impl Fix {
    /// Prints the objects that a fix changes, without those that a controller creates again.
    pub(super) fn fix_cluster(&self, tools: &mut Tools, left: &mut Left<'_>) -> io::Result<()> {
        let manifests = match cluster_args::read(&self.cluster, &mut tools.fixing.evaluator) {
            Ok(manifests) => manifests,
            Err(reason) => {
                left.fail(&reason);
                return Ok(());
            }
        };
        for manifest in manifests {
            match manifest.and_then(|manifest| self.fix_object(manifest, tools, left)) {
                Ok(printed) => printed?,
                Err(error) => left.add_problem(&error),
            }
        }
        Ok(())
    }

    /// Prints a fixed object, and evaluates it.
    fn fix_object(
        &self,
        manifest: Manifest,
        tools: &Tools,
        left: &mut Left<'_>,
    ) -> Result<io::Result<()>, InputError> {
        if has_controller(&manifest) {
            return Ok(Ok(()));
        }
        let source = manifest.source.clone();
        let fix = self.fixer(tools).fix_object(manifest.clone())?;
        let fixed = match &fix {
            Some(FixedObject { after: Value::Object(after), .. }) => {
                Manifest::without_file(source, after.clone())
            }
            _ => manifest,
        };
        let evaluation = tools.check.evaluator.evaluate(fixed)?;
        let printed = fix.map_or(Ok(()), |fix| self.print(&evaluation.subject.to_string(), fix));
        Ok(printed.and_then(|()| left.add(&evaluation)))
    }

    fn print(&self, name: &str, FixedObject { mut before, mut after }: FixedObject) -> io::Result<()> {
        remove_set_by_the_server(&mut before);
        remove_set_by_the_server(&mut after);
        let mut stdout = UntilClosed(io::stdout());
        if !self.diff {
            return write!(stdout, "---\n{}", diff::yaml(&after));
        }
        let names = [format!("a/{name}"), format!("b/{name}")];
        diff::unified(names, &before, &after).iter().try_for_each(|line| writeln!(stdout, "{}", line.text))
    }
}

/// Returns whether a controller creates the object, from another one that is fixed.
fn has_controller(manifest: &Manifest) -> bool {
    let Content::Object(object) = &manifest.content else { return false };
    let references = object.get("metadata").and_then(|metadata| metadata.get("ownerReferences"));
    let controls = |reference: &Value| reference.get("controller") == Some(&Value::Bool(true));
    references.and_then(Value::as_array).is_some_and(|references| references.iter().any(controls))
}

fn remove_set_by_the_server(object: &mut Value) {
    for (path, key) in SET_BY_THE_SERVER {
        if let Some(fields) = object.pointer_mut(path).and_then(Value::as_object_mut) {
            Map::remove(fields, key);
        }
    }
}
