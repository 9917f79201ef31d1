//! `compare` reports what a change alters.

use super::*;

const ALMOST: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: nginx:1.29
    securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true}
";

#[track_caller]
fn compares(files: &[(&str, &str)], arguments: &[&str], code: i32, stdout: &str, stderr: &str) {
    let folder = Folder::with(&[&[("web.yaml", ALMOST)], files].concat());
    let output = folder.command(&[&["compare"], arguments].concat()).output().unwrap();
    assert_eq!(Outcome::of(&output), Outcome::new(code, stdout, stderr));
}

const UNSET: &str = "spec.containers[0].securityContext.readOnlyRootFilesystem: container \"web\" must set it to true [readOnlyRootFilesystem]";

#[test]
fn equal_settings_are_exit_code_0() {
    compares(
        &[("a.yaml", ""), ("b.yaml", "readOnlyRootFilesystem: deny\n")],
        &["a.yaml", "b.yaml", "web.yaml"],
        0,
        "1 object: 0 different\n",
        "",
    );
}

#[test]
fn different_verdicts_are_exit_code_1() {
    let files = [("a.yaml", "readOnlyRootFilesystem: warn\n"), ("b.yaml", "")];
    compares(
        &files,
        &["a.yaml", "b.yaml", "web.yaml"],
        1,
        &format!(
            "web.yaml: Pod default/web admitted -> denied\n    \
                 - 8:5 warning: {UNSET}\n    \
                 + 8:5 {UNSET}\n\
             1 object: 1 different, 1 newly denied\n"
        ),
        "",
    );
    compares(
        &files,
        &["b.yaml", "a.yaml", "web.yaml"],
        1,
        &format!(
            "web.yaml: Pod default/web denied -> admitted\n    \
                 - 8:5 {UNSET}\n    \
                 + 8:5 warning: {UNSET}\n\
             1 object: 1 different, 1 newly admitted\n"
        ),
        "",
    );
}

#[test]
fn other_fixes_are_a_difference() {
    let fix = "readOnlyRootFilesystem: fix\n";
    let more = "readOnlyRootFilesystem: fix\nwritablePaths: [{images: [nginx], paths: [/run]}]\n";
    compares(
        &[("a.yaml", fix), ("b.yaml", more)],
        &["a.yaml", "b.yaml", "web.yaml"],
        1,
        "web.yaml: Pod default/web admitted, fixed\n    the fixes differ\n1 object: 1 different\n",
        "",
    );
}

#[test]
fn modules_are_compared_with_the_same_settings() {
    let folder = Folder::with(&[("warn.yaml", "mode: WARN\n"), ("none.yaml", ""), ("web.yaml", &pod("web"))]);
    let compare = |arguments: &[&str]| {
        Outcome::of(&folder.command(&[&["compare"], arguments].concat()).output().unwrap())
    };
    assert_eq!(
        compare(&[guest(), guest(), "--policy", "warn.yaml", "web.yaml"]),
        Outcome::new(0, "1 object: 0 different\n", "")
    );
    assert_eq!(
        compare(&["none.yaml", "warn.yaml", "--module", guest(), "web.yaml"]),
        Outcome::new(
            1,
            "web.yaml: Pod default/web admitted\n    \
                 + 1:1 warning: spec.hostPID: the pod sees the processes of its node [host-pid]\n\
             1 object: 1 different\n",
            ""
        )
    );
}

#[test]
fn what_cannot_be_read_is_exit_code_2() {
    compares(
        &[("a.yaml", ""), ("bad.yaml", "a: [\n")],
        &["a.yaml", "a.yaml", "web.yaml", "bad.yaml"],
        2,
        "1 object: 0 different, 1 unreadable\n",
        "error: bad.yaml, line 1 column 4: unclosed bracket '['\n",
    );
    compares(
        &[("a.yaml", "privilegd: deny\n")],
        &["a.yaml", "none.yaml", "web.yaml"],
        2,
        "",
        "error: a.yaml, line 1 column 1: privilegd: unknown key, did you mean \"privileged\"?\n\
         error: none.yaml: no such file or folder\n",
    );
}
