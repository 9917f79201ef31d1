//! `check` gives the verdict of a cluster with policies.

use super::*;

/// A pod that only lacks a read-only root filesystem.
const ALMOST: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
  - name: web
    image: nginx:1.29
    securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true}
";

const UNSET: &str = "8:5 spec.containers[0].securityContext.readOnlyRootFilesystem: container \"web\" must set it to true [readOnlyRootFilesystem]";

const ALL: &str = "rules: [{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*']}]";

fn policy(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\nmetadata: {{name: {name}}}\nspec:\n  module: m\n  {spec}\n"
    )
}

fn fixing(is_mutating: bool) -> String {
    policy("fix", &format!("mutating: {is_mutating}\n  settings: {{readOnlyRootFilesystem: fix}}\n  {ALL}"))
}

fn denying(spec: &str) -> String {
    policy("deny", &format!("mutating: false\n  {spec}\n  {ALL}"))
}

/// Checks the pod with policies, each in a file of its own.
#[track_caller]
fn checks(policies: &[String], more: &[&str], code: i32, stdout: &str, stderr: &str) {
    let names: Vec<_> = (1..=policies.len()).map(|number| format!("{number}.yaml")).collect();
    let files = names.iter().map(String::as_str).zip(policies.iter().map(String::as_str));
    let files: Vec<_> = files.chain([("web.yaml", ALMOST)]).collect();
    let flags = names.iter().flat_map(|name| ["--policy", name]);
    let arguments: Vec<_> =
        ["check"].into_iter().chain(flags).chain(more.iter().copied()).chain(["web.yaml"]).collect();
    let output = Folder::with(&files).command(&arguments).output().unwrap();
    assert_eq!(Outcome::of(&output), Outcome::new(code, stdout, stderr));
}

#[test]
fn a_fix_of_a_validating_policy_is_refused() {
    checks(
        &[fixing(false)],
        &[],
        1,
        "web.yaml: Pod shop/web refused\n    \
             policy fix: refused: the policy fixes the object, but its `mutating` is false, and the policy server denies that\n\
         1 object: 0 admitted, 0 denied, 1 refused\n",
        "warning: policy fix: `readOnlyRootFilesystem` cannot fix: `spec.mutating` is false, so the policy server denies what it fixes\n",
    );
}

#[test]
fn a_validating_policy_evaluates_the_fixed_object() {
    checks(
        &[denying("settings: {}"), fixing(true)],
        &[],
        0,
        "web.yaml: Pod shop/web admitted, fixed\n    \
             policy fix: fixed\n    \
             policy deny: passed\n\
         1 object: 1 admitted, 0 denied, 1 fixed\n",
        "",
    );
}

#[test]
fn a_monitored_denial_admits() {
    checks(
        &[denying("mode: monitor")],
        &[],
        0,
        &format!(
            "web.yaml: Pod shop/web admitted\n    \
                 {}\n\
             findings by rule:\n    \
                 1 readOnlyRootFilesystem\n\
             1 object: 1 admitted, 0 denied, 1 finding monitored\n",
            UNSET.replacen(' ', " monitored: ", 1)
        ),
        "",
    );
}

fn skipped(reason: &str) -> String {
    format!(
        "web.yaml: Pod shop/web skipped\n    policy deny: skipped: {reason}\n1 object: 0 admitted, 0 denied, 1 skipped\n"
    )
}

#[test]
fn selectors_skip_objects() {
    for (spec, reason) in [
        (
            "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [shop]}]}",
            "its namespaceSelector does not select shop",
        ),
        ("objectSelector: {matchLabels: {app: other}}", "its objectSelector does not select the object"),
    ] {
        checks(&[denying(spec)], &[], 0, &skipped(reason), "");
    }
    checks(
        &[denying("settings: {}")],
        &["--kubewarden-namespace", "shop"],
        0,
        &skipped("it leaves out the namespace of Kubewarden, shop"),
        "",
    );
}

