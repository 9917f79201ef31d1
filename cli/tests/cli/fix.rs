//! `fix` writes fixes into files.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;

const POD: &str = "\
# A pod.
apiVersion: v1
kind: Pod
metadata: {name: web} # its name
spec:
  containers:
  - name: web
    # Pinned.
    image: nginx:1.29
";

const FIX: &str = "    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
        - ALL
      readOnlyRootFilesystem: true
      runAsNonRoot: true
  securityContext:
    seccompProfile:
      type: RuntimeDefault
";

fn fix(folder: &Folder, arguments: &[&str]) -> Outcome {
    Outcome::of(&folder.command(&[&["fix"], arguments].concat()).output().unwrap())
}

fn content(folder: &Folder, file: &str) -> String {
    fs::read_to_string(folder.0.path().join(file)).unwrap()
}

const ADMITTED: &str = "1 object: 1 admitted, 0 denied\n";

#[test]
fn a_fix_is_written_once() {
    let folder = Folder::with(&[("web.yaml", POD)]);
    assert_eq!(fix(&folder, &["web.yaml"]), Outcome::new(0, "web.yaml: fixed 1 object\n", ADMITTED));
    assert_eq!(content(&folder, "web.yaml"), format!("{POD}{FIX}"));
    assert_eq!(fix(&folder, &["web.yaml"]), Outcome::new(0, "", ADMITTED));
    assert_eq!(content(&folder, "web.yaml"), format!("{POD}{FIX}"));
}

#[test]
fn a_patch_writes_nothing_and_applies() {
    let folder = Folder::with(&[("a/web.yaml", POD)]);
    let outcome = fix(&folder, &["--diff", "a/web.yaml"]);
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stdout.starts_with("--- a/a/web.yaml\n+++ b/a/web.yaml\n@@ "), "{}", outcome.stdout);
    assert_eq!(content(&folder, "a/web.yaml"), POD);
    fs::write(folder.0.path().join("fix.patch"), outcome.stdout).unwrap();
    let patch = Command::new("patch").args(["-p1", "-i", "fix.patch"]).current_dir(&folder.0).output();
    let Ok(patch) = patch else { return println!("skipped: patch is not installed") };
    assert!(patch.status.success(), "{patch:?}");
    assert_eq!(content(&folder, "a/web.yaml"), format!("{POD}{FIX}"));
}

#[test]
fn stdin_is_printed() {
    let folder = Folder::with(&[]);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";
    assert_eq!(
        folder.given(&["fix", "-"], &format!("{service}---\n{POD}")),
        Outcome::new(
            0,
            &format!("{service}---\n{POD}{FIX}"),
            "2 objects: 1 admitted, 0 denied, 1 with nothing to evaluate\n"
        )
    );
}

#[test]
fn what_is_left_decides_the_exit_code() {
    let folder = Folder::with(&[("web.yaml", &POD.replace("nginx:1.29", "nginx"))]);
    let outcome = fix(&folder, &["web.yaml"]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(1), "web.yaml: fixed 1 object\n"));
    assert!(outcome.stderr.contains("must set a tag or a digest"), "{}", outcome.stderr);
}

#[test]
fn policies_decide_what_is_fixed() {
    let settings = "readOnlyRootFilesystem: fix\nallowPrivilegeEscalation: 'off'\nrunAsNonRoot: 'off'\n\
                    writablePaths: [{images: [nginx], paths: [/run]}]\n";
    let folder = Folder::with(&[("web.yaml", POD), ("settings.yaml", settings)]);
    assert_eq!(fix(&folder, &["--policy", "settings.yaml", "web.yaml"]).code, Some(0));
    let fixed = content(&folder, "web.yaml");
    assert!(
        fixed.starts_with(POD) && fixed.contains("mountPath: /run\n") && !fixed.contains("runAsNonRoot"),
        "{fixed}"
    );
}

#[test]
fn a_recording_answers_for_the_fixed_object_too() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/registry");
    let [pod, policy, recording] = ["nginx.yaml", "policy.yaml", "recording.kwctl"]
        .map(|file| fs::read_to_string(example.join(file)).unwrap());
    let folder =
        Folder::with(&[("nginx.yaml", &pod), ("policy.yaml", &policy), ("recording.kwctl", &recording)]);
    let arguments = [
        "--policy",
        "policy.yaml",
        "--replay-host-capabilities-interactions",
        "recording.kwctl",
        "nginx.yaml",
    ];
    assert_eq!(fix(&folder, &arguments), Outcome::new(0, "nginx.yaml: fixed 1 object\n", ADMITTED));
    assert!(content(&folder, "nginx.yaml").contains("nginx-unprivileged:1.29@sha256:"));
}

