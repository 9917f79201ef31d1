//! The Helm chart, as Rancher and Helm read it. `e2e-tests/chart.bats` tests what it renders.

#![expect(clippy::indexing_slicing, reason = "YAML has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a file that does not parse")]

use std::fs;

use immutable_pods::document;
use serde_json::{Value, json};

use crate::documents::{metadata, read};
use crate::module::in_repository;

const CHART: &str = "charts/immutable-pods-policy/Chart.yaml";
const VALUES: &str = "charts/immutable-pods-policy/values.yaml";
const SCHEMA: &str = "charts/immutable-pods-policy/values.schema.json";
const HAULER: &str = "charts/hauler.yaml";

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The tag of the module.
const TAG: &str = concat!("v", env!("CARGO_PKG_VERSION"));

fn documents(file: &str) -> Vec<Value> {
    let text = fs::read(in_repository(file)).unwrap();
    document::parse(file, &text).into_iter().map(|document| document.unwrap().value).collect()
}

fn accepts(values: &Value) -> bool {
    let schema = read(SCHEMA);
    jsonschema::draft7::new(&schema).unwrap().is_valid(values)
}

/// Returns the default values with a change.
fn values_with(change: impl FnOnce(&mut Value)) -> Value {
    let mut values = read(VALUES);
    change(&mut values);
    values
}

/// The keys are those of `types/kubewarden.ts` and `types/policy.ts` of Rancher's extension, version 4.2.
#[test]
fn the_annotations_are_what_rancher_reads() {
    let (chart, metadata) = (read(CHART), metadata());
    let annotations = &chart["annotations"];
    assert_eq!(annotations["catalog.cattle.io/type"], "kubewarden-policy");
    assert_eq!(annotations["kubewarden/displayName"], metadata["annotations"]["io.artifacthub.displayName"]);
    assert_eq!(annotations["kubewarden/resources"], metadata["annotations"]["io.artifacthub.resources"]);
    assert_eq!(annotations["kubewarden/mutation"], "false");
    let rules = annotations["kubewarden/rules"].as_str().unwrap();
    let rules = document::parse("rules.yaml", rules.as_bytes()).remove(0).unwrap().value;
    assert_eq!(rules, metadata["rules"]);
    let module =
        ["registry", "repository"].map(|key| annotations[format!("kubewarden/{key}")].as_str().unwrap());
    assert_eq!(module.join("/"), metadata["annotations"]["io.kubewarden.policy.ociUrl"].as_str().unwrap());
    assert_eq!(annotations["kubewarden/tag"], TAG);
    // The policy asks the API server for nothing.
    assert_eq!(annotations["kubewarden/contextAwareResources"], Value::Null);
}

#[test]
fn the_values_name_the_module_where_rancher_reads_it() {
    let (annotations, values) = (&read(CHART)["annotations"], read(VALUES));
    assert_eq!(values["global"]["cattle"]["systemDefaultRegistry"], annotations["kubewarden/registry"]);
    assert_eq!(values["module"]["repository"], annotations["kubewarden/repository"]);
    assert_eq!(values["module"]["tag"], annotations["kubewarden/tag"]);
}

#[test]
fn every_file_of_the_chart_has_this_version() {
    let chart = read(CHART);
    assert_eq!((&chart["version"], &chart["appVersion"]), (&json!(VERSION), &json!(VERSION)));
    for file in ["charts/immutable-pods-policy/README.md", "docs/rancher.md", "docs/incident.md"] {
        let text = fs::read_to_string(in_repository(file)).unwrap();
        let versions: Vec<_> =
            text.split("--version ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
        assert!(!versions.is_empty(), "{file}");
        assert!(versions.iter().all(|version| *version == VERSION), "{file}: {versions:?}");
    }
}

#[test]
fn the_schema_accepts_the_defaults_and_what_rancher_adds() {
    let schema = read(SCHEMA);
    assert!(jsonschema::meta::validate(&schema).is_ok());
    assert!(accepts(&read(VALUES)));
    assert!(accepts(&values_with(|values| {
        values["global"]["cattle"] =
            json!({"systemDefaultRegistry": "", "clusterId": "c-1", "url": "https://example.com"});
        values["global"]["systemDefaultRegistry"] = json!("");
    })));
}

#[test]
fn the_schema_of_the_settings_is_the_schema_of_the_module() {
    for settings in [
        json!({"runAsNonRoot": "warn", "preset": "restricted"}),
        json!({"exemptions": [{"reason": "a", "images": ["nginx"]}]}),
    ] {
        assert!(accepts(&values_with(|values| values["settings"] = settings.clone())), "{settings}");
    }
    for settings in
        [json!({"runAsNonRoot": "on"}), json!({"runAsNonroot": "warn"}), json!({"exemptions": [{}]})]
    {
        assert!(!accepts(&values_with(|values| values["settings"] = settings.clone())), "{settings}");
    }
    let mut own = read(SCHEMA)["properties"]["settings"].clone();
    let mut module = read("settings.schema.json");
    for key in ["$id", "$schema", "title", "type", "description"] {
        own.as_object_mut().unwrap().remove(key);
        module.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(own, module);
}

#[test]
fn the_schema_describes_every_value() {
    fn check(schema: &Value, values: &Value, path: &str) {
        for (key, value) in values.as_object().unwrap() {
            let path = format!("{path}.{key}");
            let property = &schema["properties"][key];
            if property["description"].is_null() {
                check(property, value, &path);
            } else {
                assert!(property["description"].as_str().unwrap().ends_with('.'), "{path}");
            }
        }
    }
    check(&read(SCHEMA), &read(VALUES), "");
}

/// The fields are those of `pkg/apis/hauler.cattle.io/v1` of Hauler 2.0.
#[test]
fn the_list_for_hauler_has_the_module_and_the_chart_of_this_version() {
    let metadata = metadata();
    let annotation = |key: &str| metadata["annotations"][key].as_str().unwrap().to_owned();
    let image = annotation("io.kubewarden.policy.ociUrl");
    let source = annotation("io.kubewarden.policy.source");
    let lists = documents(HAULER);
    for list in &lists {
        assert_eq!(list["apiVersion"], "content.hauler.cattle.io/v1");
    }
    assert_eq!(lists.iter().map(|list| &list["kind"]).collect::<Vec<_>>(), ["Images", "Charts"]);
    assert_eq!(
        lists[0]["spec"]["images"],
        json!([{
            "name": format!("{image}:{TAG}"),
            "certificate-identity": format!("{source}/.github/workflows/release.yml@refs/tags/{TAG}"),
            "certificate-oidc-issuer": "https://token.actions.githubusercontent.com",
        }])
    );
    let owner = image.rsplit_once('/').unwrap().0;
    assert_eq!(
        lists[1]["spec"]["charts"],
        json!([{"name": "immutable-pods-policy", "repoURL": format!("oci://{owner}/charts"), "version": VERSION}])
    );
}
