//! Credential plug-ins: programs in the kubeconfig that print a token.

use super::with_the_feature::{fails, folder_of, serve};
use super::*;

/// A plug-in that prints what the variable `OUTPUT` contains, if it gets what kubectl says to plug-ins.
const PLUG_IN: &str = r#"test "$KUBERNETES_EXEC_INFO" && echo "$OUTPUT""#;

const FOREVER: &str = "2999-01-31T00:00:00Z";

const EXPIRED: &str = "2001-01-31T00:00:00Z";

/// Returns what a plug-in prints.
fn credential(token: &str, expires: Option<&str>) -> String {
    let status = serde_json::json!({"token": token, "expirationTimestamp": expires});
    format!(
        r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {status}}}"#
    )
}

/// Checks a cluster that requires the token `t0ken`, with a plug-in that has a variable `OUTPUT`.
fn check_with(plug_in: &str, output: &str) -> Outcome {
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [plug-in.sh], \
         env: [{{name: OUTPUT, value: '{output}'}}], interactiveMode: Never}}}}"
    );
    let folder = folder_of(&serve(Some("t0ken")), &user, &[("plug-in.sh", plug_in)]);
    check(&folder, &["--cluster"])
}

#[test]
fn the_token_of_a_plug_in_is_sent() {
    for expires in [None, Some(FOREVER), Some(EXPIRED)] {
        let outcome = check_with(PLUG_IN, &credential("t0ken", expires));
        assert!(outcome.stdout.starts_with("test: Pod shop/web denied\n"), "{outcome:?}");
        assert_eq!(
            check_with(PLUG_IN, &credential("other", expires)),
            Outcome::new(2, "", "error: test: cannot read the API groups of the cluster: Unauthorized\n")
        );
    }
}

#[test]
fn an_expired_token_is_renewed() {
    let once = r#"test -e ran && echo 'log in again' >&2 && exit 1; touch ran; echo "$OUTPUT""#;
    assert_eq!(
        check_with(once, &credential("t0ken", Some(EXPIRED))),
        Outcome::new(
            2,
            "",
            "error: test: cannot read the API groups of the cluster: the credential plug-in failed: exit status: 1: log in again\n"
        )
    );
}

#[test]
fn a_failed_plug_in_is_reported_without_its_secrets() {
    for (plug_in, error) in [
        (
            "echo $OUTPUT; echo 'log in first' >&2; exit 3",
            "the credential plug-in failed: exit status: 3: log in first",
        ),
        ("exit 3", "the credential plug-in failed: exit status: 3"),
        (PLUG_IN, "the credential plug-in did not print an ExecCredential"),
    ] {
        let error = format!("error: test: cannot connect: {error}\n");
        assert_eq!(check_with(plug_in, "s3cret"), Outcome::new(2, "", &error));
    }
    fails(
        &folder_of("http://127.0.0.1:1", "{exec: {command: /nowhere/plug-in, interactiveMode: Never}}", &[]),
        &["--cluster"],
        "error: test: cannot connect: cannot start the credential plug-in: no such file or folder\n",
    );
}
