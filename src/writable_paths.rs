//! `writablePaths`: the places that containers with a read-only root write to, and the volumes that they get for them.

use std::borrow::Cow;

use crate::additions::to_json;
use crate::file_path::check_place;
use crate::image_reference::ImageReference;
use crate::options::Options;
use crate::places::Places;
use crate::pod::{ContainerAt, Pod};
use crate::selector::Selector;
use crate::text::quoted;

/// What the name of every volume begins with that is added.
const PREFIX: &str = "writable-";

/// The most characters of the part of a name that is to be read. The name of a volume is a DNS label: it has at most 63.
/// Behind this part stand a dash, eight digits and, where that name is taken, two more dashes and numbers.
const READABLE_LENGTH: usize = 40;

/// The suffixes of a size that count whole bytes.
///
/// Source: `Quantity` of `k8s.io/apimachinery/pkg/api/resource`.
const UNITS: [&str; 13] = ["", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const MEDIA: [(&str, Option<&str>); 1] = [("Memory", Some("Memory"))];

/// Every entry of `writablePaths`, in their order.
#[derive(Debug, Default)]
pub struct WritablePaths<'s>(Vec<Entry<'s>>);

#[derive(Debug)]
struct Entry<'s> {
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
    pub fn new(options: &mut Options<'_, 's>) -> Self {
        Self(options.objects("writablePaths", |entry| Some(Entry::new(entry))))
    }

    /// The places that a container writes to and has no mount for, each once.
    #[must_use]
    pub fn lacking(&self, namespace: &str, at: ContainerAt<'_, '_>) -> Vec<WritablePath<'s>> {
        let image = ImageReference::parse(&at.container.image).ok();
        let mut lacking: Vec<WritablePath<'s>> = Vec::new();
        for Entry { selector, paths } in &self.0 {
            if selector.fits(namespace) && selector.matches(Some(&at.container.name), image.as_ref()) {
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

impl<'s> Entry<'s> {
    fn new(options: &mut Options<'_, 's>) -> Self {
        let selector = Selector::new(options);
        options.require("paths", "name the places that are written to");
        options.refuse_empty("paths");
        let path = |path| WritablePath { path, medium: None, size_limit: None };
        let paths = options.objects_or_strings(
            "paths",
            |text| check_path(text).map(|()| path(text)),
            WritablePath::new,
        );
        Self { selector, paths }
    }
}

impl<'s> WritablePath<'s> {
    fn new(options: &mut Options<'_, 's>) -> Option<Self> {
        options.require("path", "name the place that is written to");
        let path = options.string("path", check_path);
        let size_limit = options.string("sizeLimit", check_size);
        let medium = options.one_of("medium", None, &MEDIA);
        Some(Self { path: path?, medium, size_limit })
    }
}

/// Whether a container has a mount at a place or above it.
fn is_mounted(at: ContainerAt<'_, '_>, place: &str) -> bool {
    let mounts = at.container.volume_mounts.iter().map(|mount| &*mount.mount_path);
    let devices = at.container.volume_devices.iter().map(|device| &*device.device_path);
    mounts.chain(devices).any(|mount| at.pod.file_path(mount).holds(place))
}

/// Whether two places of the settings are one.
fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The volumes of a pod, to which others are added.
#[derive(Debug)]
pub struct Volumes<'p> {
    places: Places<'p>,
}

impl<'p> Volumes<'p> {
    /// Those that a pod has.
    #[must_use]
    pub fn of(pod: &'p Pod<'_>) -> Self {
        Self { places: pod.volume_places() }
    }

    /// Another one, for a place that a container writes to. No volume of the pod has its name, which is the same whatever
    /// other containers and places there are.
    pub fn add<'s>(&mut self, at: ContainerAt<'_, '_>, place: WritablePath<'s>) -> AddedVolume<'s> {
        let preferred = preferred_name(&at.container.name, place.path);
        let mut name = preferred.clone();
        let mut attempt = 0;
        // With the container's place in them, no two containers try the same names, whatever they are called.
        while !self.places.add(Cow::Owned(name.clone()), 0) {
            attempt += 1;
            name = format!("{preferred}-{}-{attempt}", at.index);
        }
        AddedVolume { name, place }
    }
}

/// A name that tells a reader what the volume is for, and ends in a number that no other place is likely to have.
fn preferred_name(container: &str, path: &str) -> String {
    let mut name = PREFIX.to_owned();
    for character in container.chars().chain(['/']).chain(path.chars()) {
        if name.len() == READABLE_LENGTH {
            break;
        }
        match character.to_ascii_lowercase() {
            character @ ('a'..='z' | '0'..='9') => name.push(character),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let readable = name.trim_end_matches('-');
    format!("{readable}-{:08x}", hash(container, path))
}

/// FNV-1a, which is the same wherever it is computed.
///
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(container: &str, path: &str) -> u32 {
    let bytes = container.bytes().chain([0]).chain(path.trim_end_matches('/').bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn check_path(path: &str) -> Result<(), String> {
    check_place(path)?;
    if path.contains(['*', ':']) {
        return Err(format!("must be one path, without * and :, not {}", quoted(path)));
    }
    if path == "/" {
        return Err("must not be the root, which stays read-only".to_owned());
    }
    Ok(())
}

/// Refuses what Kubernetes does not take for a number of bytes, or nothing would fit into.
fn check_size(size: &str) -> Result<(), String> {
    let end = size.bytes().position(|byte| byte.is_ascii_alphabetic()).unwrap_or(size.len());
    let (number, unit) = size.split_at_checked(end).unwrap_or_default();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_positive = number.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if is_number && is_positive && UNITS.contains(&unit) {
        return Ok(());
    }
    Err(format!("must be a size such as 64Mi, not {}", quoted(size)))
}

/// A volume that is added for a place.
#[derive(Debug)]
pub struct AddedVolume<'s> {
    /// Its name, which is a DNS label.
    name: String,
    place: WritablePath<'s>,
}

impl AddedVolume<'_> {
    /// The `Volume` in JSON. No part of it holds a character that would have to be escaped.
    #[must_use]
    pub fn volume(&self) -> String {
        let WritablePath { medium, size_limit, .. } = self.place;
        let medium = medium.map(|medium| format!("\"medium\":\"{medium}\""));
        let size_limit = size_limit.map(|size| format!("\"sizeLimit\":\"{size}\""));
        let empty_dir: Vec<_> = [medium, size_limit].into_iter().flatten().collect();
        format!("{{\"name\":\"{}\",\"emptyDir\":{{{}}}}}", self.name, empty_dir.join(","))
    }

    /// The `VolumeMount` of its container in JSON.
    #[must_use]
    pub fn mount(&self) -> String {
        format!("{{\"name\":\"{}\",\"mountPath\":{}}}", self.name, to_json(self.place.path))
    }
}
