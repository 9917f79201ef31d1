//! `docs/settings.md`: every setting, with its default and its description.

use std::fmt::Write as _;

use immutable_pods_policy::rules::policy_settings;
use immutable_pods_policy::rules::{RuleId, rule::RuleDocs};
use immutable_pods_policy::settings::declaration::{Accepts, Declaration};
use serde_json::Value;

use super::yaml;

pub(super) const FILE: &str = "docs/settings.md";

const INTRODUCTION: &str = "\
<!-- Generated from the declarations of the settings: cargo xtask generate -->

# Settings

These settings deny most things, fix one, and warn about another:

```yaml
readOnlyRootFilesystem: fix   # off | warn | deny | fix
runAsNonRoot: warn
hostPathVolumes:
  mode: deny
  allowed:
  - {pathPrefix: /var/log, readOnly: true}
imageReference:
  require: digest
```

[`preset`](presets.md) chooses the settings to start from, such as the Pod Security Standards; the keys beside it override single keys. A
rule in mode `warn` admits the object with an admission warning. Instead of an object, a rule accepts a mode alone: `hostNamespaces: warn`.

Settings are strict. When a policy server loads the policy, the policy rejects every unknown key and value, lists all errors at once, and
suggests the nearest known name. It denies an object that it cannot read in every `enforcement` mode.

Editors complete and check settings with [settings.schema.json](../settings.schema.json): see
[settings.example.yaml](../settings.example.yaml). `immutable-pods schema` prints the schema.

## General settings

";

const RULES: &str = "
## Rules

Each rule has a page that describes what it checks, with examples: see [rules](rules/README.md). A rule accepts an object, or a mode alone:
`hostNamespaces: warn`.

";

const DEFAULTS: &str = "
## Defaults

`{}` is valid, and means this:

";

/// Returns the page.
pub(super) fn generate() -> String {
    let declaration = policy_settings::declaration();
    let mut page = INTRODUCTION.to_owned();
    let (rules, general): (Vec<_>, Vec<_>) =
        declaration.settings.iter().partition(|setting| matches!(setting.accepts, Accepts::Shorthand(..)));
    for setting in &general {
        push_setting(&mut page, setting, 0);
    }
    page.push_str(RULES);
    push_mode(&mut page, &rules);
    for (rule, setting) in RuleId::ALL.iter().zip(rules) {
        push_rule(&mut page, setting, &rule.docs());
    }
    page.push_str(DEFAULTS);
    page.push_str("```yaml\n");
    yaml::push_settings(&mut page, &declaration, &Value::Null);
    page.push_str("```\n");
    page
}

/// Adds the modes, which are the same for every rule except for `fix`.
fn push_mode(page: &mut String, rules: &[&Declaration]) {
    let modes = rules.iter().filter_map(|rule| match &rule.accepts {
        Accepts::Shorthand(_, options) => options.settings.first(),
        _ => None,
    });
    if let Some(mode) = modes.max_by_key(|mode| mode.doc.len()) {
        push_setting(page, mode, 0);
    }
}

/// Adds what a rule enforces, and its settings.
fn push_rule(page: &mut String, rule: &Declaration, docs: &RuleDocs) {
    let id = rule.key;
    let _ = write!(page, "\n### {id}\n\n{} [More about `{id}`](rules/{id}.md).\n", docs.summary);
    let Accepts::Shorthand(_, options) = &rule.accepts else { return };
    let own: Vec<_> =
        options.settings.iter().filter(|setting| !matches!(setting.accepts, Accepts::Mode(_))).collect();
    if !own.is_empty() {
        page.push('\n');
    }
    for setting in own {
        push_setting(page, setting, 0);
    }
}

/// Adds a list item about a setting, followed by nested settings.
pub(super) fn push_setting(page: &mut String, setting: &Declaration, depth: usize) {
    let indent = "  ".repeat(depth);
    let required = if setting.is_required { " (required)" } else { "" };
    let _ = writeln!(page, "{indent}- `{}`{required}: {}", setting.key, setting.doc);
    let inner = match &setting.accepts {
        Accepts::List { item, .. } => item,
        accepts => accepts,
    };
    if let Accepts::Object(object) | Accepts::Shorthand(_, object) = inner {
        for setting in &object.settings {
            push_setting(page, setting, depth + 1);
        }
    }
}
