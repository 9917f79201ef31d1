//! `writablePaths`: where containers with a read-only root filesystem write, and the volumes that a fix gives them.

use std::borrow::Cow;
use std::cell::LazyCell;

use crate::fix::additions::to_json;

use crate::kubernetes::image_reference::ImageReference;
use crate::kubernetes::name_index::{NO_INDEX, NameIndex};
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::kubernetes::volume::Volume;
use crate::rules::ConfiguredRule;
use crate::rules::finding::Findings;
use crate::rules::policy_settings::ActiveRule;
use crate::rules::rule::Target;
use crate::settings::declaration::{
    Declared, Demand, Format, ObjectKind, Objects, Required, Setting, Text, Word,
};
use crate::settings::path_pattern;
use crate::settings::reader::ObjectReader;
use crate::settings::selector::{CONTAINERS, IMAGES, NAMESPACES, Selector};
use crate::text::quoted;
use json_view as json;
use serde_json::Value;

/// What the name of every volume begins with that is added.
const PREFIX: &str = "writable-";

/// The most characters of the part of a name that is to be read. The name of a volume is a DNS label: it has at most 63.
/// Behind this part stand a dash, eight digits and, where that name is taken, two more dashes and numbers.
const READABLE_LENGTH: usize = 40;

/// The suffixes of a size that count whole bytes.
///
/// Source: `Quantity` of `k8s.io/apimachinery/pkg/api/resource`.
const UNITS: [&str; 13] = ["", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The setting `writablePaths`.
pub const SETTING: Setting<Objects<WritablePathsEntry<'static>>> = Setting {
    key: "writablePaths",
    label: "Writable paths",
    doc: "Paths that containers write to. If a fix makes the root filesystem of a container read-only, it mounts an `emptyDir` at each \
          path of every entry that selects the container.",
    kind: Objects::ANY,
};

const PATHS: Setting<Required<Objects<WritablePath<'static>>>> = Setting {
    key: "paths",
    label: "Paths",
    doc: "The paths, each as a string or as an object.",
    kind: Required { kind: Objects::NON_EMPTY, instruction: "name the paths that containers write to" },
};

const PATH: Setting<Required<Text>> = Setting {
    key: "path",
    label: "Path",
    doc: "An absolute path.",
    kind: Required { kind: Text(&WRITABLE_PATH), instruction: "name the path that containers write to" },
};

const SIZE_LIMIT: Setting<Text> = Setting {
    key: "sizeLimit",
    label: "Size limit",
    doc: "The maximum size of the volume: `64Mi`.",
    kind: Text(&SIZE),
};

const MEDIUM: Setting<Word<Option<&'static str>>> = Setting {
    key: "medium",
    label: "Medium",
    doc: "`Memory` keeps the volume in memory.",
    kind: Word { words: &[("Memory", Some("Memory"))], default: None },
};

/// A path that a volume can be mounted at.
const WRITABLE_PATH: Format = Format {
    check: check_path,
    demands: &[
        Demand::Matches("^/"),
        Demand::MatchesNot(path_pattern::NOT_NORMALIZED),
        Demand::MatchesNot(r"[*:]|^/$"),
    ],
    choices: None,
};

/// A number of bytes above zero, as Kubernetes writes it.
const SIZE: Format = Format {
    check: check_size,
    demands: &[Demand::Matches(r"^(0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*)(k|[KMGTPE]i|[MGTPE])?$")],
    choices: None,
};

/// Every entry of `writablePaths`, in their order.
#[derive(Debug, Default)]
pub struct WritablePaths<'s>(Vec<WritablePathsEntry<'s>>);

/// An entry of `writablePaths`.
#[derive(Debug)]
pub struct WritablePathsEntry<'s> {
    selector: Selector<'s>,
    paths: Vec<WritablePath<'s>>,
}

/// A place that a container writes to, and the `emptyDir` that it gets for it.
#[derive(Clone, Copy, Debug)]
pub struct WritablePath<'s> {
    path: &'s str,
    medium: Option<&'static str>,
    size_limit: Option<&'s str>,
}

impl<'s> WritablePaths<'s> {
    /// Reads the key `writablePaths` of the settings.
    pub fn read(reader: &mut ObjectReader<'_, 's>) -> Self {
        Self(reader.get(&SETTING))
    }

