//! The program as people and scripts use it: output, errors and exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails if its files cannot be written")]

mod baseline;
mod cluster;
mod compare;
#[cfg(unix)]
mod documents;
#[cfg(unix)]
mod fix;
mod golden;
// Without this feature, the program has fewer options.
#[cfg(feature = "cluster")]
mod help;
mod outputs;
mod pictures;
#[cfg(unix)]
mod pipes;
mod policies;
mod reference;
mod request;
mod run;
mod void_settings;
mod writable_paths;

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_immutable-pods");
/// Returns the file of the guest, which responds as a word in a payload requires.
fn guest() -> &'static str {
    static FILE: LazyLock<String> = LazyLock::new(|| {
        let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/guest.wasm");
        fs::write(file, wat::parse_str(include_str!("../guest.wat")).unwrap()).unwrap();
        file.to_owned()
    });
    &FILE
}

/// A folder with files, in which the program runs.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs with bytes on stdin.
    #[track_caller]
    fn given(&self, arguments: &[&str], stdin: &(impl AsRef<[u8]> + ?Sized)) -> Outcome {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_ref()).unwrap();
        Outcome::of(&child.wait_with_output().unwrap())
    }

    /// Runs `check` with the guest of these tests.
    #[track_caller]
    fn check(&self, arguments: &[&str]) -> Outcome {
        let arguments = [&["check", "--module", guest()], arguments].concat();
        Outcome::of(&self.command(&arguments).output().unwrap())
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Outcome {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    fn new(code: i32, stdout: &str, stderr: &str) -> Self {
        Self { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() }
    }
}

fn pod(name: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n")
}

#[test]
fn everything_admitted_is_exit_code_0() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.check(&["web.yaml"]),
        Outcome::new(
            0,
            "web.yaml: Pod default/web admitted\n\
             1 object: 1 admitted, 0 denied\n",
            "",
        )
    );
}

#[test]
fn something_denied_is_exit_code_1() {
    let folder = Folder::with(&[
        ("all/1.yaml", &(pod("web") + "---\n" + &pod("DENY"))),
        ("all/2.json", r#"{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "WARN"}}"#),
    ]);
    assert_eq!(
        folder.check(&["all"]),
        Outcome::new(
            1,
            "all/1.yaml, document 1: Pod default/web admitted\n\
             all/1.yaml, document 2: Pod default/DENY denied\n    \
                 6:1 spec.containers[0].image: the tag `latest` moves [image-tag]\n    \
                 6:1 spec.hostNetwork: the pod shares the network of its node [host-network]\n\
             all/2.json: Node WARN admitted\n    \
                 1:1 warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
             findings by rule:\n    \
                 1 host-network\n    \
                 1 host-pid\n    \
                 1 image-tag\n\
             3 objects: 2 admitted, 1 denied, 1 warning\n",
            "",
        )
    );
}

#[test]
fn an_input_that_cannot_be_read_is_exit_code_2_and_the_others_are_evaluated() {
    let folder = Folder::with(&[
        ("bad.yaml", "a: 1\na: 2\n"),
        ("denied.yaml", &pod("DENY")),
        ("values.yaml", "replicas: 2\n"),
        ("web.yaml", &pod("web")),
    ]);
    assert_eq!(
        folder.check(&["none.yaml", "bad.yaml", "values.yaml", "denied.yaml", "web.yaml"]),
        Outcome::new(
            2,
            "denied.yaml: Pod default/DENY denied\n    \
                 1:1 spec.containers[0].image: the tag `latest` moves [image-tag]\n    \
                 1:1 spec.hostNetwork: the pod shares the network of its node [host-network]\n\
             web.yaml: Pod default/web admitted\n\
             findings by rule:\n    \
                 1 host-network\n    \
                 1 image-tag\n\
             2 objects: 1 admitted, 1 denied, 3 unreadable inputs\n",
            "error: none.yaml: no such file or folder\n\
             error: bad.yaml, line 2 column 1: duplicate key `a` in a mapping\n\
             error: values.yaml: not a Kubernetes object: missing `kind`\n",
        )
    );
}

#[test]
fn a_guest_that_fails_is_exit_code_2() {
    let folder = Folder::with(&[("trap.yaml", &pod("TRAP"))]);
    assert_eq!(
        folder.check(&["trap.yaml"]),
        Outcome::new(
            2,
            "",
            "error: trap.yaml: the policy failed in `validate`: wasm `unreachable` instruction executed\n",
        )
    );
}

#[test]
fn a_missing_module_is_exit_code_2() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    let run = |arguments: &[&str]| Outcome::of(&folder.command(arguments).output().unwrap());
    assert_eq!(
        run(&["check", "--module", "policy.wasm", "web.yaml"]),
        Outcome::new(2, "", "error: policy.wasm: no such file or folder; build it with `make policy.wasm`\n",)
    );
    assert_eq!(
        run(&["check", "--module", "other.wasm", "web.yaml"]),
        Outcome::new(2, "", "error: other.wasm: no such file or folder\n")
    );
}

