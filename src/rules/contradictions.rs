//! Settings that contradict each other: a rule denies what the fix of another rule adds.

use super::active_rule::ActiveRule;
use super::finding::Findings;
use super::rule::Target;
use crate::kubernetes::container::{Container, VolumeMount};
use crate::kubernetes::pod::{Pod, PodSpec};
use crate::kubernetes::volume::Volume;
use crate::settings::exemption::Exemptions;
use crate::settings::mode::Mode;
use crate::settings::value::{Entry, PresetSettings, SettingValue};
use crate::settings::writable_paths::WritablePaths;
use crate::text::quoted;

/// The rule whose fix mounts writable paths.
const FIXES_ROOT: &str = "readOnlyRootFilesystem";

/// The rule about connections, whose requests contain no images.
const DENIES_CONNECTIONS: &str = "interactiveAccess";

/// The rule that denies mounts.
const DENIES_MOUNTS: &str = "writableMounts";

/// Returns an error for each exemption that can never match.
pub(super) fn idle_exemptions(exemptions: &Exemptions<'_>) -> Vec<String> {
    let is_about_connections = |rules: &Vec<&str>| rules.iter().all(|rule| *rule == DENIES_CONNECTIONS);
    let exemptions = exemptions.list().unwrap_or_default().iter();
    let idle = exemptions.filter(|exemption| {
        exemption.selector.has_images() && exemption.rules.as_ref().is_some_and(is_about_connections)
    });
    let error = |index| {
        format!(
            "exemptions[{index}].images: can never match {DENIES_CONNECTIONS}, whose requests do not contain images"
        )
    };
    idle.map(|exemption| error(exemption.index)).collect()
}

/// Returns an error for each setting that can have no effect because the preset turns off the rules that it is about.
pub(super) fn with_preset(
    preset: &PresetSettings<'_>,
    rules: &[ActiveRule<'_>],
    exemptions: &Exemptions<'_>,
    writable_paths: &WritablePaths<'_>,
) -> Vec<String> {
    let is_off = |id: &&str| turns_off(preset, id) && rules.iter().all(|active| active.id != *id);
    let error = |path: &str, rules: &str| {
        format!("{path}: has no effect: preset {} turns {rules} off", quoted(preset.name))
    };
    let mut errors = Vec::new();
    if !writable_paths.0.is_empty() && is_off(&FIXES_ROOT) {
        errors.push(error("writablePaths", FIXES_ROOT));
    }
    for exemption in exemptions.list().unwrap_or_default() {
        let rules = exemption.rules.as_deref().unwrap_or_default();
        if !rules.is_empty() && rules.iter().all(is_off) {
            errors.push(error(&format!("exemptions[{}].rules", exemption.index), &rules.join(", ")));
        }
    }
    errors
}

/// Returns whether a preset turns a rule off.
fn turns_off(preset: &PresetSettings<'_>, rule: &str) -> bool {
    let entries = preset.entries.iter().find_map(|(key, value)| match value {
        SettingValue::Object(entries) if key == rule => Some(entries),
        _ => None,
    });
    let is_off = |(key, value): &Entry<'_>| {
        key == "mode" && matches!(value, SettingValue::String(mode) if mode == Mode::Off.name())
    };
    entries.is_some_and(|entries| entries.iter().any(is_off))
}

/// Returns an error for each writable path at which a rule denies mounts, unless an exemption may be meant for the rule. A container
/// with a volume there would be denied because of its fix.
pub(super) fn errors(
    rules: &[ActiveRule<'_>],
    exemptions: &Exemptions<'_>,
    writable_paths: &WritablePaths<'_>,
) -> Vec<String> {
    let with = |id: &str, mode| rules.iter().find(|active| active.id == id && active.mode == mode);
    let (Some(_), Some(denying)) = (with(FIXES_ROOT, Mode::Fix), with(DENIES_MOUNTS, Mode::Deny)) else {
        return Vec::new();
    };
    if exemptions.has_one_about(DENIES_MOUNTS) {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for (entry, paths) in writable_paths.0.iter().enumerate() {
        for (index, path) in paths.paths.iter().enumerate() {
            errors.extend(finding(denying, path.path).map(|finding| {
                format!(
                    "writablePaths[{entry}].paths[{index}]: {DENIES_MOUNTS} denies it: a container {finding}"
                )
            }));
        }
    }
    errors
}

/// Returns the message of a rule about a container that mounts an `emptyDir` at a path. A volume without a source is an `emptyDir`.
fn finding(denying: &ActiveRule<'_>, path: &str) -> Option<String> {
    // Messages name the volume. The fix makes a name for each container and path.
    let name = "writable-…";
    let mount = VolumeMount { name: name.into(), mount_path: path.into(), ..VolumeMount::default() };
    let container = Container { volume_mounts: vec![mount], ..Container::default() };
    let volume = Volume { name: name.into(), ..Volume::default() };
    let spec = PodSpec { containers: vec![container], volumes: vec![volume], ..PodSpec::default() };
    let pod = Pod::template(spec);
    let mut findings = Findings::default();
    denying.rule.check(&Target::Pod(&pod), &mut findings);
    findings.list.first().map(|finding| finding.message.to_string())
}