    /// The places that a container writes to and has no mount for, each once.
    #[must_use]
    pub fn lacking(&self, namespace: &str, at: ContainerAt<'_, '_>) -> Vec<WritablePath<'s>> {
        let image = LazyCell::new(|| ImageReference::parse(&at.container.image).ok());
        let mut lacking: Vec<WritablePath<'s>> = Vec::new();
        for WritablePathsEntry { selector, paths } in &self.0 {
            if selector.includes_namespace(namespace)
                && selector.matches(Some(&at.container.name), || image.as_ref())
            {
                for path in paths {
                    if !is_mounted(at, path.path)
                        && !lacking.iter().any(|known| is_same(known.path, path.path))
                    {
                        lacking.push(*path);
                    }
                }
            }
        }
        lacking
    }
}

impl WritablePaths<'_> {
    /// What is wrong with the places that a rule denies mounts at: whoever got one would be denied because of it.
    #[must_use]
    pub fn denied_by(&self, ActiveRule { id, rule, .. }: &ActiveRule<'_>) -> Vec<String> {
        let mut errors = Vec::new();
        for (entry, WritablePathsEntry { paths, .. }) in self.0.iter().enumerate() {
            for (index, WritablePath { path, .. }) in paths.iter().enumerate() {
                errors.extend(demand(rule, path).map(|demand| {
                    format!("writablePaths[{entry}].paths[{index}]: {id} denies it: a container {demand}")
                }));
            }
        }
        errors
    }
}

/// What a rule demands of a container with an `emptyDir` at a path, if it denies one there.
fn demand(rule: &ConfiguredRule<'_>, path: &str) -> Option<String> {
    let mount = format!("{{\"mountPath\":{}}}", to_json(path));
    let spec =
        format!("{{\"containers\":[{{\"volumeMounts\":[{mount}]}}],\"volumes\":[{{\"emptyDir\":{{}}}}]}}");
    let pod = json::read_with(spec.as_bytes(), |reader| Pod::read("".into(), true, reader)).ok()?;
    let mut findings = Findings::default();
    rule.check(&Target::Pod(&pod), &mut findings);
    findings.list.first().map(|finding| finding.message.to_string())
}

impl ObjectKind for WritablePathsEntry<'static> {
    type Value<'s> = WritablePathsEntry<'s>;

    const SETTINGS: &'static [&'static dyn Declared] = &[&IMAGES, &CONTAINERS, &NAMESPACES, &PATHS];

    fn read<'s>(reader: &mut ObjectReader<'_, 's>) -> Option<WritablePathsEntry<'s>> {
        Some(WritablePathsEntry { selector: Selector::read(reader), paths: reader.get(&PATHS) })
    }
}

impl ObjectKind for WritablePath<'static> {
    type Value<'s> = WritablePath<'s>;

    const SETTINGS: &'static [&'static dyn Declared] = &[&PATH, &SIZE_LIMIT, &MEDIUM];

    const SHORTHAND: Option<&'static Format> = Some(&WRITABLE_PATH);

    fn read<'s>(reader: &mut ObjectReader<'_, 's>) -> Option<WritablePath<'s>> {
        let (path, size_limit, medium) = (reader.get(&PATH), reader.get(&SIZE_LIMIT), reader.get(&MEDIUM));
        Some(WritablePath { path: path?, medium, size_limit })
    }

    fn read_shorthand(path: &str) -> Option<WritablePath<'_>> {
        Some(WritablePath { path, medium: None, size_limit: None })
    }
}

impl WritablePath<'_> {
    /// The path as the settings have it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path
    }

    /// Whether a volume is the `emptyDir` of this name that a fix would add, and nothing more.
    fn is_made_as(&self, volume: &Volume<'_>) -> bool {
        let Ok(Value::Object(fields)) = serde_json::from_slice(volume.json.0) else { return false };
        let is_made = |(key, value): (&String, &Value)| match (&**key, value) {
            ("name", _) | (_, Value::Null) => true,
            ("emptyDir", Value::Object(fields)) => self.is_made_of(fields),
            _ => false,
        };
        volume.source("emptyDir").is_some() && fields.iter().all(is_made)
    }

    fn is_made_of(&self, fields: &serde_json::Map<String, Value>) -> bool {
        // An API server writes no medium as an empty one, and a size with another unit.
        let medium = fields.get("medium").and_then(Value::as_str).filter(|medium| !medium.is_empty());
        let has_size = match (fields.get("sizeLimit").and_then(Value::as_str), self.size_limit) {
            (Some(size), Some(limit)) => {
                size == limit || bytes(size).is_some_and(|size| Some(size) == bytes(limit))
            }
            (size, limit) => size == limit,
        };
        let is_made = |(key, value): (&String, &Value)| {
            value.is_null() || (["medium", "sizeLimit"].contains(&&**key) && value.is_string())
        };
        fields.iter().all(is_made) && medium == self.medium && has_size
    }
}

