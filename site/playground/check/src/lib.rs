//! The command `check` for the playground of the website: the same readers, policies and findings, without files.
//!
//! The policy itself is not in here. The browser runs the module that clusters load, and [`guest`] asks it through the browser.

#[cfg(target_family = "wasm")]
mod guest;

use immutable_pods::Policy;
use immutable_pods::admission::{self, Subject};
use immutable_pods::diff::{self, LineKind};
use immutable_pods::evaluation::{Evaluation, Fix};
use immutable_pods::evaluator::{Evaluator, Unusable};
use immutable_pods::input::{InputError, Position};
use immutable_pods::manifest::{self, Content, Manifest};
use immutable_pods::policies::load;
use immutable_pods::policies::registration::Cluster;
use immutable_pods::printable::one_line;
use immutable_pods::report::{Format, ReportOptions, Summary, reporter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The texts of the editors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The objects to evaluate.
    pub manifest: Text,
    /// The objects before an update. Without a text, every object is created.
    #[serde(default)]
    pub old: Option<Text>,
    /// The settings, or manifests of policies.
    pub settings: Text,
}

/// A text with the name of a file, which decides whether the text is YAML or JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// What `check` finds in the texts.
#[derive(Debug, Default, Serialize)]
pub struct Output {
    /// Everything that is wrong with the settings. With an error, nothing is evaluated.
    pub settings: Vec<Failure>,
    /// Everything that is wrong with the old objects. They are left out.
    pub old: Vec<Failure>,
    /// Settings without effect, in sentences.
    pub warnings: Vec<String>,
    /// The report of `check --output json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<RawValue>>,
    /// The diff that `check --show-fixes` shows, for each object of the report. Empty if the object is not fixed.
    pub fixes: Vec<Vec<DiffLine>>,
}

/// Something wrong with a text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The whole sentence, as `check` prints it.
    pub sentence: String,
    /// The sentence without its place.
    pub message: String,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

/// A line of a diff.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct DiffLine {
    /// `header`, `hunk`, `context`, `removed` or `added`.
    pub kind: &'static str,
    /// The line with its marker.
    pub text: String,
}

/// Evaluates the objects in a text as `check --policy` does.
#[must_use]
pub fn check(input: Input, engine: Policy) -> Output {
    let mut output = Output::default();
    match evaluator(&input.settings, engine, &mut output) {
        Ok(evaluator) => output.evaluate(&evaluator, input.manifest, input.old),
        Err(failures) => output.settings = failures,
    }
    output
}

fn evaluator(settings: &Text, engine: Policy, output: &mut Output) -> Result<Evaluator, Vec<Failure>> {
    let loaded =
        load::load_text(&settings.name, settings.text.as_bytes()).map_err(|errors| failures(&errors))?;
    output.warnings = loaded.void_settings();
    Evaluator::new(engine, loaded, Cluster::default()).map_err(|unusable| match unusable {
        Unusable::Settings(errors) => failures(&errors),
        Unusable::Engine(error) => vec![Failure::without_place(error.to_string())],
    })
}

impl Output {
    fn evaluate(&mut self, evaluator: &Evaluator, manifest: Text, old: Option<Text>) {
        let old = old.map(|old| self.requests(old)).unwrap_or_default();
        let mut report = Vec::new();
        let mut summary = Summary::default();
        let mut json = reporter(Format::Json, &mut report, ReportOptions::default());
        for manifest in manifest::in_text(&manifest.name, manifest.text.into_bytes()) {
            let result = manifest.and_then(|manifest| evaluator.evaluate(as_update(manifest, &old)));
            // A vector accepts every report.
            let _ = match result {
                Ok(evaluation) => {
                    summary.add(&evaluation);
                    self.fixes.push(fix(&evaluation));
                    json.evaluation(&evaluation)
                }
                Err(error) => {
                    summary.add_unreadable();
                    json.unreadable(&error)
                }
            };
        }
        let _ = json.finish(&summary);
        drop(json);
        self.report = serde_json::from_slice(&report).ok();
    }

    /// Returns the requests that create the objects in a text.
    fn requests(&mut self, old: Text) -> Vec<Value> {
        let mut requests = Vec::new();
        for manifest in manifest::in_text(&old.name, old.text.into_bytes()) {
            match manifest {
                Ok(manifest) => requests.push(manifest.into_request()),
                Err(error) => self.old.push(Failure::of(&error)),
            }
        }
        requests
    }
}

/// Returns the manifest of an update, if there is an old object with the same kind and name. An admission request stays as it is.
fn as_update(mut manifest: Manifest, old: &[Value]) -> Manifest {
    let Content::Object(object) = &manifest.content else { return manifest };
    let created = admission::create(object.clone());
    let subject = Subject::of(&created);
    if let Some(old) = old.iter().find(|old| Subject::of(old) == subject).and_then(|old| old.get("object")) {
        manifest.content = Content::Request(admission::update(old, created));
    }
    manifest
}

