//! `check --cluster`.

#[cfg(all(unix, feature = "cluster"))]
mod plug_ins;

use serde_json::Value;

use crate::{Folder, Outcome};

/// Returns what the program does with a kubeconfig, outside of a cluster.
fn check(folder: &Folder, arguments: &[&str]) -> Outcome {
    let mut command = folder.command(&[&["check"], arguments].concat());
    command.env("KUBECONFIG", folder.0.path().join("kubeconfig")).env_remove("KUBERNETES_SERVICE_HOST");
    // The server is on this machine.
    command.env("HTTPS_PROXY", "http://127.0.0.1:1");
    Outcome::of(&command.output().unwrap())
}

#[test]
fn a_cluster_excludes_paths() {
    let folder = Folder::with(&[]);
    for arguments in [
        &["--cluster", "pod.yaml"][..],
        &["--cluster", "--recursive"],
        &["--context", "a", "pod.yaml"],
        &["--namespace", "a", "pod.yaml"],
        &[],
    ] {
        let outcome = check(&folder, arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert!(outcome.stderr.contains("Usage:"), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn the_version_says_whether_the_program_reads_clusters() {
    let folder = Folder::with(&[]);
    let outcome = Outcome::of(&folder.command(&["version", "--json"]).output().unwrap());
    let version: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let has_feature = version["features"].as_array().unwrap().contains(&"cluster".into());
    assert_eq!(has_feature, cfg!(feature = "cluster"));
}

#[cfg(not(feature = "cluster"))]
#[test]
fn a_program_without_the_feature_says_how_to_get_it() {
    let outcome = check(&Folder::with(&[]), &["--cluster"]);
    assert_eq!(
        outcome,
        Outcome {
            code: Some(2),
            stdout: String::new(),
            stderr: "error: --cluster: this program is built without the feature `cluster`; \
                     `cargo install --locked --path cli` installs a program with the feature\n"
                .to_owned(),
        }
    );
}

#[cfg(feature = "cluster")]
mod with_the_feature {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Returns a folder with the kubeconfig of a server.
    fn folder(server: &str) -> Folder {
        folder_of(server, "{}", &[])
    }

    /// Returns a folder with the kubeconfig of a server and a user, and with other files.
    pub(super) fn folder_of(server: &str, user: &str, files: &[(&str, &str)]) -> Folder {
        let kubeconfig = format!(
            "{{current-context: test, users: [{{name: u, user: {user}}}], \
             clusters: [{{name: c, cluster: {{server: '{server}'}}}}], \
             contexts: [{{name: test, context: {{cluster: c, user: u}}}}]}}"
        );
        Folder::with(&[&[("kubeconfig", &*kubeconfig)], files].concat())
    }

    #[track_caller]
    pub(super) fn fails(folder: &Folder, arguments: &[&str], error: &str) {
        let outcome = check(folder, arguments);
        assert_eq!((outcome.code, &*outcome.stderr), (Some(2), error));
    }

    #[test]
    fn without_a_cluster_there_is_one_error() {
        let nothing = Folder::with(&[]);
        fails(
            &nothing,
            &["--cluster"],
            "error: cluster: there is no kubeconfig, and the program does not run in a cluster: set KUBECONFIG\n",
        );
        fails(
            &nothing,
            &["--cluster", "--context", "a"],
            "error: a: there is no kubeconfig with this context: set KUBECONFIG\n",
        );
        let unset = Folder::with(&[("kubeconfig", "{contexts: []}")]);
        fails(
            &unset,
            &["--cluster"],
            "error: cluster: the kubeconfig does not have a current context: pass --context\n",
        );
        let folder = folder("http://127.0.0.1:1");
        fails(
            &folder,
            &["--cluster", "--context", "a"],
            "error: a: the kubeconfig does not have this context\n",
        );
        let outcome = check(&folder, &["--cluster"]);
        assert_eq!(outcome.code, Some(2));
        let error = "error: test: cannot read the API groups of the cluster: Connection refused";
        assert!(outcome.stderr.starts_with(error), "{}", outcome.stderr);
    }

    /// Starts an API server with one pod, and returns its URL. Jobs are not listed. Requests need the token, if there is one.
    pub(super) fn serve(token: Option<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                let headers: Vec<_> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                let has_token =
                    |token| headers.iter().any(|header| *header == format!("authorization: Bearer {token}"));
                let (status, body) = if token.is_none_or(has_token) {
                    response(request.split(' ').nth(1).unwrap())
                } else {
                    (401, r#"{"kind": "Status", "code": 401, "message": "Unauthorized"}"#)
                };
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        url
    }

    fn response(target: &str) -> (u16, &'static str) {
        match target {
            "/api" => (200, r#"{"versions": ["v1"], "serverAddressByClientCIDRs": []}"#),
            "/apis" => (
                200,
                r#"{"groups": [{"name": "batch", "versions": [{"groupVersion": "batch/v1", "version": "v1"}]}]}"#,
            ),
            "/api/v1" => (
                200,
                r#"{"groupVersion": "v1", "resources": [{"name": "pods", "kind": "Pod", "singularName": "pod",
                    "namespaced": true, "verbs": ["create", "list"]}]}"#,
            ),
            "/apis/batch/v1" => (
                200,
                r#"{"groupVersion": "batch/v1", "resources": [{"name": "jobs", "kind": "Job", "singularName": "job",
                    "namespaced": true, "verbs": ["create", "list"]}]}"#,
            ),
            "/api/v1/pods?&limit=500" => (
                200,
                r#"{"items": [{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": [
                    {"name": "web", "image": "nginx"}]}}]}"#,
            ),
            _ => (
                403,
                r#"{"kind": "Status", "code": 403, "message": "jobs.batch is forbidden: User \"me\" cannot list it"}"#,
            ),
        }
    }

    #[test]
    fn objects_of_a_cluster_are_evaluated() {
        let outcome = check(&folder(&serve(None)), &["--cluster", "--output", "json"]);
        assert_eq!(
            outcome.stderr,
            "error: test: cannot list jobs.batch: forbidden: User \"me\" cannot list it\n"
        );
        assert_eq!(outcome.code, Some(2));
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let object = &report["objects"][0];
        assert_eq!(object["verdict"], "denied", "{report:#}");
        assert_eq!(object["kind"], "Pod");
        assert!(outcome.stdout.contains("\"test\""), "the source is the context: {report:#}");
        let schema: Value = serde_json::from_str(immutable_pods::schemas::OUTPUT).unwrap();
        assert!(jsonschema::is_valid(&schema, &report), "{report:#}");
    }
}