/// Whether a container has a mount at a place or above it.
fn is_mounted(at: ContainerAt<'_, '_>, place: &str) -> bool {
    let mounts = at.container.volume_mounts.iter().map(|mount| &*mount.mount_path);
    let devices = at.container.volume_devices.iter().map(|device| &*device.device_path);
    mounts.chain(devices).any(|mount| at.pod.file_path(mount).contains(place))
}

/// Whether two places of the settings are one.
fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The volumes of a pod, to which others are added.
#[derive(Debug, Default)]
pub struct Volumes<'p> {
    present: &'p [Volume<'p>],
    places: NameIndex<'p>,
    /// The names of the volumes that are mounted, or were mounted again.
    mounted: NameIndex<'p>,
}

impl<'p> Volumes<'p> {
    /// Those that a pod has.
    #[must_use]
    pub fn of(pod: &'p Pod<'p>) -> Self {
        let mut mounted = NameIndex::default();
        for at in pod.all_containers() {
            let mounts = at.container.volume_mounts.iter().map(|mount| &*mount.name);
            let devices = at.container.volume_devices.iter().map(|device| &*device.name);
            for name in mounts.chain(devices) {
                mounted.add(name.into(), 0);
            }
        }
        Self { present: &pod.spec.volumes, places: pod.volumes_by_name(), mounted }
    }

    /// A volume for a place that a container writes to. Its name is the same whatever other containers and places there are,
    /// unless another volume of the pod has that name. A volume that an earlier fix has added, and that no container mounts,
    /// is taken again: applying a manifest replaces containers and leaves volumes.
    pub fn add<'s>(&mut self, at: ContainerAt<'_, '_>, place: WritablePath<'s>) -> AddedVolume<'s> {
        let preferred = preferred_name(&at.container.name, place.path);
        let mut name = preferred.clone();
        let mut attempt = 0;
        // With the container's place in them, no two containers try the same names, whatever they are called.
        loop {
            let is_free = self.places.get(&name).is_none() && self.mounted.get(&name).is_none();
            if is_free {
                self.places.add(Cow::Owned(name.clone()), NO_INDEX);
                return AddedVolume { name, place, is_there: false };
            }
            if self.is_left_over(&name, place) {
                self.mounted.add(Cow::Owned(name.clone()), 0);
                return AddedVolume { name, place, is_there: true };
            }
            attempt += 1;
            name = format!("{preferred}-{}-{attempt}", at.index);
        }
    }

    fn is_left_over(&self, name: &str, place: WritablePath<'_>) -> bool {
        let volume = self.places.get(name).and_then(|place| self.present.get(place));
        self.mounted.get(name).is_none() && volume.is_some_and(|volume| place.is_made_as(volume))
    }
}

