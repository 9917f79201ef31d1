//! Reads the files of `--policy`: settings, or the manifests of Kubewarden.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::advice::{Registered, Server, void_settings};
use super::expression::Expression;
use super::manifest::{
    GroupSpec, KubewardenKind, Member, Metadata, Mode, PolicySpec, RegistrationSpec, Rule, ServerSpec,
};
use super::registration::Registration;
use super::server::{Group, Handling};
use super::{Evaluator, PolicySet, RegisteredPolicy};
use crate::document::{self, Document};
use crate::input::{InputError, Problem, Source, kind_of};
use crate::manifest::{self, Content, Locator, Manifest, is_list};
use crate::settings;

/// The policies of all files, and what is known about policy servers.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The policies.
    pub policies: PolicySet,
    /// The settings of all policies, in the order of the files.
    pub settings: Vec<LoadedSettings>,
    /// The policy servers.
    pub servers: Vec<Server>,
}

/// Settings to validate before the first request.
#[derive(Debug, Clone)]
pub struct LoadedSettings {
    /// The file.
    pub source: Source,
    /// What finds the fields of the file.
    pub locator: Option<Locator>,
    /// What the path of a setting begins with; empty for bare settings.
    pub path: String,
    /// The settings.
    pub settings: Value,
}

impl Loaded {
    /// Returns the only policy with settings, which evaluates every request.
    #[must_use]
    pub fn settings(settings: Map<String, Value>) -> Self {
        let mut loader = Loader::default();
        loader.add_settings(Source::file("the policy requires settings (--policy)"), None, settings);
        loader.loaded()
    }

    /// Returns the settings that have no effect, because of the registration of their policy, in sentences.
    #[must_use]
    pub fn void_settings(&self) -> Vec<String> {
        self.policies.policies().iter().flat_map(|policy| self.void_settings_of(policy)).collect()
    }

    fn void_settings_of(&self, policy: &RegisteredPolicy) -> Vec<String> {
        let Some(registration) = &policy.registration else { return Vec::new() };
        let settings: Vec<(String, &Value)> = match &policy.evaluator {
            Evaluator::Settings(settings) => vec![(format!("policy {}", policy.name), settings)],
            Evaluator::Group(group) => {
                let of = |name: &String| format!("policy {}, member {name}", policy.name);
                group.members.iter().map(|(name, settings)| (of(name), settings)).collect()
            }
        };
        let server = self.servers.iter().find(|server| server.name == policy.server);
        let registered = Registered {
            registration,
            // A member of a group never changes an object.
            is_mutating: policy.handling.is_mutating,
            is_monitored: policy.handling.mode == Mode::Monitor,
            capabilities: server
                .filter(|_| policy.is_namespaced)
                .and_then(|server| server.capabilities.as_deref()),
        };
        let of = |(name, settings): (String, &Value)| {
            void_settings(settings, &registered)
                .into_iter()
                .map(move |sentence| format!("{name}: {sentence}"))
        };
        settings.into_iter().flat_map(of).collect()
    }
}

/// Reads policies from files. Without files, the only policy has no settings.
///
/// # Errors
///
/// Everything that is wrong with the files.
pub fn load(files: &[&Path]) -> Result<Loaded, Vec<InputError>> {
    if files.is_empty() {
        return Ok(Loaded::settings(Map::new()));
    }
    let mut loader = Loader { has_several_files: files.len() > 1, ..Loader::default() };
    for file in files {
        loader.read(file);
    }
    loader.finish()
}

/// Reads policies from the content of a file.
///
/// # Errors
///
/// Everything that is wrong with the text.
pub fn load_text(file: &str, text: &[u8]) -> Result<Loaded, Vec<InputError>> {
    let mut loader = Loader::default();
    loader.read_text(file, text);
    loader.finish()
}

#[derive(Default)]
struct Loader {
    has_several_files: bool,
    policies: Vec<RegisteredPolicy>,
    settings: Vec<LoadedSettings>,
    servers: Vec<Server>,
    errors: Vec<InputError>,
}