#[test]
fn an_unusable_module_is_exit_code_2() {
    let folder = Folder::with(&[("policy.wasm", "mode: warn"), ("web.yaml", &pod("web"))]);
    // Modules of other policies have other functions.
    let other = "(module
        (import \"wapc\" \"__guest_error\" (func $error (param i32 i32)))
        (memory (export \"memory\") 1)
        (data (i32.const 0) \"No handler registered for function validate_settings\")
        (func (export \"__guest_call\") (param i32 i32) (result i32)
            (call $error (i32.const 0) (i32.const 52))
            (i32.const 0)))";
    for (name, module) in [("empty.wasm", "(module)"), ("other.wasm", other)] {
        fs::write(folder.0.path().join(name), wat::parse_str(module).unwrap()).unwrap();
    }
    for (module, reason) in [
        ("policy.wasm", "not a WebAssembly module"),
        ("empty.wasm", "the policy does not start: the module does not export __guest_call"),
        (
            "other.wasm",
            "the policy failed in `validate_settings`: No handler registered for function validate_settings",
        ),
    ] {
        let output = folder.command(&["check", "--module", module, "web.yaml"]).output().unwrap();
        let hint = "pass a module of this policy, which `make policy.wasm` builds";
        assert_eq!(
            Outcome::of(&output),
            Outcome::new(2, "", &format!("error: {module}: {reason}; {hint}\n"))
        );
    }
}

#[test]
fn invalid_settings_are_exit_code_2_and_nothing_is_evaluated() {
    let folder = Folder::with(&[("s.yaml", "mode: DENY\n"), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.check(&["--settings", "s.yaml", "web.yaml"]),
        Outcome::new(
            2,
            "",
            "error: s.yaml, line 1 column 1: `mode`: unknown mode\n\
             error: s.yaml, line 1 column 1: `exempt`: must be a list\n",
        )
    );
}

#[test]
fn unreadable_settings_are_exit_code_2() {
    let folder = Folder::with(&[("s.yaml", "- a\n"), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.check(&["--settings", "s.yaml", "web.yaml"]),
        Outcome::new(2, "", "error: s.yaml: settings: expected a mapping, got a sequence\n",)
    );
}

#[test]
fn settings_reach_the_policy() {
    let folder = Folder::with(&[("s.json", "{\"mode\": \"WARN\"}"), ("web.yaml", &pod("web"))]);
    let outcome = folder.check(&["--settings", "s.json", "web.yaml"]);
    assert_eq!(
        outcome.stdout,
        "web.yaml: Pod default/web admitted\n    \
             1:1 warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
         findings by rule:\n    \
             1 host-pid\n\
         1 object: 1 admitted, 0 denied, 1 warning\n"
    );
}

#[test]
fn the_settings_of_a_policy_manifest_are_used() {
    let manifest = "apiVersion: policies.kubewarden.io/v1\n\
                    kind: ClusterAdmissionPolicy\n\
                    metadata: {name: DENY}\n\
                    spec: {module: DENY, mutating: false, settings: {mode: WARN}, rules: [{apiGroups: [''], apiVersions: [v1], \
                    resources: [pods], operations: [CREATE]}]}\n";
    let folder = Folder::with(&[("policy.yaml", manifest), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.check(&["--settings", "policy.yaml", "web.yaml"]),
        Outcome::new(
            0,
            "web.yaml: Pod default/web admitted\n    \
                 1:1 warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
             findings by rule:\n    \
                 1 host-pid\n\
             1 object: 1 admitted, 0 denied, 1 warning\n",
            "",
        )
    );
}

#[test]
fn requests_that_are_not_sent_to_the_policy_are_skipped() {
    let manifest = "apiVersion: policies.kubewarden.io/v1\n\
                    kind: ClusterAdmissionPolicy\n\
                    metadata: {name: system}\n\
                    spec:\n  \
                      mutating: false\n  \
                      rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]\n  \
                      namespaceSelector:\n    \
                        matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]\n";
    let of_system = pod("DENY").replace("metadata:", "metadata:\n  namespace: kube-system");
    let other = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: DENY}\n";
    let folder = Folder::with(&[
        ("policy.yaml", manifest),
        ("1.yaml", &of_system),
        ("2.yaml", other),
        ("3.yaml", &pod("web")),
    ]);
    assert_eq!(
        folder.check(&["--settings", "policy.yaml", "1.yaml", "2.yaml", "3.yaml"]),
        Outcome::new(
            0,
            "1.yaml: Pod kube-system/DENY skipped\n    \
                 policy system: skipped: its namespaceSelector does not select kube-system\n\
             2.yaml: ClusterPolicy default/DENY skipped\n    \
                 policy system: skipped: its rules do not name CREATE of clusterpolicies.kyverno.io, a guess: pass its definition with --crds\n\
             3.yaml: Pod default/web admitted\n\
             3 objects: 1 admitted, 0 denied, 2 skipped\n",
            "warning: policy system: `imageChange` has no effect: the rules do not name UPDATE of pods\n",
        )
    );
}

#[test]
fn a_policy_manifest_without_usable_settings_is_exit_code_2() {
    let group = "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicyGroup\n";
    let list = "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicy\nspec: {module: m, mutating: false, settings: [WARN], rules: []}\n";
    let folder = Folder::with(&[("group.yaml", group), ("list.yaml", list), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.check(&["--settings", "group.yaml", "web.yaml"]),
        Outcome::new(2, "", "error: group.yaml, line 1 column 1: `spec`: missing field `rules`\n",)
    );
    assert_eq!(
        folder.check(&["--settings", "list.yaml", "web.yaml"]),
        Outcome::new(
            2,
            "",
            "error: list.yaml, line 3 column 36: `spec.settings`: invalid type: sequence, expected a map\n",
        )
    );
}

/// Returns a pod that the guest fixes.
fn pod_to_fix() -> String {
    pod("EDIT") + "spec:\n  hostNetwork: true\n  containers:\n  - {name: web, image: nginx}\n"
}

#[test]
fn fixes_are_counted() {
    let folder = Folder::with(&[("1.yaml", &pod_to_fix()), ("2.yaml", &pod("SAME"))]);
    assert_eq!(
        folder.check(&["1.yaml", "2.yaml"]),
        Outcome::new(
            0,
            "1.yaml: Pod default/EDIT admitted, fixed\n\
             2.yaml: Pod default/SAME admitted\n\
             2 objects: 2 admitted, 0 denied, 1 fixed\n",
            "",
        )
    );
}

#[test]
fn fixes_are_shown_on_request() {
    let folder =
        Folder::with(&[("1.yaml", &(pod_to_fix() + "---\n" + &pod("web"))), ("2.yaml", &pod("SAME"))]);
    assert_eq!(
        folder.check(&["--show-fixes", "1.yaml", "2.yaml"]),
        Outcome::new(
            0,
            &[
                "1.yaml, document 1: Pod default/EDIT admitted, fixed",
                "    --- 1.yaml, document 1",
                "    +++ 1.yaml, document 1, fixed",
                "    @@ -7,4 +7,6 @@",
                "       containers:",
                "       - image: nginx",
                "         name: web",
                "    -  hostNetwork: true",
                "    +    securityContext:",
                "    +      readOnlyRootFilesystem: true",
                "    +  hostNetwork: false",
                "1.yaml, document 2: Pod default/web admitted",
                "2.yaml: Pod default/SAME admitted",
                "3 objects: 3 admitted, 0 denied, 1 fixed",
                "",
            ]
            .join("\n"),
            "",
        )
    );
}

/// Returns a recording with the response to a digest lookup.
fn exchange(response: &str) -> String {
    format!(
        "- type: Exchange\n  request: |\n    !OciManifestDigest\n    image: nginx\n  response:\n{response}"
    )
}

fn digest(digest: &str) -> String {
    exchange(&format!("    type: Success\n    payload: '{{\"digest\":\"{digest}\"}}'\n"))
}

#[test]
fn a_recording_is_replayed_from_object_to_object() {
    let error = exchange("    type: Error\n    message: invalid reference format\n");
    let folder = Folder::with(&[
        ("1.yaml", &(pod("PULL") + "---\n" + &pod("web"))),
        ("2.yaml", &pod("PULL")),
        ("3.yaml", &pod("PULL")),
        ("recording.yml", &[digest("sha256:0123"), digest("sha256:4567"), error].concat()),
    ]);
    let arguments =
        ["--replay-host-capabilities-interactions", "recording.yml", "1.yaml", "2.yaml", "3.yaml", "3.yaml"];
    assert_eq!(
        folder.check(&arguments),
        Outcome::new(
            2,
            "1.yaml, document 1: Pod default/PULL admitted\n    \
                 warning: sha256:0123\n\
             1.yaml, document 2: Pod default/web admitted\n\
             2.yaml: Pod default/PULL admitted\n    \
                 warning: sha256:4567\n\
             3 objects: 3 admitted, 0 denied, 2 warnings, 2 unreadable inputs\n",
            "error: 3.yaml: the policy failed in `validate`: Callback evaluation failure: invalid reference format\n\
             error: 3.yaml: the policy failed in `validate`: Callback evaluation failure: the list of recorded responses is empty\n",
        )
    );
}

#[test]
fn unused_answers_of_a_recording_are_a_warning() {
    let folder = Folder::with(&[
        ("web.yaml", &pod("PULL")),
        ("recording.yml", &[digest("sha256:0123"), digest("sha256:4567")].concat()),
    ]);
    assert_eq!(
        folder.check(&["--replay-host-capabilities-interactions", "recording.yml", "web.yaml"]),
        Outcome::new(
            0,
            "web.yaml: Pod default/PULL admitted\n    \
                 warning: sha256:0123\n\
             1 object: 1 admitted, 0 denied, 1 warning\n",
            "warning: recording.yml: unused answers: 1\n",
        )
    );
}

#[test]
fn without_a_recording_a_policy_that_asks_its_host_is_exit_code_2() {
    let folder = Folder::with(&[("web.yaml", &pod("PULL"))]);
    assert_eq!(
        folder.check(&["web.yaml"]),
        Outcome::new(
            2,
            "",
            "error: web.yaml: the policy failed in `validate`: kubewarden/oci/v1/manifest_digest is not available here: pass a recording\n",
        )
    );
}

#[test]
fn an_unusable_recording_is_exit_code_2_and_nothing_is_evaluated() {
    let folder = Folder::with(&[
        ("recording.yml", "- request: |\n    !DNSLookupHost\n    host: x\n"),
        ("web.yaml", &pod("web")),
    ]);
    let check = |file| folder.check(&["--replay-host-capabilities-interactions", file, "web.yaml"]);
    assert_eq!(
        check("recording.yml"),
        Outcome::new(
            2,
            "",
            "error: recording.yml, line 2 column 5: unknown request `!DNSLookupHost`, expected `!OciManifestAndConfig` or `!OciManifestDigest`\n",
        )
    );
    assert_eq!(check("none.yml"), Outcome::new(2, "", "error: none.yml: no such file or folder\n"));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = Folder::with(&[]);
    let outcome = folder.check(&[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("required arguments were not provided"), "{}", outcome.stderr);
}

#[test]
fn stdin_is_read_for_a_dash() {
    let folder = Folder::with(&[]);
    assert_eq!(
        folder.given(&["check", "--module", guest(), "-"], &pod("web")),
        Outcome::new(
            0,
            "stdin: Pod default/web admitted\n\
             1 object: 1 admitted, 0 denied\n",
            "",
        )
    );
}

#[test]
fn a_file_can_have_the_name_of_a_command() {
    let folder = Folder::with(&[("run", &pod("web")), ("help", &pod("web"))]);
    assert_eq!(
        folder.check(&["run", "help"]),
        Outcome::new(
            0,
            "run: Pod default/web admitted\n\
             help: Pod default/web admitted\n\
             2 objects: 2 admitted, 0 denied\n",
            "",
        )
    );
}

#[test]
fn a_closed_stdout_changes_nothing_but_the_output() {
    let folder = Folder::with(&[("denied.yaml", &pod("DENY"))]);
    let mut child = folder
        .command(&["check", "--module", guest(), "denied.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(Outcome::of(&child.wait_with_output().unwrap()), Outcome::new(1, "", ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_exit_code_2() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = folder.command(&["check", "--module", guest(), "web.yaml"]).stdout(full).output().unwrap();
    assert_eq!(
        Outcome::of(&output),
        Outcome::new(2, "", "error: stdout: No space left on device (os error 28)\n",)
    );
}

#[test]
fn colors_are_used_on_terminals() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    let colored = "web.yaml: Pod default/web \u{1b}[32madmitted\u{1b}[0m\n\
                    1 object: 1 admitted, 0 denied\n";
    let plain = "web.yaml: Pod default/web admitted\n\
                 1 object: 1 admitted, 0 denied\n";
    let run = |color: &str, variable: &str| {
        let mut command = folder.command(&["check", "--module", guest(), "--color", color, "web.yaml"]);
        Outcome::of(&command.env(variable, "1").output().unwrap()).stdout
    };
    assert_eq!(run("auto", "UNRELATED"), plain);
    assert_eq!(run("auto", "CLICOLOR_FORCE"), colored);
    assert_eq!(run("always", "NO_COLOR"), colored);
    assert_eq!(run("never", "CLICOLOR_FORCE"), plain);
}

#[test]
fn a_manifest_cannot_control_the_terminal() {
    let folder =
        Folder::with(&[("1.yaml", &pod("\"\\e[2J\"")), ("2.yaml", "\"\\e[2J\": 1\n\"\\e[2J\": 2\n")]);
    assert_eq!(
        folder.check(&["1.yaml", "2.yaml"]),
        Outcome::new(
            2,
            "1.yaml: Pod default/\\u{1b}[2J admitted\n\
             1 object: 1 admitted, 0 denied, 1 unreadable input\n",
            "error: 2.yaml, line 2 column 1: duplicate key `\\u{1b}[2J` in a mapping\n",
        )
    );
}

#[cfg(unix)]
#[test]
fn the_help_of_the_kubectl_plugin_shows_the_command_of_kubectl() {
    let folder = Folder::with(&[]);
    let plugin = folder.0.path().join("kubectl-immutable_pods");
    std::os::unix::fs::symlink(PROGRAM, &plugin).unwrap();
    for (program, usage) in [
        (plugin.as_path(), "Usage: kubectl immutable-pods check [OPTIONS]"),
        (PROGRAM.as_ref(), "Usage: immutable-pods check [OPTIONS]"),
    ] {
        let help = Outcome::of(&Command::new(program).args(["check", "--help"]).output().unwrap());
        assert_eq!(help.code, Some(0));
        assert!(help.stdout.contains(usage), "{}", help.stdout);
    }
}

#[test]
fn help_and_version_are_exit_code_0() {
    let folder = Folder::with(&[]);
    let help = folder.check(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Exit codes:"), "{}", help.stdout);
    let version = concat!("immutable-pods ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(Outcome::of(&folder.command(&["--version"]).output().unwrap()), Outcome::new(0, version, ""));
}
