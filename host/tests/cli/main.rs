//! The program as a person or a script meets it: output, errors and exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod request;
mod run;

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_immutable-pods-host");
const GUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guest.wat");

/// A folder with files to judge, in which the program runs.
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

    /// Runs with this on stdin.
    #[track_caller]
    fn given(&self, arguments: &[&str], stdin: &str) -> Outcome {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        Outcome::of(&child.wait_with_output().unwrap())
    }

    /// Judges with the guest of these tests.
    #[track_caller]
    fn judge(&self, arguments: &[&str]) -> Outcome {
        let arguments = [&["--policy", GUEST], arguments].concat();
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
        folder.judge(&["web.yaml"]),
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
        folder.judge(&["all"]),
        Outcome::new(
            1,
            "all/1.yaml, document 1: Pod default/web admitted\n\
             all/1.yaml, document 2: Pod default/DENY denied\n    \
                 spec.containers[0].image: the tag `latest` moves [image-tag]\n    \
                 spec.hostNetwork: the pod shares the network of its node [host-network]\n\
             all/2.json: Node WARN admitted\n    \
                 warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
             3 objects: 2 admitted, 1 denied, 1 warning\n",
            "",
        )
    );
}

#[test]
fn an_input_that_cannot_be_read_is_exit_code_2_and_the_others_are_judged() {
    let folder = Folder::with(&[
        ("bad.yaml", "a: 1\na: 2\n"),
        ("denied.yaml", &pod("DENY")),
        ("values.yaml", "replicas: 2\n"),
        ("web.yaml", &pod("web")),
    ]);
    assert_eq!(
        folder.judge(&["none.yaml", "bad.yaml", "values.yaml", "denied.yaml", "web.yaml"]),
        Outcome::new(
            2,
            "denied.yaml: Pod default/DENY denied\n    \
                 spec.containers[0].image: the tag `latest` moves [image-tag]\n    \
                 spec.hostNetwork: the pod shares the network of its node [host-network]\n\
             web.yaml: Pod default/web admitted\n\
             2 objects: 1 admitted, 1 denied\n",
            "error: none.yaml: no such file or folder\n\
             error: bad.yaml, line 2 column 1: the key `a` stands twice in one mapping\n\
             error: values.yaml: this is not a Kubernetes object: it has no `kind`\n",
        )
    );
}

#[test]
fn a_guest_that_fails_is_exit_code_2() {
    let folder = Folder::with(&[("trap.yaml", &pod("TRAP"))]);
    assert_eq!(
        folder.judge(&["trap.yaml"]),
        Outcome::new(
            2,
            "",
            "error: trap.yaml: the policy failed in `validate`: wasm trap: wasm `unreachable` instruction executed\n",
        )
    );
}

#[test]
fn a_missing_policy_is_exit_code_2() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    let run = |arguments: &[&str]| Outcome::of(&folder.command(arguments).output().unwrap());
    assert_eq!(
        run(&["web.yaml"]),
        Outcome::new(2, "", "error: policy.wasm: no such file or folder; build it with `make policy.wasm`\n",)
    );
    assert_eq!(
        run(&["--policy", "other.wasm", "web.yaml"]),
        Outcome::new(2, "", "error: other.wasm: no such file or folder\n")
    );
}

#[test]
fn an_unusable_policy_is_exit_code_2() {
    let folder = Folder::with(&[("policy.wasm", "(module)"), ("web.yaml", &pod("web"))]);
    assert_eq!(
        Outcome::of(&folder.command(&["web.yaml"]).output().unwrap()),
        Outcome::new(
            2,
            "",
            "error: policy.wasm: the policy does not start: Guest call function (__guest_call) not exported by wasm module.\n",
        )
    );
}

