//! Fixes the manifests in a text.

use std::sync::Arc;

use immutable_pods_policy::rules::RULES;
use serde_json::{Map, Value, json};

use crate::document::{self, Document};
use crate::evaluation::{Evaluation, Fix};
use crate::evaluator::Evaluator;
use crate::input::{InputError, Position, Problem};
use crate::manifest::{self, Content, Manifest};
use crate::pinning::pin_template;
use crate::rewrite::rewrite;
use crate::yaml::Syntax;

/// A text with its fixes.
#[derive(Debug)]
pub struct FixedText {
    /// The text. Everything but the fixes is as it was.
    pub text: Vec<u8>,
    /// The number of fixed objects.
    pub fixed: usize,
    /// What could not be read, evaluated or written.
    pub problems: Vec<InputError>,
}

/// The rules that are not fixed unless they are asked for: digests come from a registry, and mount options need a feature gate.
const NOT_BY_DEFAULT: &[&str] = &["imageReference", "noexecMounts"];

/// Returns the settings in which every rule that can fix does. Other findings are warnings, so that they do not prevent fixes.
/// With `pins`, images get the digests of their tags.
#[must_use]
pub fn every_fix(pins: bool) -> Map<String, Value> {
    let mut settings = Map::from_iter([("enforcement".to_owned(), json!("warn"))]);
    let is_wanted = |id: &str| !NOT_BY_DEFAULT.contains(&id) || (pins && id == "imageReference");
    for rule in RULES.iter().filter(|rule| rule.can_fix && is_wanted(rule.id)) {
        let setting = match rule.id {
            // Without it, there is nothing to fix.
            "capabilities" => json!({"mode": "fix", "requiredDrop": ["ALL"]}),
            _ => json!("fix"),
        };
        settings.insert(rule.id.to_owned(), setting);
    }
    settings
}

/// Fixes objects.
#[derive(Debug, Clone, Copy)]
pub struct Fixer<'e> {
    /// Evaluates objects with the policies that fix.
    pub evaluator: &'e Evaluator,
    /// Whether the images of pod templates get the digests of their tags. Those of pods get them if a policy does that.
    pub pins_templates: bool,
}

impl Fixer<'_> {
    /// Fixes the objects in a text. Requests are not changed.
    #[must_use]
    pub fn fix_text(&self, file: &str, text: &[u8]) -> FixedText {
        let mut fixed = FixedText { text: text.to_vec(), fixed: 0, problems: Vec::new() };
        let documents = document::parse(file, text);
        // From the last to the first, so that the positions of those before stay.
        let mut problems = Vec::new();
        for document in documents.into_iter().rev() {
            match document {
                Ok(document) => problems.extend(fixed.fix_document(self, document).into_iter().rev()),
                Err(error) => problems.push(error),
            }
        }
        problems.reverse();
        fixed.problems = problems;
        fixed
    }

    /// Returns the fix of an object, if there is something to fix. A request is not fixed.
    ///
    /// # Errors
    ///
    /// If a policy has no verdict.
    pub fn fix_object(&self, manifest: Manifest) -> Result<Option<Fix>, InputError> {
        let Content::Object(object) = &manifest.content else {
            self.evaluator.evaluate(manifest)?;
            return Ok(None);
        };
        let source = manifest.source.clone();
        let object = self.pins_templates.then(|| Value::Object(object.clone()));
        let fix = self.evaluator.evaluate(manifest)?.fix;
        let Some(object) = object else { return Ok(fix) };
        let Fix { before, mut after } = fix.unwrap_or_else(|| Fix { before: object.clone(), after: object });
        pin_template(self.evaluator, &source, &mut after)?;
        Ok((before != after).then_some(Fix { before, after }))
    }
}

/// Evaluates the manifests in a text. What cannot be read or evaluated is left out.
pub fn evaluate(evaluator: &Evaluator, file: &str, text: &[u8]) -> Vec<Evaluation> {
    let documents = document::parse(file, text).into_iter().flatten();
    let manifests = documents.flat_map(manifest::in_document).flatten();
    manifests.filter_map(|manifest| evaluator.evaluate(manifest).ok()).collect()
}

