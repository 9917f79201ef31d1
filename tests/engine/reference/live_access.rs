//! `ephemeralContainers` and `interactiveAccess`: access to running pods.

use proptest::prelude::Strategy;
use proptest::sample::subsequence;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::findings::{FieldPath, Findings, ResponsibleContainer};
use super::generators::switch;
use super::patterns::matches;
use super::request::Request;
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// `ephemeralContainers`
pub(super) const EPHEMERAL_CONTAINERS: ReferenceRule =
    ReferenceRule { default_mode: "off", ..ReferenceRule::new("ephemeralContainers", ephemeral_containers) };

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
    allow_stdin: bool,
}

impl Default for InteractiveAccess {
    fn default() -> Self {
        Self {
            subresources: vec!["exec".to_owned(), "attach".to_owned()],
            allowed_commands: Vec::new(),
            allow_stdin: false,
        }
    }
}

/// The connect options that the rule reads.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ConnectOptions {
    container: Option<String>,
    command: Option<Vec<String>>,
    tty: Option<bool>,
    stdin: Option<bool>,
}

/// `interactiveAccess`
pub(super) const INTERACTIVE_ACCESS: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[
        ("subresources", &[Reports, Allows]),
        ("allowedCommands", &[Reports, Allows]),
        ("allowStdin", &[Allows]),
    ],
    options: || {
        let commands = json!([
            [],
            [["nginx", "-t"], ["cat", "/etc/nginx/*"]],
            [["nginx", "-t"], ["cat", "*"]],
            [["cat", "*"]],
            [["*"], ["sh", "-c", "*-t"]],
        ]);
        // Allowed commands have no effect without `exec`.
        let others = subsequence(vec!["attach", "portforward", "proxy"], 0..=3);
        let subresources = others.prop_map(|others| Value::from([vec!["exec"], others].concat()));
        vec![
            ("subresources", subresources.boxed()),
            ("allowedCommands", one_of(&commands)),
            ("allowedCommands", one_of(&commands)),
            ("allowStdin", switch()),
            ("allowStdin", switch()),
        ]
    },
    ..ReferenceRule::new("interactiveAccess", interactive_access)
};

/// Whether a pattern matches an argument. A star at the start does not match the dash of an option.
fn matches_argument(pattern: &str, word: &str) -> bool {
    matches(pattern, word) && !(pattern.starts_with('*') && word.starts_with('-'))
}

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
    let ConnectOptions { container, command, tty, stdin } = options.unwrap_or_default();
    let command = command.unwrap_or_default();
    let is_allowed = settings.allowed_commands.iter().any(|allowed| {
        allowed.len() == command.len()
            && allowed.iter().zip(&command).all(|(pattern, word)| matches_argument(pattern, word))
    });
    let field = if subresource != "exec" || settings.allowed_commands.is_empty() {
        "request.subResource"
    } else if !is_allowed {
        "command"
    } else if tty == Some(true) {
        "tty"
    } else if stdin == Some(true) && !settings.allow_stdin {
        "stdin"
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