#[test]
fn refused_settings_are_exit_code_2_and_nothing_is_judged() {
    let folder = Folder::with(&[("s.yaml", "mode: DENY\n"), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.judge(&["--settings", "s.yaml", "web.yaml"]),
        Outcome::new(
            2,
            "",
            "error: s.yaml: `mode`: unknown mode\n\
             error: s.yaml: `exempt`: must be a list\n",
        )
    );
}

#[test]
fn unreadable_settings_are_exit_code_2() {
    let folder = Folder::with(&[("s.yaml", "- a\n"), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.judge(&["--settings", "s.yaml", "web.yaml"]),
        Outcome::new(2, "", "error: s.yaml: settings must be a mapping, and this is a sequence\n",)
    );
}

#[test]
fn settings_reach_the_policy() {
    let folder = Folder::with(&[("s.json", "{\"mode\": \"WARN\"}"), ("web.yaml", &pod("web"))]);
    let outcome = folder.judge(&["--settings", "s.json", "web.yaml"]);
    assert_eq!(
        outcome.stdout,
        "web.yaml: Pod default/web admitted\n    \
             warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
         1 object: 1 admitted, 0 denied, 1 warning\n"
    );
}

#[test]
fn a_policy_manifest_stands_for_its_settings() {
    let manifest = "apiVersion: policies.kubewarden.io/v1\n\
                    kind: ClusterAdmissionPolicy\n\
                    metadata: {name: DENY}\n\
                    spec: {module: DENY, settings: {mode: WARN}}\n";
    let folder = Folder::with(&[("policy.yaml", manifest), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.judge(&["--settings", "policy.yaml", "web.yaml"]),
        Outcome::new(
            0,
            "web.yaml: Pod default/web admitted\n    \
                 warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
             1 object: 1 admitted, 0 denied, 1 warning\n",
            "",
        )
    );
}

#[test]
fn what_the_policy_is_not_registered_for_is_not_judged() {
    let manifest = "apiVersion: policies.kubewarden.io/v1\n\
                    kind: ClusterAdmissionPolicy\n\
                    spec:\n  \
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
        folder.judge(&["--settings", "policy.yaml", "1.yaml", "2.yaml", "3.yaml"]),
        Outcome::new(
            0,
            "1.yaml: Pod kube-system/DENY not asked about\n\
             2.yaml: ClusterPolicy default/DENY not asked about\n\
             3.yaml: Pod default/web admitted\n\
             3 objects: 1 admitted, 0 denied, 2 not asked about\n",
            "",
        )
    );
}

#[test]
fn a_policy_manifest_without_usable_settings_is_exit_code_2() {
    let group = "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicyGroup\n";
    let list =
        "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicy\nspec: {module: m, settings: [WARN]}\n";
    let folder = Folder::with(&[("group.yaml", group), ("list.yaml", list), ("web.yaml", &pod("web"))]);
    assert_eq!(
        folder.judge(&["--settings", "group.yaml", "web.yaml"]),
        Outcome::new(
            2,
            "",
            "error: group.yaml: this AdmissionPolicyGroup has no settings of its own: give a file with the `settings` of one policy in `spec.policies`\n",
        )
    );
    assert_eq!(
        folder.judge(&["--settings", "list.yaml", "web.yaml"]),
        Outcome::new(2, "", "error: list.yaml: `spec.settings` must be a mapping, and this is a sequence\n",)
    );
}

/// A pod with something to fix.
fn pod_to_fix() -> String {
    pod("EDIT") + "spec:\n  hostNetwork: true\n  containers:\n  - {name: web, image: nginx}\n"
}

#[test]
fn fixes_are_counted() {
    let folder = Folder::with(&[("1.yaml", &pod_to_fix()), ("2.yaml", &pod("SAME"))]);
    assert_eq!(
        folder.judge(&["1.yaml", "2.yaml"]),
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
fn fixes_are_shown_when_they_are_asked_for() {
    let folder =
        Folder::with(&[("1.yaml", &(pod_to_fix() + "---\n" + &pod("web"))), ("2.yaml", &pod("SAME"))]);
    assert_eq!(
        folder.judge(&["--show-fixes", "1.yaml", "2.yaml"]),
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

/// A recording in which the guest asks for the digest of an image and gets this response.
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
        folder.judge(&arguments),
        Outcome::new(
            2,
            "1.yaml, document 1: Pod default/PULL admitted\n    \
                 warning: sha256:0123\n\
             1.yaml, document 2: Pod default/web admitted\n\
             2.yaml: Pod default/PULL admitted\n    \
                 warning: sha256:4567\n\
             3 objects: 3 admitted, 0 denied, 2 warnings\n",
            "error: 3.yaml: the policy failed in `validate`: Callback evaluation failure: invalid reference format\n\
             error: 3.yaml: the policy failed in `validate`: Callback evaluation failure: the list of recorded responses is empty\n",
        )
    );
}

#[test]
fn a_recording_that_is_not_used_up_is_told() {
    let folder = Folder::with(&[
        ("web.yaml", &pod("PULL")),
        ("recording.yml", &[digest("sha256:0123"), digest("sha256:4567")].concat()),
    ]);
    assert_eq!(
        folder.judge(&["--replay-host-capabilities-interactions", "recording.yml", "web.yaml"]),
        Outcome::new(
            0,
            "web.yaml: Pod default/PULL admitted\n    \
                 warning: sha256:0123\n\
             1 object: 1 admitted, 0 denied, 1 warning\n",
            "warning: recording.yml: exchanges that were not replayed: 1\n",
        )
    );
}

#[test]
fn without_a_recording_a_policy_that_asks_its_host_is_exit_code_2() {
    let folder = Folder::with(&[("web.yaml", &pod("PULL"))]);
    assert_eq!(
        folder.judge(&["web.yaml"]),
        Outcome::new(
            2,
            "",
            "error: web.yaml: the policy failed in `validate`: this host does not offer `kubewarden/oci/v1/manifest_digest`\n",
        )
    );
}

#[test]
fn an_unusable_recording_is_exit_code_2_and_nothing_is_judged() {
    let folder = Folder::with(&[
        ("recording.yml", "- request: |\n    !DNSLookupHost\n    host: x\n"),
        ("web.yaml", &pod("web")),
    ]);
    let judge = |file| folder.judge(&["--replay-host-capabilities-interactions", file, "web.yaml"]);
    assert_eq!(
        judge("recording.yml"),
        Outcome::new(
            2,
            "",
            "error: recording.yml, line 2 column 5: this host does not know the request `!DNSLookupHost`, only `!OciManifestAndConfig` and `!OciManifestDigest`\n",
        )
    );
    assert_eq!(judge("none.yml"), Outcome::new(2, "", "error: none.yml: no such file or folder\n"));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = Folder::with(&[]);
    let outcome = folder.judge(&[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("required arguments were not provided"), "{}", outcome.stderr);
}

#[test]
fn stdin_is_read_for_a_dash() {
    let folder = Folder::with(&[]);
    assert_eq!(
        folder.given(&["--policy", GUEST, "-"], &pod("web")),
        Outcome::new(
            0,
            "stdin: Pod default/web admitted\n\
             1 object: 1 admitted, 0 denied\n",
            "",
        )
    );
}

#[test]
fn a_file_may_be_called_like_a_command() {
    let folder = Folder::with(&[("run", &pod("web")), ("help", &pod("web"))]);
    assert_eq!(
        folder.judge(&["run", "help"]),
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
        .command(&["--policy", GUEST, "denied.yaml"])
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
    let output = folder.command(&["--policy", GUEST, "web.yaml"]).stdout(full).output().unwrap();
    assert_eq!(
        Outcome::of(&output),
        Outcome::new(2, "", "error: stdout: No space left on device (os error 28)\n",)
    );
}

#[test]
fn colours_are_used_where_they_belong() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    let coloured = "web.yaml: Pod default/web \u{1b}[32madmitted\u{1b}[0m\n\
                    1 object: 1 admitted, 0 denied\n";
    let plain = "web.yaml: Pod default/web admitted\n\
                 1 object: 1 admitted, 0 denied\n";
    let run = |color: &str, variable: &str| {
        let mut command = folder.command(&["--policy", GUEST, "--color", color, "web.yaml"]);
        Outcome::of(&command.env(variable, "1").output().unwrap()).stdout
    };
    assert_eq!(run("auto", "UNRELATED"), plain);
    assert_eq!(run("auto", "CLICOLOR_FORCE"), coloured);
    assert_eq!(run("always", "NO_COLOR"), coloured);
    assert_eq!(run("never", "CLICOLOR_FORCE"), plain);
}

#[test]
fn a_manifest_cannot_steer_the_terminal() {
    let folder =
        Folder::with(&[("1.yaml", &pod("\"\\e[2J\"")), ("2.yaml", "\"\\e[2J\": 1\n\"\\e[2J\": 2\n")]);
    assert_eq!(
        folder.judge(&["1.yaml", "2.yaml"]),
        Outcome::new(
            2,
            "1.yaml: Pod default/\\u{1b}[2J admitted\n\
             1 object: 1 admitted, 0 denied\n",
            "error: 2.yaml, line 2 column 1: the key `\\u{1b}[2J` stands twice in one mapping\n",
        )
    );
}

#[test]
fn help_and_version_are_exit_code_0() {
    let folder = Folder::with(&[]);
    let help = folder.judge(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Exit codes:"), "{}", help.stdout);
    let version = concat!("immutable-pods-host ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(folder.judge(&["--version"]), Outcome::new(0, version, ""));
}
