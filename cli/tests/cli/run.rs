//! `run` has the stdout and the exit codes of `kwctl run`.

use crate::{Folder, Outcome, digest, guest};

/// Returns a request to create a pod that the guest can fix.
fn request(name: &str) -> String {
    format!(
        r#"{{
            "uid": "8f2b",
            "kind": {{"group": "", "version": "v1", "kind": "Pod"}},
            "resource": {{"group": "", "version": "v1", "resource": "pods"}},
            "operation": "CREATE",
            "userInfo": {{}},
            "object": {{
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {{"name": "{name}", "namespace": "default"}},
                "spec": {{"containers": [{{"image": "nginx", "name": "web"}}], "hostNetwork": true}}
            }}
        }}"#
    )
}

#[track_caller]
fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    let arguments = [&["run"], arguments, &[guest()]].concat();
    Outcome::of(&folder.command(&arguments).output().unwrap())
}

/// Asserts the response to a request for a pod with a name.
#[track_caller]
fn answers(name: &str, answer: &str) {
    let folder = Folder::with(&[("request.json", &request(name))]);
    assert_eq!(run(&folder, &["--request-path", "request.json"]), Outcome::new(0, answer, ""));
}

const ADMITTED: &str = "{\"uid\":\"8f2b\",\"allowed\":true,\"auditAnnotations\":null,\"warnings\":null}\n";

const WARNED: &str = "{\"uid\":\"8f2b\",\"allowed\":true,\"auditAnnotations\":null,\"warnings\":[\"spec.hostPID: the pod sees the processes of its node [host-pid]\"]}\n";

#[test]
fn an_admitted_request_is_exit_code_0() {
    answers("web", ADMITTED);
    answers("WARN", WARNED);
}

#[test]
fn a_denied_request_is_exit_code_0() {
    answers(
        "DENY",
        "{\"uid\":\"8f2b\",\"allowed\":false,\"status\":{\"message\":\"spec.containers[0].image: the tag `latest` moves [image-tag]\\nspec.hostNetwork: the pod shares the network of its node [host-network]\",\"code\":400},\"auditAnnotations\":{\"findings\":\"2\"},\"warnings\":null}\n",
    );
}

#[test]
fn a_changed_object_becomes_a_patch() {
    answers(
        "EDIT",
        "{\"uid\":\"8f2b\",\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"W3sib3AiOiJhZGQiLCJwYXRoIjoiL3NwZWMvY29udGFpbmVycy8wL3NlY3VyaXR5Q29udGV4dCIsInZhbHVlIjp7InJlYWRPbmx5Um9vdEZpbGVzeXN0ZW0iOnRydWV9fSx7Im9wIjoicmVwbGFjZSIsInBhdGgiOiIvc3BlYy9ob3N0TmV0d29yayIsInZhbHVlIjpmYWxzZX1d\",\"auditAnnotations\":null,\"warnings\":null}\n",
    );
}

#[test]
fn a_policy_that_fails_denies() {
    answers(
        "FAIL",
        "{\"uid\":\"8f2b\",\"allowed\":false,\"status\":{\"message\":\"internal server error: Guest call failure: I give up\",\"code\":500},\"auditAnnotations\":null,\"warnings\":null}\n",
    );
}

#[test]
fn a_review_can_come_from_stdin() {
    let folder = Folder::with(&[]);
    let review = format!("{{\"kind\": \"AdmissionReview\", \"request\": {}}}", request("WARN"));
    assert_eq!(folder.given(&["run", "-r", "-", guest()], &review), Outcome::new(0, WARNED, ""));
}

#[test]
fn settings_come_from_a_file_or_from_the_command_line() {
    let folder =
        Folder::with(&[("request.json", &request("web")), ("warn.yaml", "mode: WARN\n"), ("none.yaml", "")]);
    for (settings, answer) in [
        (["--settings-path", "warn.yaml"], WARNED),
        (["-s", "none.yaml"], ADMITTED),
        (["--settings-json", "{\"mode\": \"WARN\"}"], WARNED),
        (["--settings-json", "null"], ADMITTED),
    ] {
        let arguments = [&["-r", "request.json"][..], &settings].concat();
        assert_eq!(run(&folder, &arguments), Outcome::new(0, answer, ""), "{settings:?}");
    }
}