fn fix(evaluation: &Evaluation) -> Vec<DiffLine> {
    let Some(Fix { before, after }) = &evaluation.fix else { return Vec::new() };
    let place = evaluation.source.to_string();
    let lines = diff::unified([place.clone(), format!("{place}, fixed")], before, after);
    lines.into_iter().map(|line| DiffLine { kind: kind(line.kind), text: one_line(&line.text) }).collect()
}

fn kind(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Header => "header",
        LineKind::Hunk => "hunk",
        LineKind::Context => "context",
        LineKind::Removed => "removed",
        LineKind::Added => "added",
    }
}

fn failures(errors: &[InputError]) -> Vec<Failure> {
    errors.iter().map(Failure::of).collect()
}

impl Failure {
    fn of(error: &InputError) -> Self {
        let position = error.problem.position();
        Self {
            sentence: error.to_string(),
            message: error.problem.to_string(),
            line: position.map(|Position { line, .. }| line),
            column: position.map(|Position { column, .. }| column),
        }
    }

    fn without_place(sentence: String) -> Self {
        Self { message: sentence.clone(), sentence, line: None, column: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: registry.example.com/web:1.4
    securityContext:
      privileged: true
";

    fn text(name: &str, text: &str) -> Text {
        Text { name: name.to_owned(), text: text.to_owned() }
    }

    /// Returns the output as the page gets it.
    fn run(manifest: &str, old: Option<&str>, settings: &str) -> Value {
        let input = Input {
            manifest: text("manifest.yaml", manifest),
            old: old.map(|old| text("old.yaml", old)),
            settings: text("settings.yaml", settings),
        };
        serde_json::to_value(check(input, Policy::linked())).unwrap()
    }

    fn rules(output: &Value) -> Vec<&str> {
        let findings = output["report"]["objects"][0]["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
    }

    #[test]
    fn findings_have_lines() {
        let output =
            run(POD, None, "readOnlyRootFilesystem: off\nrunAsNonRoot: off\nallowPrivilegeEscalation: off\n");
        assert_eq!(rules(&output), ["privileged"]);
        let finding = &output["report"]["objects"][0]["findings"][0];
        assert_eq!((&finding["line"], &finding["column"]), (&json!(9), &json!(7)));
    }

    #[test]
    fn an_old_object_makes_an_update() {
        assert!(rules(&run(POD, None, "")).contains(&"privileged"));
        let updated = run(POD, Some(&format!("{POD}  hostNetwork: true\n")), "");
        assert_eq!(updated["report"]["objects"][0]["verdict"], "admitted");
        let other = run(POD, Some(&POD.replace("{name: web}", "{name: db}")), "");
        assert!(rules(&other).contains(&"privileged"));
    }

    #[test]
    fn an_old_text_without_objects_is_reported() {
        let output = run(POD, Some("kind: ["), "");
        assert_eq!(
            output["old"],
            json!([{
                "sentence": "old.yaml, line 1 column 7: unclosed bracket '['",
                "message": "unclosed bracket '['",
                "line": 1,
                "column": 7,
            }])
        );
        assert_eq!(output["report"]["objects"][0]["verdict"], "denied");
    }

    #[test]
    fn fixes_are_the_diff_of_check() {
        let output = run(POD, None, "{enforcement: warn, readOnlyRootFilesystem: fix}");
        assert_eq!(output["report"]["objects"][0]["verdict"], "fixed");
        let lines = output["fixes"][0].as_array().unwrap();
        assert_eq!(lines[0], json!({"kind": "header", "text": "--- manifest.yaml"}));
        assert!(
            lines.contains(&json!({"kind": "added", "text": "+      readOnlyRootFilesystem: true"})),
            "{lines:?}"
        );
    }

    #[test]
    fn invalid_settings_prevent_an_evaluation() {
        let output = run(POD, None, "privileged: loud\n");
        assert_eq!(output.get("report"), None);
        assert_eq!(output["settings"][0]["line"], 1);
        assert_eq!(run(POD, None, "a: [")["settings"][0]["column"], 4);
    }

    #[test]
    fn documents_that_cannot_be_read_are_in_the_report() {
        let output = run(&format!("{POD}---\nkind: [\n---\n{POD}"), None, "");
        assert_eq!(output["report"]["objects"].as_array().unwrap().len(), 2);
        assert_eq!(output["report"]["unreadable"][0]["line"], 11);
        assert_eq!(output["fixes"], json!([[], []]));
    }
}
