//! Evaluates rules for a request, and decides which findings count.

use super::baseline::{self, Baseline};
use super::exemptions::ExemptionMatcher;
use super::pending;
use super::registry::RegistryCache;
use crate::kubernetes::field_path;
use crate::kubernetes::metadata::Metadata;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::operation::OperationRef;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::workload::MutableFields;
use crate::rules::active_rule::ActiveRule;
use crate::rules::finding::{Finding, Findings};
use crate::rules::fix::Fix;
use crate::rules::policy_settings::PolicySettings;
use crate::rules::rule::Target;
use crate::settings::date::Date;
use crate::settings::exemption::Requester;
use crate::settings::mode::{Mode, OnUpdate};

/// Evaluates rules for a request.
#[derive(Clone, Copy)]
pub struct Evaluator<'j, 's> {
    /// The settings.
    pub settings: &'j PolicySettings<'s>,
    /// The properties of the request that exemptions match.
    pub requester: Requester<'j>,
    /// Returns the current day. It is called only if an exemption depends on it.
    pub today: fn() -> Date,
}

/// The operation to evaluate, and which findings are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'j> {
    /// The operation of the request, or the operation after a fix.
    pub operation: OperationRef<'j>,
    /// Whether all findings of an update count, not only new ones.
    pub counts_known: bool,
    /// The fields that a fix can change; if set, rules with mode `fix` also return suggestions.
    pub suggestions_for: Option<MutableFields>,
}

/// The findings of a rule that count.
pub struct RuleFindings<'j, 's> {
    /// The rule.
    pub rule: &'j ActiveRule<'s>,
    /// The mode in which the findings are handled.
    pub mode: Mode,
    /// The findings, in the order of their paths.
    pub findings: Vec<Finding<'j>>,
    /// Improvements that a fix could make although nothing is denied. Exemptions are not applied yet.
    pub suggestions: Vec<Finding<'j>>,
    /// Findings that count only if an image violates the rule. The registry has not been queried about it.
    pub pending: Vec<Finding<'j>>,
}

/// The findings of all rules that count.
pub struct Evaluation<'j, 's> {
    /// The findings of each rule that has findings or suggestions, in the order of the rules.
    pub rules: Vec<RuleFindings<'j, 's>>,
    /// The exemptions, with a record of their use.
    pub exemptions: ExemptionMatcher<'j, 's>,
}

impl<'j, 's> Evaluator<'j, 's> {
    /// Returns whether all findings of an update count, not only new ones.
    #[must_use]
    pub fn counts_known(&self, operation: OperationRef<'_>, old_metadata: Metadata<'_>) -> bool {
        let OperationRef::Update { old, new } = operation else { return false };
        self.settings.on_update == OnUpdate::All && baseline::is_significant(old_metadata, old, new)
    }

    /// Evaluates all active rules, without queries to registries.
    #[must_use]
    pub fn evaluate(&self, scope: Scope<'j>) -> Evaluation<'j, 's> {
        let mut exemptions = ExemptionMatcher::new(&self.settings.exemptions, self.requester, self.today);
        let mut rules = Vec::new();
        let replaced = scope.operation.replaced_pods();
        for rule in &self.settings.rules {
            let Findings { list, suggestions, .. } = scope.findings(rule, &replaced, &mut exemptions);
            let mut findings = exemptions.without_covered(rule.id, list);
            remove_superseded(&mut findings, &rules);
            sort(&mut findings);
            let pending: Vec<_> =
                findings.extract_if(.., |finding| finding.pending_image.is_some()).collect();
            if !findings.is_empty() || !suggestions.is_empty() || !pending.is_empty() {
                rules.push(RuleFindings { rule, mode: rule.mode, findings, suggestions, pending });
            }
        }
        Evaluation { rules, exemptions }
    }
}

