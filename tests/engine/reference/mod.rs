//! The reference implementation: a second implementation of every rule, written from the documentation, over types that
//! are generated from the Kubernetes API definitions. The module must report the same findings, field by field.
//!
//! The reference implementation shares no code with the policy, not even the parsers of paths, images and patterns, and
//! prefers simple code to fast code: independent implementations that agree are likely correct. The reference
//! implementation knows which findings a fix could resolve, but does not implement fixes, registries or messages.

#![expect(clippy::indexing_slicing, reason = "slices end at indexes that the same list returned")]
#![expect(clippy::unwrap_used, reason = "a test fails on settings that do not parse")]

mod agreement;
mod app_armor_profile;
mod capabilities_sysctls;
mod coverage;
mod exemptions;
mod expectations;
mod file_paths;
mod findings;
mod generators;
mod host_path_volumes;
mod host_ports;
mod host_probes;
mod image_references;
mod images;
mod live_access;
mod mounts;
mod noexec_mounts;
mod patterns;
mod presets;
mod profiles;
mod request;
mod rule;
mod run_as_non_root;
mod se_linux_options;
mod seccomp_profile;
mod settings;
mod shared_content;
mod shell_removal;
mod single_fields;
mod volume_types;
mod windows_users;
mod writable_mounts;
mod writable_programs;

use serde_json::Value;

use findings::{FieldFinding, ResponsibleContainers};
use request::Request;
use rule::ReferenceRule;

/// The reference implementation of every rule, in the order of findings.
const REFERENCE_RULES: &[ReferenceRule] = &[
    single_fields::READ_ONLY_ROOT_FILESYSTEM,
    single_fields::PRIVILEGED,
    single_fields::ALLOW_PRIVILEGE_ESCALATION,
    run_as_non_root::RUN_AS_NON_ROOT,
    single_fields::HOST_NAMESPACES,
    images::IMAGE_REFERENCE,
    images::IMAGE_CHANGE,
    host_path_volumes::RULE,
    writable_mounts::RULE,
    capabilities_sysctls::CAPABILITIES,
    single_fields::PROC_MOUNT,
    capabilities_sysctls::SYSCTLS,
    live_access::EPHEMERAL_CONTAINERS,
    live_access::INTERACTIVE_ACCESS,
    shell_removal::SHELL_REMOVAL,
    single_fields::SHARED_PROCESS_NAMESPACE,
    noexec_mounts::RULE,
    host_ports::RULE,
    writable_programs::RULE,
    seccomp_profile::RULE,
    app_armor_profile::RULE,
    se_linux_options::RULE,
    host_probes::RULE,
    volume_types::RULE,
];

/// A field that violates a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    path: String,
    is_denied: bool,
}

/// A finding, with what decides whether the module reports it.
#[derive(Clone, Debug)]
struct Candidate {
    finding: Finding,
    responsible: ResponsibleContainers,
    is_fixable: bool,
    is_optional: bool,
}

/// Returns all findings in a request that are not exempt: denied findings first, then warnings, each in the order of rules
/// and paths. Returns `None` if the objects of the request do not fit the Kubernetes types.
fn candidates(request: &Value, settings: &Value) -> Option<Vec<Candidate>> {
    let request = Request::read(request, settings)?;
    let findings = REFERENCE_RULES.iter().flat_map(|rule| candidates_of(rule, &request));
    let (mut denied, warned): (Vec<_>, Vec<_>) = findings.partition(|candidate| candidate.finding.is_denied);
    denied.extend(warned);
    Some(denied)
}

/// Returns the findings of one rule that are not exempt.
fn candidates_of(rule: &ReferenceRule, request: &Request<'_>) -> Vec<Candidate> {
    let mode = settings::mode(request.settings, rule);
    if mode == "off" {
        return Vec::new();
    }
    let is_denied = settings::denies(request.settings, rule);
    let fields = (rule.check)(request).into_fields();
    fields
        .filter(|(_, finding)| !exemptions::is_exempt(request, rule.id, &finding.responsible))
        .map(|(path, FieldFinding { responsible, is_fixable, is_optional })| {
            let finding = Finding { rule: rule.id, path: path.to_string(), is_denied };
            Candidate { finding, responsible, is_fixable, is_optional }
        })
        .collect()
}

/// Returns the findings that the module reports for one rule if all findings in the object count.
fn findings_of(rule: &ReferenceRule, request: &Request<'_>) -> Vec<Finding> {
    let ignores_unset_fields = request.ignores_unset_fields();
    let findings = candidates_of(rule, request)
        .into_iter()
        .filter(|candidate| !(ignores_unset_fields && candidate.is_fixable));
    findings.map(|candidate| candidate.finding).collect()
}
