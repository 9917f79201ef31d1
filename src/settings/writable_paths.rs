//! `writablePaths`: the paths that containers with a read-only root filesystem write to.

use std::cell::LazyCell;

use crate::kubernetes::image_reference::ImageReference;
use crate::kubernetes::pod::ContainerAt;
use crate::kubernetes::quantity::is_size;
use crate::settings::declaration::{
    Declared, Demand, Format, ObjectKind, Objects, Required, Setting, Text, Word,
};
use crate::settings::path_pattern;
use crate::settings::reader::ObjectReader;
use crate::settings::selector::{CONTAINERS, IMAGES, NAMESPACES, Selector};
use crate::text::quoted;

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

/// Paths at which container runtimes or the kubelet mount devices and files. With a volume there, no container starts or works.
const RUNTIME_PATHS: [&str; 5] =
    ["/dev", "/dev/termination-log", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

/// Maximum length of a path, in bytes: `PATH_MAX` of Linux.
const MAX_PATH_LENGTH: usize = 4096;

/// Maximum length of a name in a path, in bytes: `NAME_MAX` of Linux.
const MAX_NAME_LENGTH: usize = 255;

/// A path at which a volume can be mounted.
const WRITABLE_PATH: Format = Format {
    check: check_path,
    demands: &[
        Demand::Matches("^/"),
        Demand::MatchesNot(path_pattern::NOT_NORMALIZED),
        Demand::MatchesNot(r"[*:]|^/$"),
    ],
    choices: None,
};

/// A positive quantity of bytes.
const SIZE: Format = Format {
    check: check_size,
    demands: &[Demand::Matches(r"^(0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*)(k|[KMGTPE]i|[MGTPE])?$")],
    choices: None,
};

/// The entries of `writablePaths`, in their order.
#[derive(Debug, Default)]
pub struct WritablePaths<'s>(pub Vec<WritablePathsEntry<'s>>);

/// An entry of `writablePaths`.
#[derive(Debug)]
pub struct WritablePathsEntry<'s> {
    selector: Selector<'s>,
    /// The paths that the selected containers write to.
    pub paths: Vec<WritablePath<'s>>,
}

/// A path that a container writes to, and the `emptyDir` for it.
#[derive(Clone, Copy, Debug)]
pub struct WritablePath<'s> {
    /// The path in the container.
    pub path: &'s str,
    /// The medium of the volume; nothing for the disk of the node.
    pub medium: Option<&'static str>,
    /// The maximum size of the volume.
    pub size_limit: Option<&'s str>,
}

impl<'s> WritablePaths<'s> {
    /// Reads the key `writablePaths` of the settings.
    pub fn read(reader: &mut ObjectReader<'_, 's>) -> Self {
        Self(reader.get(&SETTING))
    }

    /// Returns the paths that a container writes to and does not mount, each once.
    #[must_use]
    pub fn missing_paths(&self, namespace: &str, at: ContainerAt<'_, '_>) -> Vec<WritablePath<'s>> {
        let image = LazyCell::new(|| ImageReference::parse(&at.container.image).ok());
        let mut missing: Vec<WritablePath<'s>> = Vec::new();
        for WritablePathsEntry { selector, paths } in &self.0 {
            if selector.includes_namespace(namespace)
                && selector.matches(Some(&at.container.name), || image.as_ref())
            {
                for path in paths {
                    let is_known = missing.iter().any(|known| is_same(known.path, path.path));
                    if !is_known && !is_mounted(at, path.path) {
                        missing.push(*path);
                    }
                }
            }
        }
        missing
    }
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

/// Returns whether a container has a mount at a path or above it.
fn is_mounted(at: ContainerAt<'_, '_>, path: &str) -> bool {
    let mounts = at.container.volume_mounts.iter().map(|mount| &*mount.mount_path);
    let devices = at.container.volume_devices.iter().map(|device| &*device.device_path);
    mounts.chain(devices).any(|mount| at.pod.file_path(mount).contains(path))
}

/// Returns whether two paths of the settings are equal.
fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

fn check_path(path: &str) -> Result<(), String> {
    path_pattern::check_path(path)?;
    if path.contains(['*', ':']) {
        return Err(format!("must not contain \"*\" or \":\", got {}", quoted(path)));
    }
    if path == "/" {
        return Err("must not be the root directory".to_owned());
    }
    if RUNTIME_PATHS.iter().any(|known| is_same(known, path)) {
        return Err(format!("container runtimes mount their own files at {}", quoted(path)));
    }
    if path.len() > MAX_PATH_LENGTH {
        return Err(format!("a path has at most {MAX_PATH_LENGTH} bytes, got {}", path.len()));
    }
    match path.split('/').map(str::len).find(|length| *length > MAX_NAME_LENGTH) {
        Some(length) => Err(format!("a name in a path has at most {MAX_NAME_LENGTH} bytes, got {length}")),
        None => Ok(()),
    }
}

fn check_size(size: &str) -> Result<(), String> {
    if is_size(size) {
        return Ok(());
    }
    Err(format!("expected a size such as 64Mi, got {}", quoted(size)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kubernetes::pod::Pod;
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

    /// Returns the missing paths of the first container of a pod in the namespace `shop`.
    fn missing(writable_paths: &serde_json::Value, container: &serde_json::Value) -> Vec<String> {
        let spec = json!({"containers": [container]}).to_string();
        let pod = json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let at = pod.all_containers().next().unwrap();
        with_settings(writable_paths, |settings| {
            let missing = settings.unwrap().writable_paths.missing_paths("shop", at);
            missing.iter().map(|path| path.path.to_owned()).collect()
        })
    }

    #[test]
    fn image_container_and_namespace_select_entries() {
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
            assert_eq!(missing(&json!([entry]), &web), expected, "{selector}");
        }
    }

    #[test]
    fn image_patterns_do_not_select_invalid_images() {
        let broken = json!({"name": "web", "image": "No Image"});
        assert_eq!(missing(&json!([{"images": ["*"], "paths": ["/run"]}]), &broken), [""; 0]);
        assert_eq!(missing(&json!([{"paths": ["/run"]}]), &broken), ["/run"]);
    }

    #[test]
    fn mounted_paths_are_not_missing() {
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
                assert_eq!(missing(&paths, &mount), expected, "{mount}");
            }
        }
    }

    #[test]
    fn each_path_is_returned_once() {
        let paths = json!([{"paths": ["/run", "/tmp"]}, {"paths": ["/tmp/", "/tmp/x", {"path": "/run"}]}]);
        assert_eq!(missing(&paths, &json!({})), ["/run", "/tmp", "/tmp/x"]);
    }

    #[test]
    fn invalid_entries_are_rejected() {
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
