//! `baseline` proposes settings.

use super::*;

const BAD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: nginx:1.29
    securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true}
";

fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    Outcome::of(&folder.command(arguments).output().unwrap())
}

#[test]
fn the_settings_admit_what_they_are_made_of() {
    let folder = Folder::with(&[("web.yaml", BAD)]);
    let outcome = run(&folder, &["baseline", "--expires", "2999-01-31", "web.yaml"]);
    assert_eq!((outcome.code, &*outcome.stderr), (Some(0), ""));
    let header = format!(
        "# Settings that admit what exists now: 1 object. Made by immutable-pods {} baseline.\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(outcome.stdout.starts_with(&header), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("\n# The exemptions expire on 2999-01-31: "), "{}", outcome.stdout);
    let exemption = "exemptions:
- reason: \"needed when the policy came: Pod shop/web\"
  expires: 2999-01-31
  rules:
  - readOnlyRootFilesystem
  images:
  - docker.io/library/nginx
  containers:
  - web
  namespaces:
  - shop
";
    assert!(outcome.stdout.replace('"', "").contains(&exemption.replace('"', "")), "{}", outcome.stdout);
    fs::write(folder.0.path().join("settings.yaml"), &outcome.stdout).unwrap();
    assert_eq!(run(&folder, &["check", "web.yaml"]).code, Some(1));
    assert_eq!(run(&folder, &["check", "--policy", "settings.yaml", "web.yaml"]).code, Some(0));
}

#[test]
fn the_output_is_always_the_same() {
    let folder = Folder::with(&[("web.yaml", BAD)]);
    let arguments = ["baseline", "--expires", "2999-01-31", "web.yaml"];
    assert_eq!(run(&folder, &arguments), run(&folder, &arguments));
}

#[test]
fn exemptions_expire_in_90_days() {
    let folder = Folder::with(&[("web.yaml", BAD)]);
    let outcome = run(&folder, &["baseline", "web.yaml"]);
    let expires = outcome.stdout.lines().find_map(|line| line.trim().strip_prefix("expires: ")).unwrap();
    let expires: jiff::civil::Date = expires.trim_matches('"').parse().unwrap();
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    // The day may have changed since.
    assert!((89..=90).contains(&(expires - today).get_days()), "{expires}");
}

#[test]
fn given_settings_are_kept_and_checked() {
    let files = [
        ("web.yaml", BAD),
        ("given.yaml", "readOnlyRootFilesystem: warn\n"),
        (
            "policy.yaml",
            "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\nmetadata: {name: p}\nspec:\n  module: x\n  mutating: false\n  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]\n  settings: {readOnlyRootFilesystem: warn}\n",
        ),
        ("typo.yaml", "readOnlyRootFilesytem: warn\n"),
    ];
    let folder = Folder::with(&files);
    for given in ["given.yaml", "policy.yaml"] {
        let outcome = run(&folder, &["baseline", "--policy", given, "web.yaml"]);
        assert_eq!((outcome.code, &*outcome.stderr), (Some(0), ""));
        assert!(outcome.stdout.contains("\nreadOnlyRootFilesystem: warn\n"), "{}", outcome.stdout);
        assert!(!outcome.stdout.contains("exemptions:"), "{}", outcome.stdout);
    }
    let outcome = run(&folder, &["baseline", "--policy", "typo.yaml", "web.yaml"]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""));
    assert!(outcome.stderr.starts_with("error: typo.yaml, line 1 column 1: "), "{}", outcome.stderr);
}

#[test]
fn bad_input_is_listed_and_exit_code_2() {
    let unreadable = BAD.replace("name: web\n    image: nginx:1.29", "name: 1\n    image: nginx:1.29");
    let folder = Folder::with(&[("bad.yaml", "a: [\n"), ("web.yaml", BAD), ("number.yaml", &unreadable)]);
    let outcome = run(&folder, &["baseline", "bad.yaml", "web.yaml", "number.yaml"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stdout.contains("namespaces:\n  - shop\n"), "{}", outcome.stdout);
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{}", outcome.stderr);
    assert_eq!(lines[0], "error: bad.yaml, line 1 column 4: unclosed bracket '['");
    assert!(lines[1].starts_with("error: number.yaml: Pod shop/web: no settings admit it: "), "{}", lines[1]);
    let outcome = run(&folder, &["baseline", "--expires", "tomorrow", "web.yaml"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("expected a day such as 2027-06-30"), "{}", outcome.stderr);
}