#[test]
fn links_and_read_only_files_stay() {
    let folder = Folder::with(&[("web.yaml", POD), ("locked.yaml", POD)]);
    let path = |name: &str| folder.0.path().join(name);
    symlink(path("web.yaml"), path("link.yaml")).unwrap();
    fs::set_permissions(path("locked.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    let outcome = fix(&folder, &["link.yaml", "locked.yaml"]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""));
    for error in [
        "link.yaml: the fix is not written: the file is a link",
        "locked.yaml: the fix is not written: the file is read-only",
    ] {
        assert!(outcome.stderr.contains(error), "{}", outcome.stderr);
    }
    assert_eq!(
        (content(&folder, "web.yaml"), content(&folder, "locked.yaml")),
        (POD.to_owned(), POD.to_owned())
    );
}

#[test]
fn the_permissions_of_a_file_stay() {
    let folder = Folder::with(&[("web.yaml", POD)]);
    let path = folder.0.path().join("web.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(fix(&folder, &["web.yaml"]).code, Some(0));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_cannot_be_fixed_is_exit_code_2_and_costs_nothing_else() {
    let json = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j"}, "spec": {"containers": [{"name": "web", "image": "a:1"}]}}"#;
    let folder = Folder::with(&[("bad.yaml", "a: [\n"), ("pod.json", json), ("web.yaml", POD)]);
    let outcome = fix(&folder, &["bad.yaml", "pod.json", "web.yaml", "none.yaml"]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(2), "web.yaml: fixed 1 object\n"));
    for error in [
        "error: bad.yaml, line 1 column 4: unclosed bracket '['\n",
        "error: pod.json: the fix is not written: the file is JSON\n",
        "error: none.yaml: no such file or folder\n",
    ] {
        assert!(outcome.stderr.contains(error), "{}", outcome.stderr);
    }
}

#[cfg(feature = "registry")]
mod pinned {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// Starts a registry that has one image, and returns its address.
    fn registry() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                let is_known = head.concat().starts_with("HEAD /v2/shop/web/manifests/1.4 ");
                let status = if is_known { "200 OK" } else { "404 Not Found" };
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ndocker-content-digest: {DIGEST}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
                .unwrap();
            }
        });
        address
    }

    fn deployment(image: &str) -> String {
        let spec = POD.split_once("spec:\n").unwrap().1.replace("nginx:1.29", image).replace('\n', "\n    ");
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{}}\n  template:\n    spec:\n    {}\n",
            spec.trim_end()
        )
    }

    #[test]
    fn a_registry_has_the_digest() {
        let image = format!("{}/shop/web:1.4", registry());
        let pod = POD.replace("nginx:1.29", &image);
        let folder = Folder::with(&[("web.yaml", &pod), ("deployment.yaml", &deployment(&image))]);
        let outcome = fix(&folder, &["--pin", "web.yaml", "deployment.yaml"]);
        assert_eq!((outcome.code, &*outcome.stderr), (Some(0), "2 objects: 2 admitted, 0 denied\n"));
        for file in ["web.yaml", "deployment.yaml"] {
            let fixed = content(&folder, file);
            assert!(fixed.contains(&format!("{image}@{DIGEST}")), "{fixed}");
            assert!(fixed.contains("# Pinned."), "{fixed}");
        }
        assert_eq!(fix(&folder, &["--pin", "web.yaml", "deployment.yaml"]).stdout, "");
    }

    #[test]
    fn a_failed_look_up_is_exit_code_2() {
        let address = registry();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let missing = POD.replace("nginx:1.29", &format!("{address}/shop/none:1"));
        let away = POD.replace("nginx:1.29", &format!("{closed}/shop/web:1.4"));
        let folder = Folder::with(&[("missing.yaml", &missing), ("away.yaml", &away)]);
        let outcome = fix(&folder, &["--pin", "missing.yaml", "away.yaml"]);
        assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
        let error =
            format!("error: {address}/shop/none:1: no digest: the registry does not have the image\n");
        assert!(outcome.stderr.contains(&error), "{}", outcome.stderr);
        let error = format!("error: {closed}/shop/web:1.4: no digest: the registry does not answer: ");
        assert!(outcome.stderr.contains(&error), "{}", outcome.stderr);
        // The other fixes are written.
        assert!(content(&folder, "away.yaml").contains("readOnlyRootFilesystem: true"));
    }
}