impl FixedText {
    /// Fixes the objects of a document, and returns what could not be fixed.
    fn fix_document(&mut self, using: &Fixer<'_>, document: Document) -> Vec<InputError> {
        let origin = Arc::clone(&document.origin);
        let source = document.source.clone();
        let mut written = origin.text().to_owned();
        let mut problems = Vec::new();
        let mut fixed = 0;
        for manifest in manifest::in_document(document) {
            let written_so_far = &written;
            let result = manifest.and_then(|manifest| {
                let source = manifest.source.clone();
                let keys = manifest.locator().keys();
                let Some(Fix { before, after }) = using.fix_object(manifest)? else { return Ok(None) };
                let written = match origin.syntax() {
                    Syntax::Yaml => rewrite(written_so_far, &keys, &before, &after),
                    Syntax::Json => Err("the file is JSON".to_owned()),
                };
                written.map(Some).map_err(|reason| InputError::new(source, Problem::NotWritten(reason)))
            });
            match result {
                Ok(Some(text)) => {
                    written = text;
                    fixed += 1;
                }
                Ok(None) => {}
                Err(error) => problems.push(error),
            }
        }
        if fixed > 0 {
            if self.replace(origin.start(), origin.text(), &written) {
                self.fixed += fixed;
            } else {
                let problem = Problem::NotWritten("the file is not UTF-8".to_owned());
                problems.push(InputError::new(source, problem));
            }
        }
        problems
    }

    /// Replaces a part of the text, which begins at a position. Returns whether the text has this part there.
    fn replace(&mut self, start: Position, old: &str, new: &str) -> bool {
        let Some(offset) = offset(&self.text, start, old.as_bytes()) else { return false };
        self.text.splice(offset..offset + old.len(), new.bytes());
        true
    }
}

