//! `ephemeralContainers` and `interactiveAccess`: access to running pods.

use proptest::prelude::Strategy;
use proptest::sample::subsequence;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::findings::{FieldPath, Findings, ResponsibleContainer};
use super::patterns::matches;
use super::request::Request;
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// `ephemeralContainers`
pub(super) const EPHEMERAL_CONTAINERS: ReferenceRule = ReferenceRule {
    is_on_by_default: false,
    ..ReferenceRule::new("ephemeralContainers", ephemeral_containers)
};

fn ephemeral_containers(request: &Request<'_>) -> Findings {
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        let old =
            request.old_pod(pod).and_then(|old| old.spec.ephemeral_containers.clone()).unwrap_or_default();
        let list = pod.path.field("ephemeralContainers");
        for container in pod.containers.iter().filter(|container| container.path.has_same_list(&list.item(0)))
        {
            if !old.iter().any(|old| old.name == container.spec.name) {
                findings.add(container.path.clone(), container.as_responsible());
            }
        }
    }
    findings
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct InteractiveAccess {
    subresources: Vec<String>,
    allowed_commands: Vec<Vec<String>>,
}

impl Default for InteractiveAccess {
    fn default() -> Self {
        Self { subresources: vec!["exec".to_owned(), "attach".to_owned()], allowed_commands: Vec::new() }
    }
}

/// The connect options that the rule reads.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ConnectOptions {
    container: Option<String>,
    command: Option<Vec<String>>,
    tty: Option<bool>,
}

/// `interactiveAccess`
pub(super) const INTERACTIVE_ACCESS: ReferenceRule = ReferenceRule {
    is_on_by_default: false,
    effects: &[("subresources", &[Reports, Allows]), ("allowedCommands", &[Reports, Allows])],
    options: || {
        let commands = json!([
            [],
            [["nginx", "-t"], ["cat", "/etc/nginx/*"]],
            [["cat", "*"]],
            [["*"], ["sh", "-c", "*-t"]],
        ]);
        let subresources = subsequence(vec!["exec", "attach", "portforward", "proxy"], 1..=4);
        vec![
            ("subresources", subresources.prop_map(Value::from).boxed()),
            ("allowedCommands", one_of(&commands)),
        ]
    },
    ..ReferenceRule::new("interactiveAccess", interactive_access)
};

fn interactive_access(request: &Request<'_>) -> Findings {
    let settings: InteractiveAccess = options(request.settings, "interactiveAccess");
    let mut findings = Findings::default();
    let subresource = request.text("subResource");
    if request.text("operation") != "CONNECT"
        || !settings.subresources.iter().any(|known| known == subresource)
    {
        return findings;
    }
    let object = request.json.get("object").cloned().unwrap_or(Value::Null);
    let options: Option<ConnectOptions> = serde_json::from_value(object).unwrap();
    let ConnectOptions { container, command, tty } = options.unwrap_or_default();
    let command = command.unwrap_or_default();
    let is_allowed = settings.allowed_commands.iter().any(|allowed| {
        allowed.len() == command.len()
            && allowed.iter().zip(&command).all(|(pattern, word)| matches(pattern, word))
    });
    let field = if subresource != "exec" || settings.allowed_commands.is_empty() {
        "request.subResource"
    } else if !is_allowed {
        "command"
    } else if tty == Some(true) {
        "tty"
    } else {
        return findings;
    };
    let responsible = ResponsibleContainer {
        name: container.filter(|name| !name.is_empty()),
        ..ResponsibleContainer::default()
    };
    findings.add(FieldPath::default().field(field), responsible);
    findings
}
