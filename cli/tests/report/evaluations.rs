//! A small set of evaluations with every verdict, every outcome, and hostile text.

use immutable_pods::admission::Subject;
use immutable_pods::evaluation::{Evaluation, Finding, Fix, Level, PolicyOutcome, PolicyResult, Verdict};
use immutable_pods::input::{InputError, Position, Problem, Source};
use serde_json::json;

/// What a name can contain that is markup or a command in some format.
pub(crate) const HOSTILE: &str =
    "<script>alert(1)</script>\"'&`|*_\n::error::%0A,@all #1 {0} ]]> [x](y)\u{1b}[2J\u{202e}";

pub(crate) fn all() -> Vec<Evaluation> {
    vec![
        admitted(),
        denied(),
        monitored(),
        fixed(),
        refused(),
        empty(),
        skipped(),
        hostile(),
        cluster_scoped(),
    ]
}

pub(crate) fn errors() -> Vec<InputError> {
    let message = "duplicate key `a` in a mapping".to_owned();
    let syntax = Problem::Syntax { position: Some(Position { line: 2, column: 1 }), message };
    let mut item = Source::file("list.yaml");
    item.document = Some(2);
    vec![
        InputError::new(Source::file("bad.yaml"), syntax),
        InputError::new(Source::file("none.yaml"), Problem::Read(std::io::ErrorKind::NotFound.into())),
        InputError::new(item.item(3), Problem::MissingField("kind")),
    ]
}

fn subject(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Subject {
    Subject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

fn policy(name: &str, outcome: PolicyOutcome) -> PolicyResult {
    PolicyResult { name: name.to_owned(), outcome, notes: Vec::new() }
}

fn evaluation(source: Source, subject: Subject, verdict: Verdict) -> Evaluation {
    let policies = vec![policy("", PolicyOutcome::Pass)];
    Evaluation { source, subject, verdict, findings: Vec::new(), policies, fix: None }
}

fn finding(level: Level, rule: &str, path: &str, message: &str, position: Option<(u64, u64)>) -> Finding {
    Finding {
        level,
        rule: Some(rule.to_owned()),
        path: Some(path.to_owned()),
        message: message.to_owned(),
        position: position.map(|(line, column)| Position { line, column }),
        fingerprint: format!("{:016x}", rule.len() * 1_000 + path.len()),
        policy: String::new(),
    }
}

fn admitted() -> Evaluation {
    evaluation(Source::file("pod.yaml"), subject("v1", "Pod", Some("shop"), "cart"), Verdict::Admitted)
}

/// Two policies: one denies, API servers do not ask the other one.
fn denied() -> Evaluation {
    let mut source = Source::file("deploy/web.yaml");
    source.document = Some(2);
    let mut findings = vec![
        finding(
            Level::Deny,
            "readOnlyRootFilesystem",
            "spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem",
            "container \"web\" must set it to true",
            Some((12, 7)),
        ),
        finding(
            Level::Deny,
            "readOnlyRootFilesystem",
            "spec.template.spec.containers[1].securityContext.readOnlyRootFilesystem",
            "container \"log\" must set it to true",
            Some((19, 7)),
        ),
        finding(
            Level::Deny,
            "privileged",
            "spec.template.spec.containers[1].securityContext.privileged",
            "container \"log\" must not set it to true",
            Some((21, 22)),
        ),
        finding(
            Level::Warn,
            "imageReference",
            "spec.template.spec.containers[0].image",
            "container \"web\" must name a version",
            Some((13, 16)),
        ),
    ];
    // YAML could take these digits for a number.
    "0000000012345e10".clone_into(&mut findings[2].fingerprint);
    for finding in &mut findings {
        "immutable-pods".clone_into(&mut finding.policy);
    }
    let skipped = PolicyOutcome::Skipped("its rules do not name deployments".to_owned());
    let notes = vec!["matchConditions are not evaluated".to_owned()];
    let denies = PolicyResult { notes, ..policy("immutable-pods", PolicyOutcome::Fail) };
    let subject = subject("apps/v1", "Deployment", Some("shop"), "web");
    let policies = vec![denies, policy("pods-only", skipped)];
    Evaluation { findings, policies, ..evaluation(source, subject, Verdict::Denied) }
}

/// A manifest from a chart, and a policy in mode `monitor`.
fn monitored() -> Evaluation {
    let mut source = Source::file("stdin");
    source.document = Some(3);
    source.template = Some("chart/templates/job.yaml".to_owned());
    let mut finding = finding(
        Level::Monitor,
        "hostNamespaces",
        "spec.template.spec.hostPID",
        "the pod must not set it to true",
        Some((30, 9)),
    );
    "watch".clone_into(&mut finding.policy);
    let policies = vec![policy("watch", PolicyOutcome::Monitored)];
    let subject = subject("batch/v1", "Job", Some("batch"), "migrate");
    Evaluation { findings: vec![finding], policies, ..evaluation(source, subject, Verdict::Admitted) }
}

fn fixed() -> Evaluation {
    let before = json!({"spec": {"containers": [{"name": "web"}]}});
    let after = json!({"spec": {"containers": [{"name": "web", "securityContext": {"readOnlyRootFilesystem": true}}]}});
    let subject = subject("v1", "Pod", Some("shop"), "web-*");
    Evaluation {
        policies: vec![policy("", PolicyOutcome::Fixed)],
        fix: Some(Fix { before, after }),
        ..evaluation(Source::file("list.yaml").item(1), subject, Verdict::Fixed)
    }
}

fn refused() -> Evaluation {
    let reason = "the policy changes the object, but `mutating` is false".to_owned();
    let subject = subject("v1", "Pod", Some("shop"), "old");
    let policies = vec![policy("fixes", PolicyOutcome::Refused(reason))];
    Evaluation { policies, ..evaluation(Source::file("list.yaml").item(2), subject, Verdict::Refused) }
}

fn empty() -> Evaluation {
    let subject = subject("v1", "ConfigMap", Some("shop"), "texts");
    evaluation(Source::file("list.yaml").item(3), subject, Verdict::NothingToEvaluate)
}

fn skipped() -> Evaluation {
    let reason = PolicyOutcome::Skipped("its rules do not name services".to_owned());
    let policies = vec![policy("immutable-pods", reason)];
    let subject = subject("v1", "Service", Some("shop"), "web");
    Evaluation { policies, ..evaluation(Source::file("list.yaml").item(4), subject, Verdict::Skipped) }
}

fn hostile() -> Evaluation {
    let finding = finding(Level::Deny, HOSTILE, HOSTILE, HOSTILE, Some((1, 1)));
    let subject = subject("v1", HOSTILE, Some(HOSTILE), HOSTILE);
    let policies = vec![policy("", PolicyOutcome::Fail)];
    Evaluation {
        findings: vec![finding],
        policies,
        ..evaluation(Source::file(HOSTILE), subject, Verdict::Denied)
    }
}

/// An object without a namespace, and a finding without a rule.
fn cluster_scoped() -> Evaluation {
    let finding = Finding {
        rule: None,
        path: None,
        ..finding(Level::Warn, "", "", "the registry does not respond", None)
    };
    let subject = subject("v1", "Node", None, "worker");
    let policies = vec![policy("", PolicyOutcome::Warn)];
    Evaluation {
        findings: vec![finding],
        policies,
        ..evaluation(Source::file("node.yaml"), subject, Verdict::Admitted)
    }
}