/// Returns the offset of a part of a text that begins at a position.
fn offset(text: &[u8], start: Position, part: &[u8]) -> Option<usize> {
    let lines = usize::try_from(start.line - 1).ok()?;
    let line: usize = text.split_inclusive(|byte| *byte == b'\n').take(lines).map(<[u8]>::len).sum();
    // A file can begin with a byte order mark.
    [line, line + 3].into_iter().find(|offset| text.get(*offset..).is_some_and(|rest| rest.starts_with(part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;
    use crate::engine::Host;
    use crate::policies::load::Loaded;
    use crate::policies::registration::Cluster;

    fn fixed(text: &str) -> FixedText {
        let loaded = Loaded::settings(every_fix(false));
        let evaluator = Evaluator::new(Policy::linked(), loaded, Cluster::default()).unwrap();
        Fixer { evaluator: &evaluator, pins_templates: false }.fix_text("web.yaml", text.as_bytes())
    }

    fn text(fixed: &FixedText) -> &str {
        std::str::from_utf8(&fixed.text).unwrap()
    }

    const POD: &str = "\
# A pod.
apiVersion: v1
kind: Pod
metadata: {name: web} # its name
spec:
  containers:
  # The server.
  - name: web
    image: nginx:1.29 # pinned
";

    const FIX: &str = "    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
        - ALL
      readOnlyRootFilesystem: true
      runAsNonRoot: true
";

    #[test]
    fn a_fix_only_adds() {
        let fixed = fixed(POD);
        let seccomp = "  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n";
        assert_eq!(text(&fixed), format!("{POD}{FIX}{seccomp}"));
        assert_eq!((fixed.fixed, fixed.problems.len()), (1, 0));
    }

    #[test]
    fn a_second_fix_changes_nothing() {
        let once = fixed(POD);
        let twice = fixed(text(&once));
        assert_eq!((twice.text, twice.fixed), (once.text, 0));
    }

    #[test]
    fn other_documents_stay() {
        let service = "apiVersion: v1\nkind: Service\nmetadata:\n    name:   web   # odd\n";
        let file = format!("{service}---\n{POD}---\n# only a comment\n---\n{service}");
        let fixed = fixed(&file);
        assert!(text(&fixed).starts_with(&format!("{service}---\n{POD}{FIX}")), "{}", text(&fixed));
        assert!(
            text(&fixed).ends_with(&format!("---\n# only a comment\n---\n{service}")),
            "{}",
            text(&fixed)
        );
    }

    #[test]
    fn every_object_of_a_list_is_fixed() {
        let item = POD.replace("# A pod.\n", "").replace('\n', "\n  ");
        let list =
            format!("apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n", item.trim_end(), item.trim_end());
        let fixed = fixed(&list);
        assert_eq!((fixed.fixed, fixed.problems.len()), (2, 0), "{:?}", fixed.problems);
        assert_eq!(text(&fixed).matches("readOnlyRootFilesystem: true").count(), 2);
    }

    #[test]
    fn numbers_stay() {
        // Without a feature of serde_json, the response of the policy would have another last digit.
        let pod = format!("{POD}  futureNumbers: [3.0e+302, 0.1, 18446744073709551615]\n");
        let fixed = fixed(&pod);
        assert_eq!(fixed.fixed, 1);
        assert!(text(&fixed).contains("[3.0e+302, 0.1, 18446744073709551615]"), "{}", text(&fixed));
    }

    #[test]
    fn what_other_rules_find_does_not_prevent_a_fix() {
        let fixed = fixed(&POD.replace("spec:\n", "spec:\n  hostNetwork: true\n"));
        assert_eq!(fixed.fixed, 1);
    }

    #[test]
    fn one_bad_document_does_not_hide_the_others() {
        let fixed = fixed(&format!("a: [\n---\n{POD}"));
        assert_eq!(fixed.fixed, 1);
        assert_eq!(
            fixed.problems[0].to_string(),
            "web.yaml, document 1, line 1 column 4: unclosed bracket '['"
        );
        assert!(text(&fixed).starts_with("a: [\n---\n# A pod."), "{}", text(&fixed));
    }

    #[test]
    fn brackets_are_fixed_in_brackets() {
        let fixed = fixed(
            r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "a:1"}]}}"#,
        );
        assert_eq!((fixed.fixed, fixed.problems.len()), (1, 0), "{:?}", fixed.problems);
    }

    #[test]
    fn a_text_in_another_encoding_is_not_written() {
        let utf_16: Vec<u8> = format!("\u{feff}{POD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let loaded = Loaded::settings(every_fix(false));
        let evaluator = Evaluator::new(Policy::linked(), loaded, Cluster::default()).unwrap();
        let fixed = Fixer { evaluator: &evaluator, pins_templates: false }.fix_text("web.yaml", &utf_16);
        assert_eq!((&fixed.text, fixed.fixed), (&utf_16, 0));
        let problems: Vec<_> = fixed.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, ["web.yaml: the fix is not written: the file is not UTF-8"]);
    }

    #[test]
    fn a_template_is_pinned_if_that_is_wanted() {
        struct Answer;
        impl Host for Answer {
            fn answer(&self, _: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
                assert_eq!(payload, b"\"nginx:1.29\"");
                Ok(json!({"digest": format!("sha256:{}", "0".repeat(64))}).to_string().into_bytes())
            }
        }
        let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: web, image: nginx:1.29} # pinned
      - {name: side, image: \"acme/side:2@sha256:1111111111111111111111111111111111111111111111111111111111111111\"}
";
        let loaded = Loaded::settings(every_fix(true));
        let engine = Policy::linked().asking(Answer);
        let evaluator = Evaluator::new(engine, loaded, Cluster::default()).unwrap();
        let fixed = |pins_templates| {
            Fixer { evaluator: &evaluator, pins_templates }.fix_text("web.yaml", deployment.as_bytes())
        };
        let pinned = format!("image: nginx:1.29@sha256:{}", "0".repeat(64));
        assert!(text(&fixed(true)).contains(&pinned), "{}", text(&fixed(true)));
        assert!(text(&fixed(true)).contains("# pinned"));
        assert!(!text(&fixed(false)).contains(&pinned));
    }

    #[test]
    fn a_byte_order_mark_stays() {
        let fixed = fixed(&format!("\u{feff}{POD}"));
        assert!(text(&fixed).starts_with("\u{feff}# A pod."), "{}", text(&fixed));
        assert_eq!(fixed.fixed, 1);
    }
}
