//! `interactiveAccess`: users do not open connections into running pods.

use std::borrow::Cow;
use std::ops::Deref;

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::connect::{ACCESSES, Access, Connection};
use crate::settings::declaration::{Declared, Flag, Setting, TextLists, Words};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::settings::wildcard;
use crate::text::quoted;

const SUBRESOURCES: Setting<Words<Access>> = Setting {
    key: "subresources",
    label: "Subresources",
    doc: "The subresources that are denied: `exec`, `attach`, `portforward`, `proxy`.",
    kind: Words { words: ACCESSES, default: &[Access::Exec, Access::Attach], may_be_empty: false },
};

const ALLOWED_COMMANDS: Setting<TextLists> = Setting {
    key: "allowedCommands",
    label: "Allowed commands",
    doc: "Commands that `exec` can run without a terminal, each as the list of its arguments. `*` matches any characters of one \
          argument, slashes and dots included: `[\"cat\", \"*\"]`. At the beginning of an argument, `*` does not match a dash, so that it \
          matches no options.",
    kind: TextLists,
};

const ALLOW_STDIN: Setting<Flag> = Setting {
    key: "allowStdin",
    label: "Allow input",
    doc: "Allows users to send input to the commands in `allowedCommands`. A command that reads commands from its input can do anything.",
    kind: Flag,
};

/// The maximum number of commands in a message, and of the arguments of each.
const MAX_DISPLAY_ITEMS: usize = 8;

pub(crate) struct InteractiveAccess<'s> {
    subresources: Cow<'static, [Access]>,
    allowed_commands: Vec<Vec<&'s str>>,
    allow_stdin: bool,
}

impl InteractiveAccess<'_> {
    /// The field that is wrong, and what the user must do.
    fn violation(&self, connection: &Connection<'_>) -> Option<(&'static str, String)> {
        if !self.subresources.contains(&connection.access) {
            return None;
        }
        let target = connection.label();
        let message = match connection.access {
            Access::Exec if !self.allowed_commands.is_empty() => return self.command_violation(connection),
            Access::Exec => format!("must not run commands in {target}"),
            Access::Attach => format!("must not attach to {target}"),
            Access::PortForward => format!("must not forward ports of {}", quoted(&connection.to)),
            Access::Proxy => format!("must not send requests to {}", quoted(&connection.to)),
        };
        Some(("request.subResource", message))
    }

    fn command_violation(&self, connection: &Connection<'_>) -> Option<(&'static str, String)> {
        let options = &connection.options;
        let is_like = |pattern: &Vec<&str>| {
            let mut words = pattern.iter().zip(&options.command);
            pattern.len() == options.command.len()
                && words.all(|(pattern, word)| matches_argument(pattern, word))
        };
        let is_allowed = self.allowed_commands.iter().any(is_like);
        let sends_input = options.stdin && !self.allow_stdin;
        if is_allowed && !options.tty && !sends_input {
            return None;
        }
        let command = listed(&options.command);
        let target = connection.label();
        if is_allowed && options.tty {
            return Some(("tty", format!("must not request a terminal to run {command} in {target}")));
        }
        if is_allowed {
            return Some(("stdin", format!("must not send input to {command} in {target}")));
        }
        let allowed = joined(self.allowed_commands.iter().map(|pattern| listed(pattern)));
        Some((
            "command",
            format!("must run one of the allowed commands ({allowed}) in {target}, not {command}"),
        ))
    }
}

/// Whether an argument matches a pattern. A star is meant for a value, so it does not match an option.
fn matches_argument(pattern: &str, argument: &str) -> bool {
    !(pattern.starts_with('*') && argument.starts_with('-')) && wildcard::matches(pattern, argument)
}

/// A command as messages show it: `["nginx", "-t"]`.
fn listed<T: Deref<Target = str>>(command: &[T]) -> String {
    format!("[{}]", joined(command.iter().map(|word| quoted(word).to_string())))
}

/// The first items, and a mark for the others.
fn joined(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = if items.len() > MAX_DISPLAY_ITEMS { ", …" } else { "" };
    items.take(MAX_DISPLAY_ITEMS).collect::<Vec<_>>().join(", ") + more
}

impl<'s> Rule<'s> for InteractiveAccess<'s> {
    const META: RuleMeta = RuleMeta {
        id: "interactiveAccess",
        severity: Severity::Medium,
        default_mode: Mode::Off,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Users do not open connections into running pods to change them.",
        finding: "a CONNECT request to one of the `subresources` (`kubectl exec`, `cp`, `attach`, `port-forward`, `proxy`)",
        fix: None,
        why: "\
A user with a shell in a container can change the container while it runs.",
        how: Some(
            "\
`kubectl cp` runs `tar` in the container, so it is an `exec`. The request names the user and the namespace, so exemptions can match
users, groups, namespaces, and the name of the container if the request gives one. A `proxy` of services and nodes is evaluated too if the
`rules` name it.

The rule needs CONNECT of the subresources, such as `pods/exec`, in the `rules` of the policy's manifest.",
        ),
        limits: Some(
            "\
Connections to the kubelet or to the container runtime do not reach the policy. In mode `warn`, `kubectl exec` and `kubectl attach` do not
print the warning.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&SUBRESOURCES, &ALLOWED_COMMANDS, &ALLOW_STDIN];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let subresources = reader.get(&SUBRESOURCES);
        let allowed_commands = reader.get(&ALLOWED_COMMANDS);
        let allow_stdin = reader.get(&ALLOW_STDIN);
        if !allowed_commands.is_empty() && !subresources.contains(&Access::Exec) {
            reader.refuse(ALLOWED_COMMANDS.key, "has no effect without exec in subresources");
        }
        if allow_stdin && allowed_commands.is_empty() {
            reader.refuse(ALLOW_STDIN.key, format_args!("has no effect without {}", ALLOWED_COMMANDS.key));
        }
        Self { subresources, allowed_commands, allow_stdin }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Target::Connect(connection) = target else { return };
        let Some((field, message)) = self.violation(connection) else { return };
        let container = Some(&*connection.options.container).filter(|name| !name.is_empty());
        findings.at_request(field, &connection.user, container).message(message);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
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
        check_connection(RuleId::InteractiveAccess, settings, &connection)
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
                r#"tty: user "jane" must not request a terminal to run ["top"] in the default container of "web-1" [interactiveAccess]"#
            ]
        );
        assert_eq!(connect(&settings, "attach", &json!({})).len(), 1);
    }

    #[test]
    fn refuses_settings_that_mean_nothing() {
        assert_eq!(
            errors(RuleId::InteractiveAccess, &json!({"subresources": []})),
            ["interactiveAccess.subresources: must not be empty"]
        );
        let settings =
            json!({"subresources": ["exec", "log"], "allowedCommands": ["ls", [], ["ls", 1], ["ok"]]});
        assert_eq!(
            errors(RuleId::InteractiveAccess, &settings),
            [
                r#"interactiveAccess.subresources[1]: unknown value "log" (allowed: exec, attach, portforward, proxy)"#,
                "interactiveAccess.allowedCommands[0]: expected a list, got a string",
                "interactiveAccess.allowedCommands[1]: must not be empty",
                "interactiveAccess.allowedCommands[2][1]: expected a string, got a number",
            ]
        );
    }
}
