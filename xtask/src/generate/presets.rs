//! `docs/presets.md`: the settings of every preset.

use std::fmt::Write as _;

use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::rules::policy_settings;

use super::preset::{DEFAULT, Preset, presets};
use super::yaml;

pub(super) const FILE: &str = "docs/presets.md";

const INTRODUCTION: &str = "\
<!-- Generated from src/settings/presets: cargo xtask generate -->

# Presets

`preset` names the settings that all others start from. The keys beside it override single keys:

```yaml
preset: restricted
seccompProfile: fix
capabilities:
  allowedAdd: [NET_BIND_SERVICE, CHOWN]
```

**`baseline` and `restricted` disable the rules that make a container immutable**: read-only root filesystem, images, writable mounts. They
exist for clusters that want the Pod Security Standards alone, with exemptions, warnings and fixes. Choose `immutable+restricted` to have
both.

- `immutable` is the default: the [defaults of all settings](settings.md).
- `baseline` and `restricted` give the verdicts of [Pod Security Admission](https://kubernetes.io/docs/concepts/security/pod-security-admission/)
  in Kubernetes 1.37 on every pod. Older versions of the standards are not offered. Three things differ. A Deployment or another workload
  is denied like its pods, while Pod Security Admission only warns about it. An update that changes no image and adds no debug container
  is denied if it adds a finding, while Pod Security Admission does not judge it. Ephemeral containers are judged like all others.
- `immutable+restricted` denies what `immutable` denies and what `restricted` denies.

Options beside a preset that disables their rule are refused: give the rule a `mode`, or remove them.

## Modes

";

/// Returns the page.
///
/// # Errors
/// If the settings of a preset are not JSON.
pub(super) fn generate() -> Result<String, String> {
    let mut page = INTRODUCTION.to_owned();
    let presets = presets()?;
    push_modes(&mut page, &presets);
    let declaration = policy_settings::declaration();
    for Preset { name, mut settings } in presets.into_iter().filter(|preset| preset.name != DEFAULT) {
        if let Some(settings) = settings.as_object_mut() {
            settings.insert("preset".to_owned(), name.into());
        }
        let _ = write!(page, "\n## {name}\n\n```yaml\n");
        yaml::push_settings(&mut page, &declaration, &settings);
        page.push_str("```\n");
    }
    Ok(page)
}

/// Adds a table with the mode of each rule in each preset.
fn push_modes(page: &mut String, presets: &[Preset]) {
    let names: Vec<_> = presets.iter().map(|preset| format!("`{}`", preset.name)).collect();
    let _ = writeln!(page, "| Rule | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for &rule in RuleId::ALL {
        let id = rule.meta().id;
        let modes: Vec<_> = presets.iter().map(|preset| preset.mode(rule)).collect();
        let _ = writeln!(page, "| [`{id}`](rules/{id}.md) | {} |", modes.join(" | "));
    }
}
