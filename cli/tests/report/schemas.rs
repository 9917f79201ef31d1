//! Every report is valid in its format.
//!
//! The schemas of other projects are not part of this repository. `REPORT_SCHEMAS` is a folder that contains them:
//!
//! - `sarif-schema-2.1.0.json`, from `sarif-2.1/schema/` of <https://github.com/oasis-tcs/sarif-spec>
//! - `junit-10.xsd`, from `src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/` of
//!   <https://github.com/jenkinsci/xunit-plugin>
//! - `openreports.io_reports.yaml` and `openreports.io_clusterreports.yaml`, from `config/crd/` of
//!   <https://github.com/openreports/reports-api>

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use immutable_pods::document;
use immutable_pods::report::{Format, ReportOptions};
use immutable_pods::schemas::OUTPUT;
use serde_json::{Value, json};

use crate::{evaluations, full, report};

/// Returns a report on everything, one per object, and one on nothing.
fn reports(format: Format) -> Vec<String> {
    let one = |evaluation| report(format, ReportOptions::default(), &[evaluation], &[]);
    let mut reports: Vec<String> = evaluations::all().into_iter().map(one).collect();
    reports.extend(
        evaluations::errors()
            .into_iter()
            .map(|error| report(format, ReportOptions::default(), &[], &[error])),
    );
    reports.push(report(format, ReportOptions::default(), &[], &[]));
    reports.push(full(format));
    reports
}

/// Returns the path of a schema, or says that it is missing.
fn schema(file: &str) -> Option<PathBuf> {
    let path = env::var_os("REPORT_SCHEMAS").map(|folder| PathBuf::from(folder).join(file));
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        println!("skipped: {file} is not in the folder REPORT_SCHEMAS");
    }
    path
}

#[track_caller]
fn validate(schema: &Value, instance: &Value) {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{instance:#}");
}

#[test]
fn json_is_valid() {
    let schema: Value = serde_json::from_str(OUTPUT).unwrap();
    for report in reports(Format::Json) {
        validate(&schema, &serde_json::from_str(&report).unwrap());
    }
}

#[test]
fn the_schema_of_json_rejects_other_documents() {
    let schema: Value = serde_json::from_str(OUTPUT).unwrap();
    let mut report: Value = serde_json::from_str(&full(Format::Json)).unwrap();
    assert!(jsonschema::is_valid(&schema, &report));
    report["objects"][0]["verdict"] = json!("unknown");
    assert!(!jsonschema::is_valid(&schema, &report));
}

#[test]
fn sarif_is_valid() {
    let logs: Vec<Value> =
        reports(Format::Sarif).iter().map(|report| serde_json::from_str(report).unwrap()).collect();
    let Some(file) = schema("sarif-schema-2.1.0.json") else { return };
    let schema: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for log in &logs {
        validate(&schema, log);
    }
}

#[test]
fn junit_is_valid() {
    let Some(schema) = schema("junit-10.xsd") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("junit.xml");
    for report in reports(Format::JUnit) {
        fs::write(&file, &report).unwrap();
        let output = Command::new("xmllint").args(["--noout", "--schema"]).args([&schema, &file]).output();
        let Ok(output) = output else {
            println!("skipped: xmllint is not installed");
            return;
        };
        assert!(output.status.success(), "{}\n{report}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn openreports_are_valid() {
    let yaml = |name: &str, text: &[u8]| -> Vec<Value> {
        document::parse(name, text).into_iter().map(|document| document.unwrap().value).collect()
    };
    let objects: Vec<Value> = reports(Format::OpenReports)
        .iter()
        .flat_map(|report| yaml("reports.yaml", report.as_bytes()))
        .collect();
    assert!(objects.iter().any(|object| object["kind"] == "Report"));
    assert!(objects.iter().any(|object| object["kind"] == "ClusterReport"));
    for (kind, file) in
        [("Report", "openreports.io_reports.yaml"), ("ClusterReport", "openreports.io_clusterreports.yaml")]
    {
        let Some(path) = schema(file) else { continue };
        let definition = &yaml(file, &fs::read(path).unwrap())[0];
        let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        deny_unknown_keys(&mut schema);
        // The definition leaves metadata to the API server.
        schema["properties"]["metadata"] = json!({"type": "object"});
        for object in objects.iter().filter(|object| object["kind"] == kind) {
            validate(&schema, object);
        }
    }
}

/// API servers drop unknown keys silently.
fn deny_unknown_keys(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(deny_unknown_keys);
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(deny_unknown_keys),
        _ => {}
    }
}
