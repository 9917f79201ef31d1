//! Generators of probes.

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use crate::generators::{fields, one_of};

/// Generates commands that remove shells, and commands that almost do.
fn command() -> BoxedStrategy<Value> {
    let program = select(vec![
        "rm",
        "rm",
        "rm",
        "/bin/rm",
        "/usr/bin/rm",
        "./rm",
        "/tmp/rm",
        "/usr/local/bin/rm",
        "echo",
        "rmdir",
    ]);
    let options = select(vec![
        "-f", "-f", "-rf", "-v -d", "--force", "-fv --", "--", "", "-i", "-fi", "--help", "-x", "--forced",
    ]);
    let path = select(vec![
        "/bin/sh",
        "/bin/sh",
        "/bin/bash",
        "/bin/bash",
        "/bin/busybox",
        "/bin/sh/",
        "/bin/shx",
        "bin/sh",
        "/usr/bin/sh",
    ]);
    let line = (program, options, vec(path, 1..4)).prop_map(|(program, options, paths)| {
        let words = [vec![program], options.split(' ').collect(), paths].concat();
        words.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    });
    let separator =
        select(vec![" && ", " && ", " && ", "&&", "  &&\t", " ; ", " || ", " & ", " | ", "\n", "&&&"]);
    let end = select(vec![
        "",
        "",
        "",
        "",
        " ",
        " # gone",
        " || true",
        " &",
        " > /dev/null",
        " $X",
        " 'x'",
        " && true",
    ]);
    let script = (vec(line.clone(), 1..3), separator, end).prop_map(|(lines, separator, end)| {
        lines.iter().map(|line| line.join(" ")).collect::<Vec<_>>().join(separator) + end
    });
    let shell = select(vec!["sh", "bash", "/bin/sh", "/usr/bin/bash", "/tmp/sh", "./sh", "echo"]);
    let shell_options = select(vec!["-c", "-c", "-c", "-ec", "-x", ""]);
    let through_shell =
        (shell, shell_options, script).prop_map(|(shell, options, script)| json!([shell, options, script]));
    let good = json!([
        ["rm", "-f", "/bin/sh", "/bin/bash"],
        ["/bin/rm", "-f", "/bin/sh", "/bin/bash"],
        ["/bin/rm", "-f", "/bin/sh", "/bin/bash"],
        ["/bin/rm", "/bin/busybox", "/bin/bash"],
        ["sh", "-c", "rm -f /bin/sh && rm -v /bin/bash"],
        ["rm", "/bin/sh"],
    ]);
    let odd = json!([[], null, ["rm -f /bin/sh /bin/bash"], ["rm"]]);
    prop_oneof![2 => line.prop_map(Value::from), 2 => through_shell, 4 => one_of(&good), 1 => one_of(&odd)]
        .boxed()
}

/// Generates probes.
pub(super) fn probe() -> BoxedStrategy<Value> {
    let numbers = fields(vec![
        ("periodSeconds", one_of(&json!([0, 1, 1, 10, 300, null]))),
        ("failureThreshold", one_of(&json!([0, 1, 1, 3, 3, 61, 2_147_483_647, null]))),
        ("initialDelaySeconds", one_of(&json!([0, 0, 1, 60, 61, 2_147_483_647, null]))),
    ]);
    let exec = (command(), numbers)
        .prop_map(|(command, mut probe)| {
            probe["exec"] = json!({"command": command});
            probe
        })
        .boxed();
    prop_oneof![8 => exec, 1 => one_of(&json!([null, {}, {"exec": {}}])), 1 => network_probe()].boxed()
}

/// Generates probes and hooks that send requests, mostly to the pod.
pub(super) fn network_probe() -> BoxedStrategy<Value> {
    one_of(&json!([
        null,
        {},
        {"httpGet": {"path": "/", "port": 80}},
        {"httpGet": {"path": "/", "port": 80}},
        {"httpGet": {"port": 80, "httpHeaders": [{"name": "Host", "value": "web.example.com"}]}},
        {"httpGet": {"port": 80, "host": ""}},
        {"httpGet": {"port": "http", "host": "localhost"}},
        {"httpGet": {"port": 80, "host": "169.254.169.254"}},
        {"tcpSocket": {"port": 80}},
        {"tcpSocket": {"port": 80, "host": null}},
        {"tcpSocket": {"port": 80, "host": "db.example.com"}},
        {"httpGet": {"port": 80}, "tcpSocket": {"port": 80, "host": "127.0.0.1"}},
        {"grpc": {"port": 80, "service": "db.example.com"}},
    ]))
}

/// Generates hooks that send requests.
pub(super) fn lifecycle() -> BoxedStrategy<Value> {
    fields(vec![("postStart", network_probe()), ("preStop", network_probe())])
}