impl Loader {
    fn read(&mut self, file: &Path) {
        match settings::content(file) {
            Ok((name, text)) => self.read_text(&name, &text),
            Err(error) => self.errors.push(error),
        }
    }

    fn read_text(&mut self, file: &str, text: &[u8]) {
        let documents = document::parse(file, text);
        let single = documents.len() <= 1;
        if documents.is_empty() {
            self.add_settings(Source::file(file), None, Map::new());
        }
        for document in documents {
            match document {
                Ok(document) => self.add(document, single),
                Err(error) => self.errors.push(error),
            }
        }
    }

    /// Adds a document. Settings must be the only document of their file.
    fn add(&mut self, document: Document, is_single: bool) {
        if is_list(&document.value) {
            return manifest::in_document(document).for_each(|item| self.add_item(item));
        }
        let locator = document.locator();
        let Document { source, value, .. } = document;
        match value {
            Value::Object(object) => self.add_object(source, &locator, object, is_single),
            other => {
                self.errors.push(InputError::new(source, Problem::SettingsNotAMapping(kind_of(&other))));
            }
        }
    }

    /// Adds an item of a list, as `kubectl get` prints it.
    fn add_item(&mut self, item: Result<Manifest, InputError>) {
        match item {
            Ok(manifest) => {
                let locator = manifest.locator();
                match manifest.content {
                    Content::Object(object) => self.add_object(manifest.source, &locator, object, false),
                    Content::Request(_) => {
                        self.errors.push(InputError::new(manifest.source, Problem::NotAPolicy));
                    }
                }
            }
            Err(error) => self.errors.push(error),
        }
    }

    fn add_object(&mut self, source: Source, locator: &Locator, object: Map<String, Value>, is_single: bool) {
        let added = match KubewardenKind::of(&object) {
            Some(KubewardenKind::Server) => self.add_server(&object),
            Some(kind @ (KubewardenKind::Policy | KubewardenKind::ClusterPolicy)) => {
                self.add_policy(kind, &source, locator, &object)
            }
            Some(kind) => self.add_group(kind, &source, locator, &object),
            None if is_single => {
                self.add_settings(source.clone(), Some(locator.clone()), object);
                Ok(())
            }
            None => Err(Problem::NotAPolicy),
        };
        if let Err(mut problem) = added {
            if let Problem::Field { path, position, .. } = &mut problem {
                *position = locator.position(path);
            }
            self.errors.push(InputError::new(source, problem));
        }
    }

    fn add_settings(&mut self, source: Source, locator: Option<Locator>, settings: Map<String, Value>) {
        let name = if self.has_several_files { source.file.clone() } else { String::new() };
        let settings = Value::Object(settings);
        self.policies.push(RegisteredPolicy {
            webhook: name.clone(),
            name,
            server: String::new(),
            is_namespaced: false,
            registration: None,
            handling: Handling { mode: Mode::Protect, is_mutating: true, message: String::new() },
            evaluator: Evaluator::Settings(settings.clone()),
        });
        self.settings.push(LoadedSettings { source, locator, path: String::new(), settings });
    }

    fn add_server(&mut self, object: &Map<String, Value>) -> Result<(), Problem> {
        let metadata: Metadata = typed(object, "metadata")?;
        let spec: ServerSpec = typed(object, "spec")?;
        self.servers
            .push(Server { name: metadata.name, capabilities: spec.namespaced_policies_capabilities });
        Ok(())
    }

