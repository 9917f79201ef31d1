//! What the registration of a policy makes void: settings that can have no effect in the cluster.

use immutable_pods_policy::rules::policy_settings::PolicySettings;
use immutable_pods_policy::settings::mode::Mode;
use immutable_pods_policy::settings::value::SettingsDocument;
use serde_json::Value;

use super::registration::Registration;

/// A policy server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// The host capabilities that it grants to policies for one namespace; all of them if unset.
    pub capabilities: Option<Vec<String>>,
}

/// The registration of a policy, as far as it can make settings void.
#[derive(Debug)]
pub struct Registered<'r> {
    /// The requests that API servers send.
    pub registration: &'r Registration,
    /// Whether the policy can change objects.
    pub is_mutating: bool,
    /// Whether the policy only monitors.
    pub is_monitored: bool,
    /// The host capabilities, if they are limited.
    pub capabilities: Option<&'r [String]>,
}

/// The subresources that `interactiveAccess` denies by default.
const DEFAULT_SUBRESOURCES: &[&str] = &["exec", "attach"];

/// The other resources with the subresource `proxy`. All other connections are those of pods.
const OTHER_PROXIES: &[&str] = &["services/proxy", "nodes/proxy"];

/// The host capability that reads the configuration of an image.
const IMAGE_CONFIG: &str = "oci/v1/oci_manifest_config";

/// The host capability that looks up the digest of a tag.
const DIGEST: &str = "oci/v1/manifest_digest";

/// Returns the settings that have no effect with this registration, in sentences. Settings that the rules of this program do not
/// know give none.
#[must_use]
pub fn void_settings(settings: &Value, registered: &Registered<'_>) -> Vec<String> {
    let text = settings.to_string();
    let Ok(document) = SettingsDocument::parse(text.as_bytes()) else { return Vec::new() };
    let Ok(policy) = PolicySettings::read(&document) else { return Vec::new() };
    let registration = registered.registration;
    let mode = |id: &str| policy.rules.iter().find(|rule| rule.id == id).map(|rule| rule.mode);
    let mut sentences = Vec::new();
    if mode("interactiveAccess").is_some() {
        sentences.extend(missing_connections(settings, registration));
    }
    if mode("ephemeralContainers").is_some() && !registration.names("UPDATE", "pods/ephemeralcontainers") {
        sentences.push(
            "`ephemeralContainers` has no effect: the rules do not name UPDATE of pods/ephemeralcontainers"
                .to_owned(),
        );
    }
    // Like other rules that are on by default, it has nothing to do in a policy for connections.
    let is_about_pods = settings.get("imageChange").is_some() || registration.names("CREATE", "pods");
    if mode("imageChange").is_some() && is_about_pods && !registration.names("UPDATE", "pods") {
        sentences.push("`imageChange` has no effect: the rules do not name UPDATE of pods".to_owned());
    }
    if !registered.is_mutating {
        let fixing = policy.rules.iter().filter(|rule| rule.mode == Mode::Fix);
        let effect = if registered.is_monitored { "" } else { ", so the policy server denies what it fixes" };
        sentences
            .extend(fixing.map(|rule| format!("`{}` cannot fix: `spec.mutating` is false{effect}", rule.id)));
    }
    sentences
        .extend(registered.capabilities.into_iter().flat_map(|granted| lacking(settings, &mode, granted)));
    sentences
}

/// Returns a sentence if the rules name none of the connections that the settings deny.
fn missing_connections(settings: &Value, registration: &Registration) -> Option<String> {
    let listed = settings.pointer("/interactiveAccess/subresources").and_then(Value::as_array);
    let listed = listed.map(|list| list.iter().filter_map(Value::as_str).collect());
    let subresources: Vec<_> = listed.unwrap_or_else(|| DEFAULT_SUBRESOURCES.to_vec());
    let of_pods: Vec<_> = subresources.iter().map(|subresource| format!("pods/{subresource}")).collect();
    let others = if subresources.contains(&"proxy") { OTHER_PROXIES } else { &[] };
    let mut resources = of_pods.iter().map(String::as_str).chain(others.iter().copied());
    let sentence = || {
        format!(
            "`interactiveAccess` has no effect: the rules do not name CONNECT of {}",
            of_pods.join(" or ")
        )
    };
    (!resources.any(|resource| registration.names("CONNECT", resource))).then(sentence)
}

/// Returns the settings that need a host capability that is not granted.
fn lacking(settings: &Value, mode: &dyn Fn(&str) -> Option<Mode>, granted: &[String]) -> Vec<String> {
    let inspects = |rule: &str| {
        let option = settings.get(rule).and_then(|rule| rule.get("inspectImage"));
        option == Some(&Value::Bool(true)) && mode(rule).is_some()
    };
    let mut sentences = Vec::new();
    for rule in ["runAsNonRoot", "writableMounts"] {
        if inspects(rule) && !is_granted(IMAGE_CONFIG, granted) {
            sentences.push(format!(
                "`{rule}.inspectImage` cannot ask registries: the policy server does not grant {IMAGE_CONFIG}"
            ));
        }
    }
    if mode("imageReference") == Some(Mode::Fix) && !is_granted(DIGEST, granted) {
        sentences.push(format!("`imageReference` cannot fix: the policy server does not grant {DIGEST}"));
    }
    sentences
}