/// Checks the pod with a policy whose selector needs a label of its namespace, which is in a file.
#[track_caller]
fn with_namespace(namespace: &str) -> Outcome {
    let team = "namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [web]}]}";
    let folder =
        Folder::with(&[("policy.yaml", &denying(team)), ("web.yaml", ALMOST), ("namespace.yaml", namespace)]);
    let arguments = ["check", "--policy", "policy.yaml", "--namespaces", "namespace.yaml", "web.yaml"];
    Outcome::of(&folder.command(&arguments).output().unwrap())
}

#[test]
fn labels_of_namespaces_come_from_files() {
    let namespace = |team: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{team: {team}}}}}\n")
    };
    assert_eq!(with_namespace(&namespace("web")).code, Some(1));
    assert_eq!(
        with_namespace(&namespace("db")),
        Outcome::new(0, &skipped("its namespaceSelector does not select shop"), "")
    );
    assert_eq!(
        with_namespace("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"),
        Outcome::new(2, "", "error: namespace.yaml: no Namespace in this file\n")
    );
}

#[test]
fn unknown_labels_are_noted() {
    let team = "namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [web]}]}\n  matchConditions: [{name: a, expression: 'false'}]";
    checks(
        &[denying(team)],
        &[],
        1,
        &format!(
            "web.yaml: Pod shop/web denied\n    \
                 policy deny: its namespaceSelector needs the labels of namespace shop: pass it with --namespaces\n    \
                 policy deny: its matchConditions are not evaluated here\n    \
                 {UNSET}\n\
             findings by rule:\n    \
                 1 readOnlyRootFilesystem\n\
             1 object: 0 admitted, 1 denied\n"
        ),
        "",
    );
}

#[test]
fn wrong_policies_are_exit_code_2_with_a_position() {
    for (text, error) in [
        (
            policy("a", &format!("mutating: maybe\n  {ALL}")),
            "1.yaml, line 6 column 3: `spec.mutating`: invalid type: string \"maybe\", expected a boolean",
        ),
        (
            policy("a", &format!("mutating: false\n  mode: watch\n  {ALL}")),
            "1.yaml, line 7 column 3: `spec.mode`: unknown variant `watch`, expected `protect` or `monitor`",
        ),
        (
            denying("settings: {privileged: of}"),
            "1.yaml, line 7 column 14: privileged: unknown value \"of\", did you mean \"off\"?",
        ),
        (
            "privilegd: deny\n".to_owned(),
            "1.yaml, line 1 column 1: privilegd: unknown key, did you mean \"privileged\"?",
        ),
        ("a: [\n".to_owned(), "1.yaml, line 1 column 4: unclosed bracket '['"),
    ] {
        let folder = Folder::with(&[("1.yaml", &text), ("web.yaml", ALMOST)]);
        let output = folder.command(&["check", "--policy", "1.yaml", "web.yaml"]).output().unwrap();
        assert_eq!(Outcome::of(&output), Outcome::new(2, "", &format!("error: {error}\n")), "{text}");
    }
}

#[test]
fn levels_and_flags_decide_the_exit_code() {
    let warn = "readOnlyRootFilesystem: warn\n";
    let folder = Folder::with(&[("warn.yaml", warn), ("web.yaml", ALMOST), ("bad.yaml", "a: [\n")]);
    for (arguments, code) in [
        (&["web.yaml"][..], 1),
        (&["--exit-zero", "web.yaml"], 0),
        (&["--policy", "warn.yaml", "web.yaml"], 0),
        (&["--policy", "warn.yaml", "--fail-on", "warn", "web.yaml"], 1),
        (&["web.yaml", "bad.yaml"], 2),
        (&["--exit-zero", "web.yaml", "bad.yaml"], 2),
        (&["--skip-unreadable", "web.yaml", "bad.yaml"], 1),
        (&["--skip-unreadable", "--exit-zero", "web.yaml", "bad.yaml"], 0),
        (&["--exit-zero", "--fail-on", "warn", "web.yaml"], 2),
        (&["--fail-on", "all", "web.yaml"], 2),
        (&[], 2),
    ] {
        let output = folder.command(&[&["check"], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}