    fn add_policy(
        &mut self,
        kind: KubewardenKind,
        source: &Source,
        locator: &Locator,
        object: &Map<String, Value>,
    ) -> Result<(), Problem> {
        let metadata: Metadata = typed(object, "metadata")?;
        let registration: RegistrationSpec = typed(object, "spec")?;
        let spec: PolicySpec = typed(object, "spec")?;
        check_rules(&registration)?;
        let settings = Value::Object(spec.settings.unwrap_or_default());
        self.settings.push(LoadedSettings {
            source: source.clone(),
            locator: Some(locator.clone()),
            path: "spec.settings".to_owned(),
            settings: settings.clone(),
        });
        let handling =
            Handling { mode: registration.mode, is_mutating: spec.mutating, message: spec.message };
        self.register(kind, metadata, &registration, handling, Evaluator::Settings(settings));
        Ok(())
    }

    fn add_group(
        &mut self,
        kind: KubewardenKind,
        source: &Source,
        locator: &Locator,
        object: &Map<String, Value>,
    ) -> Result<(), Problem> {
        let metadata: Metadata = typed(object, "metadata")?;
        let registration: RegistrationSpec = typed(object, "spec")?;
        let spec: GroupSpec = typed(object, "spec")?;
        check_rules(&registration)?;
        let names: BTreeSet<&str> = spec.policies.keys().map(String::as_str).collect();
        let expression = Expression::parse(&spec.expression, &names).map_err(|message| Problem::Field {
            position: None,
            path: "spec.expression".to_owned(),
            message,
        })?;
        for (name, member) in &spec.policies {
            self.settings.push(LoadedSettings {
                source: source.clone(),
                locator: Some(locator.clone()),
                path: format!("spec.policies.{name}.settings"),
                settings: settings_of(member),
            });
        }
        let members =
            spec.policies.iter().map(|(name, member)| (name.clone(), settings_of(member))).collect();
        let handling = Handling { mode: registration.mode, is_mutating: false, message: spec.message };
        let evaluator = Evaluator::Group(Group { members, expression });
        self.register(kind, metadata, &registration, handling, evaluator);
        Ok(())
    }

    /// Adds a policy or a group with its registration.
    fn register(
        &mut self,
        kind: KubewardenKind,
        metadata: Metadata,
        registration: &RegistrationSpec,
        handling: Handling,
        evaluator: Evaluator,
    ) {
        let Metadata { name, namespace } = metadata;
        let namespace = namespace.as_deref().filter(|_| kind.is_namespaced());
        self.policies.push(RegisteredPolicy {
            webhook: webhook(kind, namespace, &name),
            name,
            server: registration.policy_server.clone(),
            is_namespaced: kind.is_namespaced(),
            registration: Some(Registration::new(kind, namespace, registration)),
            handling,
            evaluator,
        });
    }

    fn finish(self) -> Result<Loaded, Vec<InputError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(self.loaded())
    }

    fn loaded(self) -> Loaded {
        Loaded { policies: PolicySet::new(self.policies), settings: self.settings, servers: self.servers }
    }
}

fn settings_of(member: &Member) -> Value {
    member.settings.clone().map_or_else(|| json!({}), Value::Object)
}

/// Reads a field of a manifest, and names the wrong field in it in an error. A missing field is an empty mapping.
fn typed<T: DeserializeOwned>(object: &Map<String, Value>, field: &str) -> Result<T, Problem> {
    let value = object.get(field).filter(|value| !value.is_null()).cloned().unwrap_or_else(|| json!({}));
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let path = if inner == "." { field.to_owned() } else { format!("{field}.{inner}") };
        Problem::Field { position: None, path, message: error.into_inner().to_string() }
    })
}

/// Checks what API servers refuse: a policy without rules, and a rule that matches nothing.
fn check_rules(registration: &RegistrationSpec) -> Result<(), Problem> {
    let refuse = |path: String| {
        Err(Problem::Field { position: None, path, message: "expected at least one value".to_owned() })
    };
    if registration.rules.is_empty() {
        return refuse("spec.rules".to_owned());
    }
    for (index, rule) in registration.rules.iter().enumerate() {
        let Rule { operations, api_groups, api_versions, resources, .. } = rule;
        for (field, values) in [
            ("operations", operations),
            ("apiGroups", api_groups),
            ("apiVersions", api_versions),
            ("resources", resources),
        ] {
            if values.is_empty() {
                return refuse(format!("spec.rules[{index}].{field}"));
            }
        }
    }
    Ok(())
}

