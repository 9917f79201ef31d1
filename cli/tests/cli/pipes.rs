//! A file can be a pipe, such as `/dev/stdin` or `<(command)` in a shell. It is empty for a second reader.

use super::*;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: nginx:1.29
";

const SETTINGS: &str = "readOnlyRootFilesystem: fix\nallowPrivilegeEscalation: 'off'\nrunAsNonRoot: 'off'\n";

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: webs.example.com}\n\
                          spec: {group: example.com, names: {kind: Web, plural: webs}}\n";

/// Settings that need the user of the image, and fix nothing.
const INSPECTING: &str =
    "readOnlyRootFilesystem: 'off'\nallowPrivilegeEscalation: 'off'\nrunAsNonRoot: {inspectImage: true}\n";

const USER: &str = r#"
- type: Exchange
  request: |
    !OciManifestAndConfig
    image: nginx:1.29
  response:
    type: Success
    payload: '{"manifest":{},"digest":"","config":{"os":"linux","config":{"User":"101"}}}'
"#;

/// Returns what a command does with a file in place of `PIPE`, which must also be what it does with a pipe.
#[track_caller]
fn with_pipe(command: &[&str], content: &[u8]) -> Outcome {
    let folder = Folder::with(&[("web.yaml", POD), ("none.yaml", ""), ("inspecting.yaml", INSPECTING)]);
    fs::write(folder.0.path().join("content"), content).unwrap();
    let with =
        |file| command.iter().map(|word| if *word == "PIPE" { file } else { *word }).collect::<Vec<_>>();
    let outcome = Outcome::of(&folder.command(&with("content")).output().unwrap());
    let piped = folder.given(&with("/dev/stdin"), content);
    let piped = Outcome { stderr: piped.stderr.replace("/dev/stdin", "content"), ..piped };
    assert_eq!(piped, outcome, "{command:?}");
    outcome
}

/// Checks that a command does the same with a file and with a pipe, and something else if they are empty.
#[track_caller]
fn reads_once(command: &[&str], content: &[u8]) {
    let outcome = with_pipe(command, content);
    assert_ne!(outcome.code, Some(2), "{command:?}: {}", outcome.stderr);
    assert_ne!(outcome, with_pipe(command, b""), "{command:?}");
}

#[test]
fn policies_are_read_once() {
    for command in [
        &["check", "--policy", "PIPE", "web.yaml"][..],
        &["baseline", "--policy", "PIPE", "web.yaml"],
        &["fix", "--diff", "--policy", "PIPE", "web.yaml"],
        &["compare", "PIPE", "none.yaml", "web.yaml"],
        &["compare", "none.yaml", "PIPE", "web.yaml"],
    ] {
        reads_once(command, SETTINGS.as_bytes());
    }
}

#[test]
fn two_modules_get_the_same_settings() {
    let command = ["compare", guest(), guest(), "--policy", "PIPE", "web.yaml"];
    assert_eq!(with_pipe(&command, b"mode: WARN\n"), Outcome::new(0, "1 object: 0 different\n", ""));
}

#[test]
fn what_is_known_about_a_cluster_is_read_once() {
    for command in [
        &["check", "web.yaml"][..],
        &["fix", "--diff", "web.yaml"],
        &["compare", "none.yaml", "none.yaml", "web.yaml"],
    ] {
        for (option, content) in [("--namespaces", NAMESPACE), ("--crds", DEFINITION)] {
            reads_once(&[command, &[option, "PIPE"]].concat(), content.as_bytes());
        }
    }
}

#[test]
fn modules_are_read_once() {
    let module = fs::read(guest()).unwrap();
    for command in [
        &["check", "--module", "PIPE", "web.yaml"][..],
        &["fix", "--diff", "--module", "PIPE", "web.yaml"],
        &["compare", "--module", "PIPE", "none.yaml", "none.yaml", "web.yaml"],
        &["compare", "PIPE", guest(), "web.yaml"],
    ] {
        reads_once(command, &module);
    }
}

#[test]
fn recordings_are_read_once() {
    for command in [
        &["check", "--policy", "inspecting.yaml"][..],
        &["fix", "--diff", "--policy", "inspecting.yaml"],
        &["compare", "none.yaml", "inspecting.yaml"],
    ] {
        let recording = ["--replay-host-capabilities-interactions", "PIPE", "web.yaml"];
        reads_once(&[command, &recording].concat(), USER.as_bytes());
    }
}
