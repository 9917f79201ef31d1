//! Generators of the container fields that only `writablePrograms` and `shellRemoval` read.

use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use crate::generators::{list, of, one_of};
use crate::reference::rule::Field;

/// Returns generators of commands, hooks, variables and working directories.
pub(super) fn container_fields() -> Vec<Field> {
    let hook = (of(&["postStart", "preStop"]), command()).prop_map(|(hook, command)| match hook.as_str() {
        Some(hook) => json!({hook: {"exec": {"command": command}}}),
        None => Value::Null,
    });
    vec![
        ("command", command()),
        ("workingDir", of(&["/data", "/usr/share/web", "/tmp/x/", ""])),
        ("env", list(variable(), 2)),
        ("lifecycle", hook.boxed()),
    ]
}

fn command() -> BoxedStrategy<Value> {
    one_of(&json!([
        ["/data/web", "-x"],
        ["/usr/bin/env"],
        ["/tmp/x"],
        ["./web"],
        ["web"],
        ["/var/log/../log/web"],
        ["$(HOME)/web"],
        ["$$(HOME)/web"],
        ["$(MISSING)/web"],
        ["/dev/shm/web"],
        ["/cache/x"],
        ["C:\\data\\web.exe"],
        ["c:/DATA/x/web"],
        [""],
        [],
        null,
    ]))
}

fn variable() -> BoxedStrategy<Value> {
    let values = [
        "",
        "/data",
        "/data/x.so",
        "/usr/lib:/data",
        "/usr/bin:",
        "x.so",
        "./x.so",
        "/usr/lib;/tmp/x",
        "libm.so /cache/x",
        "$(HOME)/x",
        "$(HOME)",
        "-javaagent:/data/a.jar",
        "-Djava.io.tmpdir=/data",
        "--require /tmp/x",
        "C:\\Windows;C:\\data",
        "/dev/shm",
    ];
    let names = select(vec![
        "HOME",
        "HOME",
        "PATH",
        "PATH",
        "LD_PRELOAD",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "BASH_ENV",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
        "ld_preload",
    ]);
    let value = prop_oneof![6 => select(values.to_vec()).prop_map(|value| json!({"value": value})),
        1 => one_of(&json!([{"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {}]))];
    (names, value)
        .prop_map(|(name, mut variable)| {
            variable["name"] = name.into();
            variable
        })
        .boxed()
}