/// A name that tells a reader what the volume is for, and ends in a number that no other place is likely to have.
fn preferred_name(container: &str, path: &str) -> String {
    let place = [container, "\0", path.trim_end_matches('/')].concat();
    let mut name = PREFIX.to_owned();
    for byte in place.bytes() {
        if name.len() == READABLE_LENGTH {
            break;
        }
        match byte.to_ascii_lowercase() {
            byte @ (b'a'..=b'z' | b'0'..=b'9') => name.push(char::from(byte)),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let readable = name.trim_end_matches('-');
    format!("{readable}-{:08x}", hash(&place))
}

/// FNV-1a, which is the same wherever it is computed.
///
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The number of billionths of a byte of a size that [`check_size`] accepts, if it can be counted.
fn bytes(size: &str) -> Option<u128> {
    let digits = size.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = size.get(digits.len()..)?;
    let exponent = |units: &str| units.bytes().position(|letter| unit.as_bytes().first() == Some(&letter));
    let factor = match (unit.len(), exponent(" KMGTPE"), exponent(" kMGTPE")) {
        (0, ..) => 1,
        (2, Some(exponent), _) => 1024_u128.checked_pow(exponent.try_into().ok()?)?,
        (1, _, Some(exponent)) => 1000_u128.checked_pow(exponent.try_into().ok()?)?,
        _ => return None,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = 10_u128.checked_pow(9_u32.checked_sub(fraction.len().try_into().ok()?)?)?;
    let number: u128 = [whole, fraction].concat().parse().ok()?;
    number.checked_mul(scale)?.checked_mul(factor)
}

fn check_path(path: &str) -> Result<(), String> {
    path_pattern::check_path(path)?;
    if path.contains(['*', ':']) {
        return Err(format!("must not contain \"*\" or \":\", got {}", quoted(path)));
    }
    if path == "/" {
        return Err("must not be the root directory".to_owned());
    }
    Ok(())
}

/// Refuses what Kubernetes does not take for a number of bytes, or nothing would fit into.
fn check_size(size: &str) -> Result<(), String> {
    if UNITS.iter().any(|unit| size.strip_suffix(unit).is_some_and(is_positive)) {
        return Ok(());
    }
    Err(format!("expected a size such as 64Mi, got {}", quoted(size)))
}

/// Whether it is a number above zero, written in digits and at most one dot between them.
fn is_positive(number: &str) -> bool {
    let mut parts = number.splitn(2, '.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// A volume that is added for a place.
#[derive(Debug)]
pub struct AddedVolume<'s> {
    /// Its name, which is a DNS label.
    name: String,
    place: WritablePath<'s>,
    is_there: bool,
}

impl AddedVolume<'_> {
    /// Whether the pod has the volume already, so that a mount is all that is missing.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.is_there
    }

    /// The `Volume` in JSON. No part of it holds a character that would have to be escaped.
    #[must_use]
    pub fn volume(&self) -> String {
        let WritablePath { medium, size_limit, .. } = self.place;
        let mut volume = ["{\"name\":\"", &self.name, "\",\"emptyDir\":{"].concat();
        if let Some(medium) = medium {
            volume.extend(["\"medium\":\"", medium, "\""]);
        }
        if let Some(size) = size_limit {
            let separator = if medium.is_some() { "," } else { "" };
            volume.extend([separator, "\"sizeLimit\":\"", size, "\""]);
        }
        volume.push_str("}}");
        volume
    }

    /// The `VolumeMount` of its container in JSON.
    #[must_use]
    pub fn mount(&self) -> String {
        ["{\"name\":\"", &self.name, "\",\"mountPath\":", &to_json(self.place.path), "}"].concat()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::policy_settings::PolicySettings;
    use crate::settings::value::SettingsDocument;
    use json_view as json;

    fn with_settings<T>(
        writable_paths: &serde_json::Value,
        then: impl FnOnce(Result<PolicySettings<'_>, String>) -> T,
    ) -> T {
        let text = json!({"writablePaths": writable_paths}).to_string();
        let document = SettingsDocument::parse(text.as_bytes()).unwrap();
        then(PolicySettings::read(&document))
    }

    /// The places that the first container of a pod in the namespace `shop` lacks.
    fn lacking(writable_paths: &serde_json::Value, container: &serde_json::Value) -> Vec<String> {
        let spec = json!({"containers": [container]}).to_string();
        let pod = json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let at = pod.all_containers().next().unwrap();
        with_settings(writable_paths, |settings| {
            let lacking = settings.unwrap().writable_paths.lacking("shop", at);
            lacking.iter().map(|place| place.path.to_owned()).collect()
        })
    }

    #[test]
    fn goes_by_image_container_and_namespace() {
        let web = json!({"name": "web", "image": "nginx:1.29"});
        for (selector, fits) in [
            (json!({}), true),
            (json!({"images": ["docker.io/library/ngin*"]}), true),
            (json!({"images": ["apache/nginx"]}), false),
            (json!({"containers": ["w*"]}), true),
            (json!({"containers": ["app"]}), false),
            (json!({"namespaces": ["shop"]}), true),
            (json!({"namespaces": ["shop-2"]}), false),
            (json!({"images": ["nginx"], "containers": ["web"], "namespaces": ["shop"]}), true),
            (json!({"images": ["nginx"], "containers": ["web"], "namespaces": ["bank"]}), false),
        ] {
            let mut entry = selector.clone();
            entry["paths"] = json!(["/run"]);
            let expected: &[&str] = if fits { &["/run"] } else { &[] };
            assert_eq!(lacking(&json!([entry]), &web), expected, "{selector}");
        }
    }

    #[test]
    fn an_image_that_cannot_be_read_is_chosen_by_no_image() {
        let broken = json!({"name": "web", "image": "No Image"});
        assert_eq!(lacking(&json!([{"images": ["*"], "paths": ["/run"]}]), &broken), [""; 0]);
        assert_eq!(lacking(&json!([{"paths": ["/run"]}]), &broken), ["/run"]);
    }

    #[test]
    fn leaves_out_what_is_mounted_already() {
        let paths = json!([{"paths": ["/var/cache/nginx"]}]);
        for (path, is_covered) in [
            ("/var/cache/nginx", true),
            ("/var/cache/nginx/", true),
            ("//var/./cache", true),
            ("/var/log/../cache", true),
            ("/", true),
            ("/var/cache/nginx/proxy", false),
            ("/var/cache/nginx2", false),
            ("/tmp", false),
        ] {
            let expected: &[&str] = if is_covered { &[] } else { &["/var/cache/nginx"] };
            for mount in [
                json!({"volumeMounts": [{"name": "x", "mountPath": path}]}),
                json!({"volumeMounts": [{"name": "x", "mountPath": path, "readOnly": true}]}),
                json!({"volumeDevices": [{"name": "x", "devicePath": path}]}),
            ] {
                assert_eq!(lacking(&paths, &mount), expected, "{mount}");
            }
        }
    }

    #[test]
    fn each_place_is_mounted_once() {
        let paths = json!([{"paths": ["/run", "/tmp"]}, {"paths": ["/tmp/", "/tmp/x", {"path": "/run"}]}]);
        assert_eq!(lacking(&paths, &json!({})), ["/run", "/tmp", "/tmp/x"]);
    }

    fn add(volumes: &mut Volumes<'_>, container: &str, path: &str) -> String {
        let spec = json!({"containers": [{}, {"name": container}]}).to_string();
        let pod = json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let place = WritablePath { path, medium: None, size_limit: None };
        volumes.add(pod.all_containers().nth(1).unwrap(), place).name
    }

    #[test]
    fn names_of_volumes_are_stable_and_valid() {
        let name = |container: &str, path: &str| add(&mut Volumes::default(), container, path);
        assert_eq!(name("web", "/run"), "writable-web-run-bc7528a1");
        assert_eq!(name("web", "/run/"), "writable-web-run-bc7528a1");
        assert_eq!(name("Web", "/run"), "writable-web-run-6dfb3701");
        assert_eq!(name("", "/.x_/é"), "writable-x-e133f7ac");
        assert_ne!(name("a-b", "/c"), name("a", "/b/c"));
        assert_eq!(name(&"x".repeat(63), "/var/lib/y"), format!("writable-{}-96d9fd77", "x".repeat(31)));
    }

    #[test]
    fn no_volume_gets_the_name_of_another() {
        let taken = ["writable-web-run-bc7528a1", "writable-web-run-bc7528a1-1-1"];
        let mut volumes = Volumes { places: NameIndex::of(taken.into_iter()), ..Volumes::default() };
        assert_eq!(add(&mut volumes, "web", "/run"), "writable-web-run-bc7528a1-1-2");
        assert_eq!(add(&mut volumes, "web", "/run"), "writable-web-run-bc7528a1-1-3");
        assert_eq!(add(&mut volumes, "web", "/tmp"), "writable-web-tmp-1cf93155");
    }

    #[test]
    fn a_volume_has_what_the_settings_say() {
        let volume = |medium, size_limit| {
            let place = WritablePath { path: "/a \"b\"", medium, size_limit };
            let added = AddedVolume { name: "x".to_owned(), place, is_there: false };
            (added.volume(), added.mount())
        };
        let mount = r#"{"name":"x","mountPath":"/a \"b\""}"#.to_owned();
        assert_eq!(volume(None, None), (r#"{"name":"x","emptyDir":{}}"#.to_owned(), mount.clone()));
        assert_eq!(
            volume(Some("Memory"), Some("64Mi")),
            (r#"{"name":"x","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}}"#.to_owned(), mount)
        );
    }

    #[test]
    fn a_volume_that_a_fix_has_left_is_mounted_again() {
        let name = "writable-web-run-bc7528a1";
        let again = |volume: &str, mounts: &str| {
            let spec = format!(
                r#"{{"containers": [{{"name": "web"}}, {{"name": "b", "volumeMounts": [{mounts}]}}], "volumes": [{volume}]}}"#
            );
            let pod =
                json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
            let place = WritablePath { path: "/run", medium: Some("Memory"), size_limit: Some("0.5Gi") };
            let added = Volumes::of(&pod).add(pod.all_containers().next().unwrap(), place);
            assert_eq!(added.is_there(), added.name == name, "{volume}");
            added.is_there()
        };
        let volume = |source: &str| format!(r#"{{"name": "{name}", {source}}}"#);
        for same in [
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "0.5Gi"}"#,
            r#""emptyDir": {"sizeLimit": "512Mi", "medium": "Memory"}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}, "secret": null"#,
        ] {
            assert!(again(&volume(same), ""), "{same}");
            assert!(again(&volume(same), r#"{"name": "other", "mountPath": "/run"}"#), "{same}");
            assert!(!again(&volume(same), &format!(r#"{{"name": "{name}", "mountPath": "/x"}}"#)), "{same}");
        }
        for other in [
            r#""emptyDir": {"medium": "Memory"}"#,
            r#""emptyDir": {"sizeLimit": "512Mi"}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "513Mi"}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "512Mi", "x": 1}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}, "hostPath": {"path": "/"}"#,
            r#""secret": {"secretName": "a"}"#,
            r#""emptyDir": null"#,
        ] {
            assert!(!again(&volume(other), ""), "{other}");
        }
    }

    #[test]
    fn sizes_are_compared_as_numbers_of_bytes() {
        for (one, other) in
            [("1Gi", "1024Mi"), ("0.5Gi", "512Mi"), ("1k", "1000"), ("1.5M", "1500k"), ("1Ki", "1024")]
        {
            assert_eq!(bytes(one), bytes(other), "{one}");
            assert!(bytes(one).is_some(), "{one}");
        }
        assert_ne!(bytes("1M"), bytes("1Mi"));
        assert_ne!(bytes("1E"), bytes("1P"));
        for strange in ["", "Gi", "1Xi", "1K", "1.0000000001", "1e3", "99999999999999999999999999E"] {
            assert_eq!(bytes(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_size_is_a_number_of_bytes() {
        for size in ["1", "64Mi", "1.5Gi", "0.5k", "2E", "1024"] {
            assert_eq!(check_size(size), Ok(()), "{size}");
        }
        for size in [
            "", "0", "0.0Mi", "-1", "+1", "1.", ".5Gi", "1.2.3", "64mi", "64 Mi", "64MiB", "1e3", "100m",
            "é", "1é",
        ] {
            assert_eq!(
                check_size(size),
                Err(format!("expected a size such as 64Mi, got {}", quoted(size))),
                "{size}"
            );
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let errors = |settings: &serde_json::Value| {
            with_settings(settings, |read| read.unwrap_err().lines().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(
            errors(&json!([
                {},
                {"paths": []},
                {"images": [], "containers": ["Web"], "namespace": ["shop"], "paths": ["run", "/a/../b", "/", "/tmp/*", "C:/x", 3]},
                {"paths": [{}, {"path": "/x", "size": "1Mi"}, {"path": "/x", "sizeLimit": "64MB", "medium": "memory"}]},
                {"paths": {"path": "/run"}},
                "/run",
            ])),
            [
                "writablePaths[0].paths: missing: name the paths that containers write to",
                "writablePaths[1].paths: must not be empty",
                "writablePaths[2].images: must not be empty",
                r#"writablePaths[2].containers[0]: "Web" can never match: names are lower case letters, digits and dashes"#,
                r#"writablePaths[2].paths[0]: expected an absolute path, got "run""#,
                r#"writablePaths[2].paths[1]: must be a normalized path (no ".", ".." or "//"), got "/a/../b""#,
                "writablePaths[2].paths[2]: must not be the root directory",
                r#"writablePaths[2].paths[3]: must not contain "*" or ":", got "/tmp/*""#,
                r#"writablePaths[2].paths[4]: expected an absolute path, got "C:/x""#,
                "writablePaths[2].paths[5]: expected a string or an object, got a number",
                r#"writablePaths[2].namespace: unknown key, did you mean "namespaces"?"#,
                "writablePaths[3].paths[0].path: missing: name the path that containers write to",
                "writablePaths[3].paths[1].size: unknown key (allowed: path, sizeLimit, medium)",
                r#"writablePaths[3].paths[2].sizeLimit: expected a size such as 64Mi, got "64MB""#,
                r#"writablePaths[3].paths[2].medium: unknown value "memory", did you mean "Memory"?"#,
                "writablePaths[4].paths: expected a list, got an object",
                "writablePaths[5]: expected an object, got a string",
            ]
        );
    }
}