impl<'j> Scope<'j> {
    /// Returns the findings of a rule, without those that the old object already has.
    /// `replaced` has the pod that each new pod of an update replaces.
    fn findings(
        &self,
        active: &ActiveRule<'_>,
        replaced: &[Option<&'j Pod<'j>>],
        exemptions: &mut ExemptionMatcher<'_, '_>,
    ) -> Findings<'j> {
        let rule = &active.rule;
        let fields = self.suggestions_for.filter(|_| active.mode == Mode::Fix);
        let mut findings = Findings::default();
        match self.operation {
            OperationRef::Nothing => {}
            OperationRef::Connect(connection) => rule.check(&Target::Connect(connection), &mut findings),
            OperationRef::Create(pods) => {
                if fields.is_some() {
                    findings = findings.wanting_suggestions();
                }
                for new in pods {
                    rule.check(&Target::Pod(new), &mut findings);
                    rule.check(&Target::Update { old: None, new }, &mut findings);
                }
            }
            OperationRef::Update { new, .. } => {
                for pod in new {
                    rule.check(&Target::Pod(pod), &mut findings);
                }
                if !findings.list.is_empty() && !self.counts_known {
                    self.baseline(active, exemptions).remove_from(&mut findings.list);
                }
                if fields == Some(MutableFields::Images) {
                    findings = findings.wanting_suggestions();
                }
                for (new, &old) in new.iter().zip(replaced) {
                    rule.check(&Target::Update { old, new }, &mut findings);
                }
            }
        }
        findings
    }
}

impl<'j> Scope<'j> {
    /// Returns the findings of a rule in the old object that no exemption covers. If an update leaves an exemption, they are new.
    fn baseline(&self, active: &ActiveRule<'_>, exemptions: &mut ExemptionMatcher<'_, '_>) -> Baseline<'j> {
        let mut known = Findings::default();
        if let OperationRef::Update { old, .. } = self.operation {
            for pod in old {
                active.rule.check(&Target::Pod(pod), &mut known);
            }
        }
        Baseline::new(
            exemptions.without_recording(|exemptions| exemptions.without_covered(active.id, known.list)),
        )
    }
}

impl Evaluation<'_, '_> {
    /// Returns whether a fix could resolve a finding if its rule had mode `fix`.
    #[must_use]
    pub fn has_fixable(&self) -> bool {
        self.rules.iter().flat_map(|rule| &rule.findings).any(|finding| finding.fix.is_some())
    }

    /// Removes the findings that a fix could resolve, and returns their number.
    pub fn remove_fixable(&mut self) -> usize {
        let mut removed = 0;
        for RuleFindings { findings, .. } in &mut self.rules {
            let all = findings.len();
            findings.retain(|finding| finding.fix.is_none());
            removed += all - findings.len();
        }
        removed
    }

    /// Queries registries about the images that pending findings depend on, and adds the findings that count. Returns whether there
    /// were pending findings.
    pub fn resolve_pending(&mut self, registry_cache: &mut RegistryCache<'_>) -> bool {
        let mut had_pending = false;
        for RuleFindings { rule, findings, pending, .. } in &mut self.rules {
            if !pending.is_empty() {
                had_pending = true;
                findings.extend(pending::resolve(std::mem::take(pending), &rule.rule, registry_cache));
                sort(findings);
            }
        }
        had_pending
    }

    /// Removes the findings whose fixes need the digest of an image.
    pub fn remove_pins(&mut self) {
        for RuleFindings { mode, findings, .. } in &mut self.rules {
            if *mode == Mode::Fix {
                findings.retain(|finding| !finding.fix.as_ref().is_some_and(Fix::needs_digest));
            }
        }
    }

    /// Removes the suggestions that exemptions cover.
    pub fn remove_covered_suggestions(&mut self) {
        for RuleFindings { rule, suggestions, .. } in &mut self.rules {
            *suggestions = self.exemptions.without_covered(rule.id, std::mem::take(suggestions));
        }
    }
}

/// Sorts findings by their paths. Findings of the same path keep their order.
#[inline(never)]
fn sort(findings: &mut [Finding<'_>]) {
    findings.sort_by(|one, other| field_path::compare(&one.path, &other.path));
}

/// Removes findings about something that an earlier rule denies.
fn remove_superseded(findings: &mut Vec<Finding<'_>>, earlier: &[RuleFindings<'_, '_>]) {
    if findings.iter().all(|finding| finding.superseding_path.is_none()) {
        return;
    }
    let denying = earlier.iter().filter(|rule| rule.mode == Mode::Deny);
    let denied = NameIndex::of(denying.flat_map(|rule| rule.findings.iter().map(|finding| &*finding.path)));
    findings.retain(|finding| {
        let path = finding.superseding_path.as_ref();
        path.is_none_or(|path| denied.get(path).is_none())
    });
}
