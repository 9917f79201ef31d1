//! Commands warn about settings that the registration of their policy makes void.

use super::*;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: nginx:1.29
    securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, runAsNonRoot: true}
";

const WARNING: &str = "policy p: `readOnlyRootFilesystem` cannot fix: `spec.mutating` is false, so the policy server denies what it fixes\n";

fn policy(is_mutating: bool) -> String {
    format!(
        "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\nmetadata: {{name: p}}\nspec:\n  \
         module: m\n  mutating: {is_mutating}\n  settings: {{readOnlyRootFilesystem: fix}}\n  \
         rules: [{{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE, UPDATE]}}]\n"
    )
}

/// Checks that a command warns in its first lines on stderr, and only there.
#[track_caller]
fn warns(arguments: &[&str], warnings: &[&str]) {
    let folder = Folder::with(&[
        ("void.yaml", &*policy(false)),
        ("also-void.yaml", &policy(false)),
        ("mutating.yaml", &policy(true)),
        ("web.yaml", POD),
    ]);
    let outcome = Outcome::of(&folder.command(arguments).output().unwrap());
    assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.stderr);
    let expected: Vec<_> = warnings.iter().map(|place| format!("warning: {place}{WARNING}")).collect();
    assert!(outcome.stderr.starts_with(&expected.concat()), "{arguments:?}: {}", outcome.stderr);
    assert_eq!(outcome.stderr.matches("warning: ").count(), warnings.len(), "{}", outcome.stderr);
}

#[test]
fn every_command_with_policies_warns() {
    for command in [&["check"][..], &["fix"], &["fix", "--diff"], &["baseline"]] {
        warns(&[command, &["--policy", "void.yaml", "web.yaml"]].concat(), &[""]);
        warns(&[command, &["--policy", "mutating.yaml", "web.yaml"]].concat(), &[]);
    }
}

#[test]
fn a_comparison_names_the_file() {
    warns(&["compare", "void.yaml", "mutating.yaml", "web.yaml"], &["void.yaml: "]);
    warns(&["compare", "mutating.yaml", "void.yaml", "web.yaml"], &["void.yaml: "]);
    warns(&["compare", "void.yaml", "also-void.yaml", "web.yaml"], &["void.yaml: ", "also-void.yaml: "]);
}

#[test]
fn a_comparison_of_modules_warns_once() {
    warns(&["compare", guest(), guest(), "--policy", "void.yaml", "web.yaml"], &[""]);
}
