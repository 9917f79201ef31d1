//! The findings that deny an object, with the containers that are responsible.

use immutable_pods_policy::admission::payload::Payload;
use immutable_pods_policy::evaluation::evaluate::{Evaluator, RuleFindings, Scope};
use immutable_pods_policy::kubernetes::operation::OperationRef;
use immutable_pods_policy::rules::finding::Finding;
use immutable_pods_policy::rules::policy_settings::PolicySettings;
use immutable_pods_policy::rules::responsible::{ResponsibleContainer, ResponsibleContainers};
use immutable_pods_policy::settings::date::Date;
use immutable_pods_policy::settings::exemption::Requester;
use immutable_pods_policy::settings::mode::Mode;

/// A finding that no setting covers.
#[derive(Debug)]
pub(super) struct Uncovered {
    /// The rule.
    pub(super) rule: &'static str,
    /// The path of the field.
    pub(super) path: String,
    /// The namespace of the request; empty if it has none.
    pub(super) namespace: String,
    /// The responsible containers. An exemption must cover all of them. If none is responsible, the only entry has neither name nor
    /// image.
    pub(super) containers: Vec<Container>,
}

/// What exemptions match of a container.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: Option<String>,
    pub(super) image: Option<String>,
}

/// Which findings are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that no fix resolves.
    AfterFixes,
    /// All of them.
    All,
}

/// Returns the findings that deny an object, as far as they do not depend on the registry. An object that cannot be read has none.
pub(super) fn uncovered(payload: &[u8], settings: &PolicySettings<'_>, wanted: Wanted) -> Vec<Uncovered> {
    let Ok(payload) = Payload::read(payload) else { return Vec::new() };
    let request = &payload.request;
    let requester = Requester {
        namespace: &request.namespace,
        user: &request.user.username,
        groups: &request.user.groups,
    };
    let evaluator = Evaluator { settings, requester, today: Date::today };
    let operation = OperationRef::from(&request.operation);
    let counts_known = evaluator.counts_known(operation, request.old_metadata);
    let evaluation = evaluator.evaluate(Scope { operation, counts_known, suggestions_for: None });
    let is_managed = request.manager().is_some();
    let denying = evaluation.rules.iter().filter(|found| found.mode != Mode::Warn);
    let counting = denying.flat_map(|found| {
        let RuleFindings { rule, mode, findings, pending, .. } = found;
        let is_resolved = wanted == Wanted::AfterFixes && (*mode == Mode::Fix || is_managed);
        let counts = move |finding: &&Finding<'_>| !(is_resolved && finding.fix.is_some());
        findings.iter().chain(pending).filter(counts).map(|finding| (rule.id, finding))
    });
    let uncovered = |(rule, finding): (&'static str, &Finding<'_>)| Uncovered {
        rule,
        path: finding.path.clone(),
        namespace: request.namespace.to_string(),
        containers: containers(&finding.responsible),
    };
    counting.map(uncovered).collect()
}

fn containers(responsible: &ResponsibleContainers<'_>) -> Vec<Container> {
    let container = |of: ResponsibleContainer<'_>| {
        let [name, image] = [of.name, of.image].map(|text| text.map(str::to_owned));
        Container { name, image }
    };
    match responsible {
        ResponsibleContainers::Pod(pod) => {
            pod.all_containers().map(ResponsibleContainer::of).map(container).collect()
        }
        ResponsibleContainers::Only(containers) if containers.is_empty() => {
            vec![container(ResponsibleContainer::default())]
        }
        ResponsibleContainers::Only(containers) => containers.iter().copied().map(container).collect(),
    }
}
