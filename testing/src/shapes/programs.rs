//! Programs, variables and volumes that are mounted again and again.

use super::builders::{containers, fill, mounts, pod};
use super::{FULL, ITEMS, Shape};

const SETTINGS: &str = r#"{"writablePrograms": "deny"}"#;

/// Returns the payload of a container with one variable.
fn with_variable(name: &str, value: &str) -> String {
    pod(SETTINGS, &with_data(&format!(r#""env": [{{"name": "{name}", "value": "{value}"}}]"#)))
}

/// Volumes that a container mounts at `/data`, from where its working directory begins.
fn with_data(fields: &str) -> String {
    let container = format!(
        r#"{{"name": "a", "workingDir": "/data/{}", "volumeMounts": [{{"name": "v", "mountPath": "/data", "readOnly": true}}], {fields}}}"#,
        "d/".repeat(1_000)
    );
    containers(&container)
}

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "mounts of one volume, half of them at a protected path",
        most: 36 * ITEMS,
        payload: |bytes| {
            let mount = |number| match number % 2 {
                0 => r#"{"name":"v","mountPath":"/bin","readOnly":true}"#.to_owned(),
                _ => r#"{"name":"v","mountPath":"/x"}"#.to_owned(),
            };
            pod(SETTINGS, &mounts(&fill(bytes, mount)))
        },
    },
    Shape {
        name: "containers that share volumes, half of them at a protected path",
        most: 28 * ITEMS,
        payload: |bytes| {
            let container = |number: usize| {
                let (volume, at) = (number / 100, if number.is_multiple_of(2) { "bin" } else { "x" });
                format!(r#"{{"name":"{number}","volumeMounts":[{{"name":"{volume}","mountPath":"/{at}"}}]}}"#)
            };
            pod(SETTINGS, &containers(&fill(bytes, container)))
        },
    },
    Shape {
        name: "long parts of volumes",
        most: FULL,
        payload: |bytes| {
            let part = "p/".repeat(1_900);
            let mount = |number: usize| {
                let at = if number.is_multiple_of(2) { "/bin" } else { "/x" };
                format!(r#"{{"name":"{}","mountPath":"{at}","subPath":"{part}{number}"}}"#, number / 8)
            };
            pod(SETTINGS, &mounts(&fill(bytes, mount)))
        },
    },
    Shape {
        name: "containers that run programs of one volume",
        most: 25 * ITEMS,
        payload: |bytes| {
            let container = |number: usize| {
                format!(
                    r#"{{"name":"{number}","command":["/x/a"],"env":[{{"name":"PATH","value":"/x"}}],"volumeMounts":[{{"name":"{}","mountPath":"/x"}}]}}"#,
                    number / 100
                )
            };
            pod(SETTINGS, &containers(&fill(bytes, container)))
        },
    },
    Shape {
        name: "relative elements of a variable",
        most: FULL,
        payload: |bytes| {
            let value = "../a:".repeat(bytes / 5);
            with_variable("PATH", &value)
        },
    },
    Shape {
        name: "options of a variable",
        most: FULL,
        payload: |bytes| {
            let value = "-a=/b ".repeat(bytes / 6);
            with_variable("NODE_OPTIONS", &value)
        },
    },
    Shape {
        name: "variables that repeat others",
        most: FULL,
        payload: |bytes| {
            let variable = |number: usize| {
                format!(r#"{{"name":"A{}","value":"$(A{number})$(A{number})x"}}"#, number + 1)
            };
            let path = r#"{"name":"PATH","value":"$(A1)"}"#;
            pod(SETTINGS, &with_data(&format!(r#""env": [{},{path}]"#, fill(bytes, variable))))
        },
    },
    Shape {
        name: "references without an end",
        most: FULL,
        payload: |bytes| {
            let value = "$(".repeat(bytes / 2);
            with_variable("PATH", &value)
        },
    },
    Shape {
        name: "mounts in a container with a long variable",
        most: FULL,
        payload: |bytes| {
            let mount = |number| format!(r#"{{"name":"v","mountPath":"/{number}","readOnly":true}}"#);
            let mounts = fill(bytes / 2, mount);
            let value = "/1:/x:".repeat(bytes / 12);
            let env = format!(r#""env": [{{"name": "PATH", "value": "{value}"}}]"#);
            pod(SETTINGS, &containers(&format!(r#"{{"volumeMounts": [{mounts}], {env}}}"#)))
        },
    },
];
