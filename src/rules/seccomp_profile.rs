//! `seccompProfile`: containers run with a seccomp profile, which limits the system calls of their processes.

use super::finding::Findings;
use super::profiles::{ALLOWED, AllowedProfiles, LOCALHOST, ProfileField, RUNTIME_DEFAULT};
use super::responsible::ResponsibleContainer;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::Profile;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::kubernetes::unread::Unread;
use crate::rules::fix::Fix;
use crate::settings::declaration::{Declared, Flag, NOT_EMPTY, OptionalTexts, Setting};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

const LOCALHOST_PROFILES: Setting<OptionalTexts> = Setting {
    key: "localhostProfiles",
    label: "Allowed profiles on the node",
    doc: "If set, the names of `Localhost` profiles that containers can have. `*` matches any characters: `profiles/*.json`.",
    kind: OptionalTexts { format: &NOT_EMPTY, may_be_empty: false },
};

const ALLOW_UNSET: Setting<Flag> = Setting {
    key: "allowUnset",
    label: "Allow containers without a profile",
    doc: "Allows containers for which no profile is specified. The kubelet runs them without one, unless it has `seccompDefault`.",
    kind: Flag,
};

const POD_SECURITY: Setting<Flag> = Setting {
    key: "podSecurity",
    label: "Count every value",
    doc: "Counts the profile of the pod even if every container overrides it, and the profiles of Windows pods if `allowUnset` is set, \
          as Pod Security Admission does.",
    kind: Flag,
};

const FIELD: ProfileField = ProfileField {
    path: "securityContext.seccompProfile",
    of_pod: |context| &context.seccomp_profile,
    of_container: |context| &context.seccomp_profile,
};

const TYPE: &str = "securityContext.seccompProfile.type";

pub(crate) struct SeccompProfile<'s> {
    profiles: AllowedProfiles<'s>,
    allow_unset: bool,
}

impl SeccompProfile<'_> {
    /// Whether the rule skips a Windows pod, which cannot have a profile. Pod Security Admission skips it only where it asks for a
    /// profile.
    ///
    /// Source: `policy/check_seccompProfile_{baseline,restricted}.go` in `k8s.io/pod-security-admission`, for Kubernetes 1.37.
    fn skips(&self, pod: &Pod<'_>) -> bool {
        pod.is_windows() && !(self.profiles.judges_every_value && self.allow_unset)
    }

    /// Reports containers without a profile: at the pod, whose profile later containers inherit too, unless the pod may not have one.
    fn report_unset<'p>(
        &self,
        pod: &'p Pod<'p>,
        without: Vec<ContainerAt<'p, 'p>>,
        findings: &mut Findings<'p>,
    ) {
        let message = format!("must set it to {}", self.profiles.listed());
        if !pod.is_whole_pod_spec() {
            for at in without {
                let finding = findings.at(at, TYPE).message(message.clone());
                if is_unset(&at.container.security_context.seccomp_profile) {
                    finding.fix(Fix::set_text(at, TYPE, RUNTIME_DEFAULT));
                }
            }
        } else if !without.is_empty() {
            let finding = findings.at_pod(pod, TYPE).message(message);
            finding.responsible(without.into_iter().map(ResponsibleContainer::of).collect());
            if is_unset(&pod.spec.security_context.seccomp_profile) {
                finding.fix(Fix::set_text_of_pod(pod, TYPE, RUNTIME_DEFAULT));
            }
        }
    }
}

/// Returns whether a fix can set a profile. One with an empty type or the name of a file has values, which a fix would keep.
fn is_unset(profile: &Unread<'_, Profile<'_>>) -> bool {
    let parsed = profile.parse().unwrap_or_default();
    parsed.is_none_or(|profile| profile.kind.is_none() && profile.localhost_profile.is_empty())
}