#[test]
fn invalid_settings_are_exit_code_1() {
    let folder = Folder::with(&[("request.json", &request("web"))]);
    assert_eq!(
        run(&folder, &["-r", "request.json", "--settings-json", "{\"mode\": \"DENY\"}"]),
        Outcome::new(
            1,
            "",
            "Error: Provided settings are not valid: `mode`: unknown mode\n\
             `exempt`: must be a list\n",
        )
    );
}

#[test]
fn unreadable_files_are_exit_code_1() {
    let folder = Folder::with(&[
        ("request.json", &request("web")),
        ("object.json", "{\"kind\": \"Pod\", \"uid\": \"8f2b\"}"),
        ("list.yaml", "- mode\n"),
    ]);
    for (arguments, sentence) in [
        (&["-r", "none.json"][..], "none.json: no such file or folder"),
        (
            &["-r", "object.json"],
            "object.json: not an admission request: invalid type: string \"Pod\", expected struct GroupVersionKind",
        ),
        (
            &["-r", "request.json", "-s", "list.yaml"],
            "list.yaml: settings: expected a mapping, got a sequence",
        ),
        (
            &["-r", "request.json", "--settings-json", "{"],
            "--settings-json, line 1 column 1: EOF while parsing an object",
        ),
        (
            &["-r", "request.json", "--replay-host-capabilities-interactions", "none.yml"],
            "none.yml: no such file or folder",
        ),
    ] {
        assert_eq!(run(&folder, arguments), Outcome::new(1, "", &format!("Error: {sentence}\n")));
    }
}

#[test]
fn a_module_is_a_file() {
    let folder = Folder::with(&[("request.json", &request("web"))]);
    let run =
        |policy: &str| Outcome::of(&folder.command(&["run", "-r", "request.json", policy]).output().unwrap());
    assert_eq!(run(&format!("file://{}", guest())), Outcome::new(0, ADMITTED, ""));
    assert_eq!(run("none.wasm"), Outcome::new(1, "", "Error: none.wasm: no such file or folder\n"));
    assert_eq!(
        run("registry://example.com/policy:v1"),
        Outcome::new(
            2,
            "",
            "error: invalid value 'registry://example.com/policy:v1' for '<WASM>': modules are not downloaded: expected the path of a file\n\n\
             For more information, try '--help'.\n",
        )
    );
}

#[test]
fn a_recording_is_replayed() {
    let folder = Folder::with(&[
        ("request.json", &request("PULL")),
        ("recording.yml", &[digest("sha256:0123"), digest("sha256:4567")].concat()),
    ]);
    assert_eq!(
        run(&folder, &["-r", "request.json", "--replay-host-capabilities-interactions", "recording.yml"]),
        Outcome::new(
            0,
            "{\"uid\":\"8f2b\",\"allowed\":true,\"auditAnnotations\":null,\"warnings\":[\"sha256:0123\"]}\n",
            "warning: recording.yml: unused answers: 1\n",
        )
    );
}

#[test]
fn flags_that_only_kwctl_has_are_exit_code_2() {
    let folder = Folder::with(&[("request.json", &request("web"))]);
    assert_eq!(
        run(&folder, &["-r", "request.json", "--raw"]),
        Outcome::new(
            2,
            "",
            "error: unexpected argument '--raw' found\n\n  \
               tip: to pass '--raw' as a value, use '-- --raw'\n\n\
             Usage: immutable-pods run --request-path <FILE> <WASM>\n\n\
             For more information, try '--help'.\n",
        )
    );
}

#[test]
fn settings_are_given_once() {
    let folder = Folder::with(&[("request.json", &request("web")), ("s.yaml", "")]);
    assert_eq!(
        run(&folder, &["-r", "request.json", "-s", "s.yaml", "--settings-json", "{}"]),
        Outcome::new(
            2,
            "",
            "error: the argument '--settings-path <FILE>' cannot be used with '--settings-json <JSON>'\n\n\
             Usage: immutable-pods run --request-path <FILE> --settings-path <FILE> <WASM>\n\n\
             For more information, try '--help'.\n",
        )
    );
}
