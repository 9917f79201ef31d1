//! `interactiveAccess`: nobody reaches into a running pod to change it.
//!
//! A finding is a CONNECT to one of the `subresources`: `kubectl exec`, `cp`, `attach`, `port-forward`, `proxy`
//!
//! `kubectl cp` runs `tar` in the container, so it is an `exec`. The request says who asks and from which namespace,
//! so exemptions by users, groups and namespaces fit here, and by the name of a container that is given. The webhook
//! must be registered for the subresources; a `proxy` of services or nodes is judged as well where it is registered.
//!
//! Settings:
//!
//! - `subresources`: which of `exec`, `attach`, `portforward` and `proxy` are refused.
//! - `allowedCommands`: commands that `exec` may run without a terminal, each as the list of its arguments. `*`
//!   stands for any run of characters within one argument, slashes and dots among them: `["cat", "*"]`.

use std::borrow::Cow;
use std::ops::Deref;

use super::{Definition, Kind, Rule};
use crate::kubernetes::connect::{ACCESSES, Access, Connection};
use crate::rules::finding::{Concern, Concerns, Finding, Value};
use crate::settings::reader::Options;
use crate::settings::wildcard;
use crate::text::quoted;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "interactiveAccess", mode: None, can_fix: false, kind: Kind::InteractiveAccess };

/// The most arguments of a command that a message repeats, and the most commands.
const SHOWN: usize = 8;

pub(crate) struct InteractiveAccess<'s> {
    subresources: Cow<'static, [Access]>,
    allowed_commands: Vec<Vec<&'s str>>,
}

impl<'s> InteractiveAccess<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        let subresources = options.any_of("subresources", &[Access::Exec, Access::Attach], &ACCESSES);
        options.refuse_empty("subresources");
        Self { subresources, allowed_commands: options.string_lists("allowedCommands") }
    }

    /// The field that is wrong, and what must be done about it.
    fn judge(&self, connection: &Connection<'_>) -> Option<(&'static str, String)> {
        if !self.subresources.contains(&connection.access) {
            return None;
        }
        let target = connection.label();
        let demand = match connection.access {
            Access::Exec if !self.allowed_commands.is_empty() => return self.judge_command(connection),
            Access::Exec => format!("must not run commands in {target}"),
            Access::Attach => format!("must not attach to {target}"),
            Access::PortForward => format!("must not forward ports of {}", quoted(&connection.to)),
            Access::Proxy => format!("must not send requests to {}", quoted(&connection.to)),
        };
        Some(("request.subResource", demand))
    }

    fn judge_command(&self, connection: &Connection<'_>) -> Option<(&'static str, String)> {
        let options = &connection.options;
        let is_like = |pattern: &Vec<&str>| {
            pattern.len() == options.command.len()
                && pattern
                    .iter()
                    .zip(&options.command)
                    .all(|(pattern, word)| wildcard::matches(pattern, word))
        };
        let is_allowed = self.allowed_commands.iter().any(is_like);
        if is_allowed && !options.tty {
            return None;
        }
        let shown = listed(&options.command);
        let target = connection.label();
        if !is_allowed {
            let allowed = joined(self.allowed_commands.iter().map(|pattern| listed(pattern)));
            return Some((
                "command",
                format!("must run one of the allowed commands ({allowed}) in {target}, not {shown}"),
            ));
        }
        Some(("tty", format!("must not ask for a terminal to run {shown} in {target}")))
    }
}

/// A command as messages show it: `["nginx", "-t"]`.
fn listed<T: Deref<Target = str>>(command: &[T]) -> String {
    format!("[{}]", joined(command.iter().map(|word| quoted(word).to_string())))
}

/// The first of several items, and a mark for the others.
fn joined(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = if items.len() > SHOWN { ", …" } else { "" };
    items.take(SHOWN).collect::<Vec<_>>().join(", ") + more
}