impl<'s> Rule<'s> for SeccompProfile<'s> {
    const META: RuleMeta =
        RuleMeta { id: "seccompProfile", severity: Severity::Medium, default_mode: Mode::Off, can_fix: true };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers run with a seccomp profile.",
        finding: "a container whose seccomp profile, or else that of the pod, has a type that is not in `allowed`, or is unset",
        fix: Some("sets `RuntimeDefault` on the pod if neither the pod nor a container has a profile"),
        why: "\
A seccomp profile denies system calls that containers rarely need, and through which bugs of the kernel are reached.",
        how: Some(
            "\
The value of a container overrides that of the pod. If nothing is set, the path of the finding is that of the pod. The fix sets the profile
of the pod, so containers that an exemption covers and debug containers inherit it; in kinds that are not built in, whose pod specs may lack
that field, it sets the profile of each container. A profile with an empty type, or without a type but with other values, is not fixed.
Windows pods are skipped because they cannot set this field.",
        ),
        limits: Some(
            "\
Privileged containers ignore their profile: see `privileged`. The policy does not read what a `Localhost` profile permits.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] =
        &[&ALLOWED, &LOCALHOST_PROFILES, &ALLOW_UNSET, &POD_SECURITY];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let profiles = AllowedProfiles {
            types: reader.get(&ALLOWED),
            names: reader.get(&LOCALHOST_PROFILES),
            judges_every_value: reader.get(&POD_SECURITY),
        };
        if profiles.names.is_some() && !profiles.types.contains(&LOCALHOST) {
            reader.refuse(LOCALHOST_PROFILES.key, "has no effect without Localhost in allowed");
        }
        Self { profiles, allow_unset: reader.get(&ALLOW_UNSET) }
    }

    fn missing_fix_option(&self) -> Option<&'static str> {
        if self.allow_unset {
            return Some("allowUnset: false");
        }
        (!self.profiles.types.contains(&RUNTIME_DEFAULT)).then_some("RuntimeDefault in allowed")
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod().filter(|pod| !self.skips(pod)) else { return };
        let without = self.profiles.report(pod, &FIELD, findings);
        if !self.allow_unset {
            self.report_unset(pod, without, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    /// The findings in a pod with these profiles of the pod and of two containers.
    fn findings(settings: &Value, pod: &Value, containers: [&Value; 2]) -> Vec<String> {
        let context = |profile: &Value| json!({"seccompProfile": profile});
        let [a, b] = containers.map(context);
        let spec = json!({
            "securityContext": context(pod),
            "containers": [{"name": "a", "securityContext": a}, {"name": "b", "securityContext": b}],
        });
        check(RuleId::SeccompProfile, settings, &spec)
    }

    const UNSET: &str = "spec.securityContext.seccompProfile.type: the pod must set it to RuntimeDefault or Localhost \
                         [seccompProfile]";
    const UNCONFINED_POD: &str = "spec.securityContext.seccompProfile.type: the pod must set it to RuntimeDefault or \
                                  Localhost, not \"Unconfined\" [seccompProfile]";
    const UNCONFINED: &str = "spec.containers[0].securityContext.seccompProfile.type: container \"a\" must set it to \
                              RuntimeDefault or Localhost, not \"Unconfined\" [seccompProfile]";

    #[test]
    fn the_effective_profile_counts() {
        let (none, default, unconfined) =
            (json!(null), json!({"type": "RuntimeDefault"}), json!({"type": "Unconfined"}));
        for (pod, containers, expected) in [
            (&none, [&none, &none], &[UNSET][..]),
            (&none, [&default, &none], &[UNSET]),
            (&json!({}), [&json!({"type": ""}), &default], &[UNSET]),
            (&none, [&default, &default], &[]),
            (&default, [&none, &none], &[]),
            (&unconfined, [&none, &default], &[UNCONFINED_POD]),
            (&unconfined, [&default, &default], &[]),
            (&default, [&unconfined, &none], &[UNCONFINED]),
            (&unconfined, [&unconfined, &none], &[UNCONFINED, UNCONFINED_POD]),
        ] {
            assert_eq!(findings(&json!({}), pod, containers), expected, "{pod} {containers:?}");
        }
    }

    #[test]
    fn every_value_may_count() {
        let settings = json!({"podSecurity": true, "allowUnset": true});
        let (none, default, unconfined) =
            (json!(null), json!({"type": "RuntimeDefault"}), json!({"type": "Unconfined"}));
        assert_eq!(findings(&settings, &none, [&none, &none]), [""; 0]);
        assert_eq!(findings(&settings, &unconfined, [&default, &default]), [UNCONFINED_POD]);
        assert_eq!(findings(&settings, &json!({}), [&default, &default]).len(), 1);
    }

    #[test]
    fn a_profile_can_be_optional() {
        let settings = json!({"allowUnset": true});
        let (none, unconfined) = (json!(null), json!({"type": "Unconfined"}));
        assert_eq!(findings(&settings, &none, [&none, &none]), [""; 0]);
        assert_eq!(findings(&settings, &none, [&unconfined, &none]), [UNCONFINED]);
    }

    #[test]
    fn profiles_of_the_node_have_names() {
        let settings = json!({"localhostProfiles": ["profiles/*.json", "audit"]});
        let named = |name: &str| json!({"type": "Localhost", "localhostProfile": name});
        let default = json!({"type": "RuntimeDefault", "localhostProfile": "ignored"});
        for good in ["profiles/web.json", "audit"] {
            assert_eq!(findings(&settings, &default, [&named(good), &default]), [""; 0], "{good}");
        }
        assert_eq!(
            findings(&settings, &default, [&named("other"), &default]),
            [
                "spec.containers[0].securityContext.seccompProfile.localhostProfile: container \"a\" must not use profile \
              \"other\", which localhostProfiles does not contain [seccompProfile]"
            ]
        );
    }

    #[test]
    fn windows_pods_are_skipped_unless_every_value_counts() {
        let pod = |context: Value| json!({"os": {"name": "windows"}, "securityContext": context, "containers": [{"name": "a"}]});
        let unconfined = pod(json!({"seccompProfile": {"type": "Unconfined"}}));
        for (settings, count) in [
            (json!({}), 0),
            (json!({"podSecurity": true}), 0),
            (json!({"podSecurity": true, "allowUnset": true}), 1),
        ] {
            assert_eq!(check(RuleId::SeccompProfile, &settings, &unconfined).len(), count, "{settings}");
        }
    }

    #[test]
    fn options_without_effect_are_refused() {
        let errors = |settings: Value| errors(RuleId::SeccompProfile, &settings);
        assert_eq!(
            errors(json!({"allowed": ["RuntimeDefault"], "localhostProfiles": ["a"]})),
            ["seccompProfile.localhostProfiles: has no effect without Localhost in allowed"]
        );
        assert_eq!(
            errors(json!({"allowed": ["runtimeDefault"]})),
            [r#"seccompProfile.allowed[0]: unknown value "runtimeDefault", did you mean "RuntimeDefault"?"#]
        );
    }

    #[test]
    fn an_unreadable_profile_is_not_unset() {
        let profile = json!({"type": "RuntimeDefault", "localhostProfile": ["web.json"]});
        let pod = json!({"containers": [{"name": "a", "securityContext": {"seccompProfile": profile}}]});
        assert_eq!(
            check(RuleId::SeccompProfile, &json!({"allowUnset": true}), &pod),
            [
                "spec.containers[0].securityContext.seccompProfile.type: container \"a\" must set it to RuntimeDefault or \
                 Localhost, not \"?\" [seccompProfile]"
            ]
        );
    }
}