/// Returns whether a capability is granted by name, by a pattern such as `oci/*`, or by `*`.
///
/// Source: `host_capabilities.rs` of kubewarden/adm-controller.
fn is_granted(capability: &str, granted: &[String]) -> bool {
    granted.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => capability.starts_with(prefix),
        None => pattern == capability,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::manifest::{KubewardenKind, RegistrationSpec};
    use super::*;

    fn registration(rules: &[(&str, &str)]) -> Registration {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(operation, resource)| {
                json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]})
            })
            .collect();
        let spec: RegistrationSpec = serde_json::from_value(json!({"rules": rules})).unwrap();
        Registration::new(KubewardenKind::ClusterPolicy, None, &spec)
    }

    #[track_caller]
    fn advises(
        settings: &Value,
        rules: &[(&str, &str)],
        is_mutating: bool,
        capabilities: Option<&[&str]>,
        sentences: &[&str],
    ) {
        let capabilities: Option<Vec<String>> =
            capabilities.map(|list| list.iter().map(|capability| (*capability).to_owned()).collect());
        let registered = Registered {
            registration: &registration(rules),
            is_mutating,
            is_monitored: false,
            capabilities: capabilities.as_deref(),
        };
        assert_eq!(void_settings(settings, &registered), sentences, "{settings}");
    }

    const PODS: &[(&str, &str)] = &[("*", "pods")];

    #[test]
    fn defaults_are_not_void() {
        advises(&json!({}), PODS, false, None, &[]);
    }

    #[test]
    fn rules_need_their_requests() {
        let settings = json!({"interactiveAccess": "deny", "ephemeralContainers": "deny"});
        advises(
            &settings,
            &[("CREATE", "pods")],
            false,
            None,
            &[
                "`interactiveAccess` has no effect: the rules do not name CONNECT of pods/exec or pods/attach",
                "`ephemeralContainers` has no effect: the rules do not name UPDATE of pods/ephemeralcontainers",
                "`imageChange` has no effect: the rules do not name UPDATE of pods",
            ],
        );
        let all = [("CONNECT", "pods/attach"), ("UPDATE", "pods/ephemeralcontainers"), ("UPDATE", "pods")];
        advises(&settings, &all, false, None, &[]);
        advises(&settings, &[("*", "*/*")], false, None, &[]);
    }

    #[test]
    fn connections_need_their_subresources() {
        let sentence = |resource: &&str| {
            format!("`interactiveAccess` has no effect: the rules do not name CONNECT of {resource}")
        };
        for (subresources, named, missing) in [
            (&["attach"][..], "pods/exec", Some("pods/attach")),
            (&["attach", "exec"], "pods/exec", None),
            (&["proxy"], "pods/proxy", None),
            (&["proxy"], "services/proxy", None),
            (&["proxy"], "nodes/proxy", None),
            (&["exec"], "services/proxy", Some("pods/exec")),
        ] {
            let settings = json!({"interactiveAccess": {"mode": "deny", "subresources": subresources}});
            let sentences: Vec<_> = missing.iter().map(sentence).collect();
            let sentences: Vec<_> = sentences.iter().map(String::as_str).collect();
            advises(&settings, &[("CONNECT", named)], false, None, &sentences);
        }
    }

    #[test]
    fn a_policy_for_connections_needs_no_images() {
        let settings = json!({"interactiveAccess": "deny"});
        advises(&settings, &[("CONNECT", "pods/exec")], false, None, &[]);
        let settings = json!({"interactiveAccess": "deny", "imageChange": "warn"});
        let sentence = "`imageChange` has no effect: the rules do not name UPDATE of pods";
        advises(&settings, &[("CONNECT", "pods/exec")], false, None, &[sentence]);
    }

    #[test]
    fn a_policy_that_monitors_denies_nothing() {
        let registered = Registered {
            registration: &registration(PODS),
            is_mutating: false,
            is_monitored: true,
            capabilities: None,
        };
        assert_eq!(
            void_settings(&json!({"readOnlyRootFilesystem": "fix"}), &registered),
            ["`readOnlyRootFilesystem` cannot fix: `spec.mutating` is false"]
        );
    }

    #[test]
    fn fixes_need_a_mutating_policy() {
        let settings = json!({"readOnlyRootFilesystem": "fix"});
        advises(
            &settings,
            PODS,
            false,
            None,
            &[
                "`readOnlyRootFilesystem` cannot fix: `spec.mutating` is false, so the policy server denies what it fixes",
            ],
        );
        advises(&settings, PODS, true, None, &[]);
    }

    #[test]
    fn registry_queries_need_a_host_capability() {
        let settings = json!({"runAsNonRoot": {"inspectImage": true}});
        let sentence = "`runAsNonRoot.inspectImage` cannot ask registries: the policy server does not grant oci/v1/oci_manifest_config";
        advises(&settings, PODS, false, Some(&[]), &[sentence]);
        advises(&settings, PODS, false, Some(&["oci/v2/*", "oci/v1/manifest_digest"]), &[sentence]);
        for granted in [&["*"][..], &["oci/*"], &["oci/v1/oci_manifest_config"]] {
            advises(&settings, PODS, false, Some(granted), &[]);
        }
        advises(&settings, PODS, false, None, &[]);
    }

    #[test]
    fn unknown_settings_give_no_advice() {
        advises(&json!({"other": true}), &[("CREATE", "pods")], false, None, &[]);
    }
}