impl Rule for InteractiveAccess<'_> {
    fn check_connection<'p>(&self, connection: &'p Connection<'_>, found: &mut Vec<Finding<'p>>) {
        let Some((path, demand)) = self.judge(connection) else { return };
        let container = Some(&*connection.options.container).filter(|name| !name.is_empty());
        found.push(Finding {
            path: path.to_owned(),
            subject: format!("user {}", quoted(&connection.user)),
            demand: demand.into(),
            value: Value::default(),
            concerns: Concerns::Only(vec![Concern { container, ..Concern::default() }]),
            fix: None,
            decided_by: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check_connection, errors};
    use super::*;
    use crate::kubernetes::connect::ConnectOptions;
    use json_view as json;

    #[track_caller]
    fn connect(settings: &Value, sub_resource: &str, options: &Value) -> Vec<String> {
        let text = options.to_string();
        let connection = Connection {
            access: Access::find(sub_resource).unwrap(),
            to: "web-1".into(),
            user: "jane".into(),
            options: json::from_slice::<ConnectOptions>(text.as_bytes()).unwrap(),
        };
        check_connection(&RULE, settings, &connection)
    }

    #[test]
    fn nobody_gets_in() {
        let options = json!({"container": "web", "command": ["sh"], "stdin": true, "tty": true});
        assert_eq!(
            connect(&json!({}), "exec", &options),
            [
                r#"request.subResource: user "jane" must not run commands in container "web" of "web-1" [interactiveAccess]"#
            ]
        );
        assert_eq!(
            connect(&json!({}), "attach", &json!({})),
            [
                r#"request.subResource: user "jane" must not attach to the default container of "web-1" [interactiveAccess]"#
            ]
        );
    }

    #[test]
    fn the_settings_say_which_ways_are_closed() {
        assert_eq!(connect(&json!({}), "portforward", &json!({})), [""; 0]);
        assert_eq!(connect(&json!({}), "proxy", &json!({})), [""; 0]);
        let settings = json!({"subresources": ["portforward", "proxy"]});
        assert_eq!(connect(&settings, "exec", &json!({})), [""; 0]);
        assert_eq!(
            connect(&settings, "portforward", &json!({"ports": [80]})),
            [r#"request.subResource: user "jane" must not forward ports of "web-1" [interactiveAccess]"#]
        );
        assert_eq!(
            connect(&settings, "proxy", &json!({"path": "/exec"})),
            [r#"request.subResource: user "jane" must not send requests to "web-1" [interactiveAccess]"#]
        );
    }

    #[test]
    fn some_commands_may_be_allowed() {
        let settings = json!({"allowedCommands": [["nginx", "-t"], ["cat", "*"], ["/bin/ls"]]});
        for command in [
            json!(["nginx", "-t"]),
            json!(["cat", "/etc/nginx/nginx.conf"]),
            json!(["cat", ""]),
            json!(["/bin/ls"]),
        ] {
            assert_eq!(connect(&settings, "exec", &json!({"command": command})), [""; 0], "{command}");
        }
        for (command, shown) in [
            (json!(["nginx"]), r#"["nginx"]"#),
            (json!(["nginx", "-t", "-c"]), r#"["nginx", "-t", "-c"]"#),
            (json!(["cat"]), r#"["cat"]"#),
            (json!(["sh", "-c", "cat x"]), r#"["sh", "-c", "cat x"]"#),
            (json!([]), "[]"),
            (
                json!(["tar", "1", "2", "3", "4", "5", "6", "7", "8"]),
                r#"["tar", "1", "2", "3", "4", "5", "6", "7", …]"#,
            ),
        ] {
            assert_eq!(
                connect(&settings, "exec", &json!({"command": command, "container": "web"})),
                [format!(
                    "command: user \"jane\" must run one of the allowed commands ([\"nginx\", \"-t\"], [\"cat\", \"*\"], \
                     [\"/bin/ls\"]) in container \"web\" of \"web-1\", not {shown} [interactiveAccess]"
                )]
            );
        }
    }

    #[test]
    fn an_allowed_command_gets_no_terminal() {
        let settings = json!({"allowedCommands": [["top"]]});
        assert_eq!(
            connect(&settings, "exec", &json!({"command": ["top"], "tty": true})),
            [
                r#"tty: user "jane" must not ask for a terminal to run ["top"] in the default container of "web-1" [interactiveAccess]"#
            ]
        );
        assert_eq!(connect(&settings, "attach", &json!({})).len(), 1);
    }

    #[test]
    fn refuses_settings_that_mean_nothing() {
        assert_eq!(
            errors(&RULE, &json!({"subresources": []})),
            ["interactiveAccess.subresources: must not be empty"]
        );
        let settings =
            json!({"subresources": ["exec", "log"], "allowedCommands": ["ls", [], ["ls", 1], ["ok"]]});
        assert_eq!(
            errors(&RULE, &settings),
            [
                r#"interactiveAccess.subresources[1]: "log" is unknown (allowed: exec, attach, portforward, proxy)"#,
                "interactiveAccess.allowedCommands[0]: must be a list, not a string",
                "interactiveAccess.allowedCommands[1]: must not be empty",
                "interactiveAccess.allowedCommands[2]: must be a string, not a number",
            ]
        );
    }
}
