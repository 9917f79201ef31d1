//! Rules about pods that run: debug containers and connections.

use serde::Deserialize;
use serde_json::Value;

use super::asked::Asked;
use super::found::{Found, Holder, Path};
use super::patterns::fits;
use super::settings::options;

/// `ephemeralContainers`
pub(super) fn ephemeral_containers(asked: &Asked<'_>) -> Found {
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        let old =
            asked.old_pod(pod).and_then(|old| old.spec.ephemeral_containers.clone()).unwrap_or_default();
        let list = pod.path.to("ephemeralContainers");
        for judged in pod.containers.iter().filter(|judged| judged.path.has_same_list(&list.item(0))) {
            if !old.iter().any(|old| old.name == judged.container.name) {
                found.add(judged.path.clone(), judged.holder());
            }
        }
    }
    found
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

/// What is asked for in a connection, as far as the rule reads it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Connection {
    container: Option<String>,
    command: Option<Vec<String>>,
    tty: Option<bool>,
}

/// `interactiveAccess`
pub(super) fn interactive_access(asked: &Asked<'_>) -> Found {
    let settings: InteractiveAccess = options(asked.settings, "interactiveAccess");
    let mut found = Found::default();
    let subresource = asked.text("subResource");
    if asked.text("operation") != "CONNECT" || !settings.subresources.iter().any(|known| known == subresource)
    {
        return found;
    }
    let object = asked.request.get("object").cloned().unwrap_or(Value::Null);
    let connection: Option<Connection> = serde_json::from_value(object).unwrap();
    let Connection { container, command, tty } = connection.unwrap_or_default();
    let command = command.unwrap_or_default();
    let is_allowed = settings.allowed_commands.iter().any(|allowed| {
        allowed.len() == command.len()
            && allowed.iter().zip(&command).all(|(pattern, word)| fits(pattern, word))
    });
    let field = if subresource != "exec" || settings.allowed_commands.is_empty() {
        "request.subResource"
    } else if !is_allowed {
        "command"
    } else if tty == Some(true) {
        "tty"
    } else {
        return found;
    };
    let holder = Holder { name: container.filter(|name| !name.is_empty()), ..Holder::default() };
    found.add(Path::default().to(field), holder);
    found
}