/// Returns the name of the webhook, by which API servers order policies.
///
/// Source: `GetUniqueName` in `api/policies/v1` of kubewarden/adm-controller.
fn webhook(kind: KubewardenKind, namespace: Option<&str>, name: &str) -> String {
    let namespace = namespace.unwrap_or("default");
    match kind {
        KubewardenKind::ClusterPolicy => format!("clusterwide-{name}"),
        KubewardenKind::ClusterGroup => format!("clusterwide-group-{name}"),
        KubewardenKind::Group => format!("namespaced-group-{namespace}-{name}"),
        KubewardenKind::Policy | KubewardenKind::Server => format!("namespaced-{namespace}-{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Reads policies from files with these contents, named `1.yaml` and so on.
    fn load_texts(texts: &[&str]) -> Result<Loaded, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<_> = (1..)
            .zip(texts)
            .map(|(number, text)| {
                let file = folder.path().join(format!("{number}.yaml"));
                fs::write(&file, text).unwrap();
                file
            })
            .collect();
        let files: Vec<&Path> = files.iter().map(|file| &**file).collect();
        let prefix = format!("{}/", folder.path().display());
        load(&files)
            .map_err(|errors| errors.iter().map(|error| error.to_string().replace(&prefix, "")).collect())
    }

    fn manifest(kind: &str, name: &str, spec: &str) -> String {
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n"
        )
    }

    const RULES: &str =
        "rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]";

    fn policy(kind: &str, name: &str, is_mutating: bool) -> String {
        manifest(kind, name, &format!("{{module: m, mutating: {is_mutating}, settings: {{a: 1}}, {RULES}}}"))
    }

    #[track_caller]
    fn names(texts: &[&str]) -> Vec<(String, String)> {
        let loaded = load_texts(texts).unwrap();
        loaded
            .policies
            .policies()
            .iter()
            .map(|policy| (policy.name.clone(), policy.webhook.clone()))
            .collect()
    }

    fn named(name: &str, webhook: &str) -> (String, String) {
        (name.to_owned(), webhook.to_owned())
    }

    #[track_caller]
    fn rejects(text: &str, sentences: &[&str]) {
        assert_eq!(load_texts(&[text]).unwrap_err(), sentences, "{text}");
    }

    #[test]
    fn without_files_the_policy_has_no_settings() {
        let loaded = load(&[]).unwrap();
        assert_eq!(loaded.settings[0].settings, json!({}));
        let [policy] = loaded.policies.policies() else { panic!("one policy") };
        assert_eq!(
            (&*policy.name, policy.registration.is_none(), policy.handling.is_mutating),
            ("", true, true)
        );
    }

    #[test]
    fn bare_settings_are_a_policy_without_a_registration() {
        for (text, settings) in
            [("mode: warn", json!({"mode": "warn"})), ("", json!({})), ("# none\n", json!({}))]
        {
            let loaded = load_texts(&[text]).unwrap();
            assert_eq!(loaded.settings[0].settings, settings);
            assert!(loaded.policies.policies()[0].registration.is_none());
        }
    }

    #[test]
    fn policies_are_ordered_like_webhooks() {
        let all = [
            policy("AdmissionPolicy", "a", false),
            policy("ClusterAdmissionPolicy", "z", false),
            policy("ClusterAdmissionPolicy", "w", true),
            policy("AdmissionPolicy", "x", true),
        ]
        .join("---\n");
        assert_eq!(
            names(&[&all]),
            [
                named("w", "clusterwide-w"),
                named("x", "namespaced-shop-x"),
                named("z", "clusterwide-z"),
                named("a", "namespaced-shop-a"),
            ]
        );
    }

    #[test]
    fn a_list_of_policies_is_read() {
        let item =
            |name: &str| policy("ClusterAdmissionPolicy", name, false).trim_end().replace('\n', "\n  ");
        let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n", item("b"), item("a"));
        assert_eq!(names(&[&list]), [named("a", "clusterwide-a"), named("b", "clusterwide-b")]);
        let other = format!("{list}- {{apiVersion: v1, kind: ConfigMap}}\n- 5\n");
        rejects(
            &other,
            &[
                "1.yaml, item 3: not a manifest of a policy; settings must be the only document of their file",
                "1.yaml, item 4: expected a Kubernetes object, got a number",
            ],
        );
    }

    #[test]
    fn a_group_has_the_settings_of_its_members() {
        let spec = format!(
            "{{policies: {{one: {{module: m, settings: {{a: 1}}}}, two: {{module: m}}}}, expression: one() || two(), message: denied, {RULES}}}"
        );
        for kind in ["ClusterAdmissionPolicyGroup", "AdmissionPolicyGroup"] {
            let loaded = load_texts(&[&manifest(kind, "g", &spec)]).unwrap();
            let settings: Vec<_> =
                loaded.settings.iter().map(|loaded| (&*loaded.path, &loaded.settings)).collect();
            assert_eq!(
                settings,
                [
                    ("spec.policies.one.settings", &json!({"a": 1})),
                    ("spec.policies.two.settings", &json!({}))
                ]
            );
        }
    }

    #[test]
    fn the_capabilities_of_a_policy_server_are_read() {
        let server = manifest("PolicyServer", "s", "{namespacedPoliciesCapabilities: [oci/*]}");
        let loaded = load_texts(&[&(server + "---\n" + &policy("AdmissionPolicy", "a", false))]).unwrap();
        assert_eq!(loaded.servers[0].name, "s");
        assert_eq!(loaded.servers[0].capabilities, Some(vec!["oci/*".to_owned()]));
    }

    #[test]
    fn several_settings_have_the_names_of_their_files() {
        let loaded = load_texts(&["a: 1", "b: 1"]).unwrap();
        let [first, second] = loaded.policies.policies() else { panic!("two policies") };
        assert!(
            first.name.ends_with("1.yaml") && second.name.ends_with("2.yaml"),
            "{} {}",
            first.name,
            second.name
        );
    }

    #[test]
    fn manifests_that_api_servers_refuse_are_refused() {
        let policy = |spec: &str| manifest("ClusterAdmissionPolicy", "p", spec);
        rejects(&policy("{mutating: false}"), &["1.yaml, line 4 column 1: `spec`: missing field `rules`"]);
        rejects(
            &policy("{mutating: false, rules: []}"),
            &["1.yaml, line 4 column 25: `spec.rules`: expected at least one value"],
        );
        rejects(
            &policy(&format!("{{mutating: maybe, {RULES}}}")),
            &["1.yaml, line 4 column 8: `spec.mutating`: invalid type: string \"maybe\", expected a boolean"],
        );
        rejects(
            &policy(&format!("{{{RULES}}}")),
            &["1.yaml, line 4 column 1: `spec`: missing field `mutating`"],
        );
        let group = |expression: &str| {
            manifest(
                "AdmissionPolicyGroup",
                "g",
                &format!(
                    "{{policies: {{a: {{module: m}}}}, message: denied, {RULES}, expression: {expression}}}"
                ),
            )
        };
        assert!(
            load_texts(&[&group("b()")]).unwrap_err()[0]
                .ends_with("`spec.expression`: `b` is not a member of `spec.policies`")
        );
    }

    #[test]
    fn other_documents_are_refused() {
        rejects("[warn]", &["1.yaml: settings: expected a mapping, got a sequence"]);
        rejects(
            "a: 1\n---\nb: 1\n",
            &[
                "1.yaml, document 1: not a manifest of a policy; settings must be the only document of their file",
                "1.yaml, document 2: not a manifest of a policy; settings must be the only document of their file",
            ],
        );
    }
}
