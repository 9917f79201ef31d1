//! The slow twins: every rule once more, written from its documentation and not from its code, over the types that
//! Kubernetes' own API definitions were turned into. The module must come to the same verdicts, field by field.
//!
//! They share nothing with the policy, not even how paths, images and patterns are read, and are as plain as can be: two
//! that were written apart agree by both being right. They know which findings a fix could fill in, and nothing else of
//! fixes, of registries and of messages.

#![expect(clippy::indexing_slicing, reason = "lists are cut where something was found in them")]
#![expect(clippy::unwrap_used, reason = "settings that cannot be read end a test")]

mod agreement;
mod asked;
mod coverage;
mod exemptions;
mod flags;
mod found;
mod images;
mod kernel;
mod patterns;
mod places;
mod references;
mod requests;
mod running;
mod settings;
mod shells;
mod some_images;
mod some_pods;
mod some_settings;
mod users;
mod volumes;

use serde_json::Value;

use asked::Asked;
use found::{Found, Holders, Objection};

/// What a rule finds in a request.
type Twin = fn(&Asked<'_>) -> Found;

/// The twin of every rule, in the order of findings.
const TWINS: [(&str, Twin); 16] = [
    ("readOnlyRootFilesystem", flags::read_only_root_filesystem),
    ("privileged", flags::privileged),
    ("allowPrivilegeEscalation", flags::allow_privilege_escalation),
    ("runAsNonRoot", users::run_as_non_root),
    ("hostNamespaces", flags::host_namespaces),
    ("imageReference", images::image_reference),
    ("imageChange", images::image_change),
    ("hostPathVolumes", volumes::host_path_volumes),
    ("writableMounts", volumes::writable_mounts),
    ("capabilities", kernel::capabilities),
    ("procMount", flags::proc_mount),
    ("sysctls", kernel::sysctls),
    ("ephemeralContainers", running::ephemeral_containers),
    ("interactiveAccess", running::interactive_access),
    ("shellRemoval", shells::shell_removal),
    ("sharedProcessNamespace", flags::shared_process_namespace),
];

/// A field that a rule objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    path: String,
    is_denied: bool,
}

/// A finding with all that says whether it counts.
#[derive(Clone, Debug)]
struct Candidate {
    finding: Finding,
    holders: Holders,
    can_be_filled: bool,
}

/// Everything that the rules find in a request and that is not exempt: first what is denied and then what is warned of, in
/// the order of rules and paths. Nothing when Kubernetes' types cannot hold the objects of the request.
fn candidates(request: &Value, settings: &Value) -> Option<Vec<Candidate>> {
    let asked = Asked::read(request, settings)?;
    let found = TWINS.iter().flat_map(|(rule, _)| candidates_of(rule, &asked));
    let (mut denied, warned): (Vec<_>, Vec<_>) = found.partition(|candidate| candidate.finding.is_denied);
    denied.extend(warned);
    Some(denied)
}

/// What one rule finds and is not exempt.
fn candidates_of(rule: &str, asked: &Asked<'_>) -> Vec<Candidate> {
    let mode = settings::mode(asked.settings, rule);
    let twins = TWINS.iter().filter(|(id, _)| *id == rule && mode != "off");
    let fields = twins.flat_map(|(id, twin)| twin(asked).into_fields().map(move |field| (*id, field)));
    let is_denied = mode != "warn" && asked.settings.get("enforcement").is_none_or(|word| word != "warn");
    fields
        .filter(|(id, (_, objection))| !exemptions::are_exempt(asked, id, &objection.holders))
        .map(|(id, (path, Objection { holders, can_be_filled }))| {
            let finding = Finding { rule: id, path: path.to_string(), is_denied };
            Candidate { finding, holders, can_be_filled }
        })
        .collect()
}

/// What one rule finds and counts, if everything counts that is wrong with an object.
fn found_by(rule: &str, asked: &Asked<'_>) -> Vec<Finding> {
    let leaves = asked.leaves_what_is_unset();
    let found =
        candidates_of(rule, asked).into_iter().filter(|candidate| !(leaves && candidate.can_be_filled));
    found.map(|candidate| candidate.finding).collect()
}
