//! Volumes that several mounts share, and which container can change what another container reads.
//!
//! Volumes with the same content are one volume here: the volumes of one claim, and all host paths, which are parts of the node's
//! file system.

use crate::kubernetes::container::{ContainerList, VolumeMount};
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::kubernetes::volume::Volume;

/// Maximum number of mounts of one volume that are compared with each other. Of more mounts, each counts as the whole volume, and
/// all containers as running at the same time.
const MAX_COMPARED_MOUNTS: usize = 128;

/// Maximum length of a host path or a `subPath` in bytes. A longer one cannot be mounted, and counts as the whole volume.
///
/// Source: `PATH_MAX` of Linux.
const MAX_PART_LENGTH: usize = 4096;

/// What the mounts of a shared volume have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The name of a volume.
    Volume,
    /// A claim.
    Claim,
    /// The file system of the node.
    HostPath,
}

/// What one mount can change of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'w> {
    /// All of it.
    Everything,
    /// Any of it, if a link connects the two.
    ByLink,
    /// What appears below it at this path, which begins with a slash.
    Below(&'w str),
}

/// The volumes of a pod that are mounted.
#[derive(Debug, Default)]
pub struct SharedVolumes<'p> {
    list: Vec<SharedVolume<'p>>,
    /// The indices in `list` by volume name.
    by_name: NameIndex<'p>,
    /// The indices in `list` by claim name.
    by_claim: NameIndex<'p>,
    /// The index of the file system of the node.
    host_paths: Option<usize>,
}

/// A volume with all of its mounts.
#[derive(Debug)]
pub struct SharedVolume<'p> {
    /// What the mounts have in common.
    pub origin: Origin,
    /// The mounts, in the order of the containers.
    pub mounts: Vec<SharedMount<'p>>,
}

/// A mount of a shared volume.
#[derive(Debug)]
pub struct SharedMount<'p> {
    /// The container with the mount.
    pub container: ContainerAt<'p, 'p>,
    /// The index in `volumeMounts`.
    pub index: usize,
    /// The mount itself.
    pub mount: &'p VolumeMount<'p>,
    /// Whether the container can write to the volume.
    pub can_write: bool,
    volume: Option<&'p Volume<'p>>,
    /// The part of the volume, as a normalized path; empty for the whole volume.
    part: String,
    /// Whether a directory above the part is mounted writable. A link to any other part may be left in the directory.
    may_be_link: bool,
}

impl<'p> SharedVolumes<'p> {
    /// Returns the volumes of a pod that are mounted.
    #[must_use]
    pub fn of(pod: &'p Pod<'p>) -> Self {
        let mut shared = Self::default();
        let volumes = pod.volumes_by_name();
        for container in pod.all_containers() {
            for (index, mount) in container.container.volume_mounts.iter().enumerate() {
                let volume = volumes.get(&mount.name).and_then(|index| pod.spec.volumes.get(index));
                // A volume that the pod spec does not contain comes from a claim template.
                let is_writable = volume.is_none_or(|volume| volume.writable_types().next().is_some());
                let can_write = is_writable && !mount.read_only;
                let (part, may_be_link) = (String::new(), false);
                let mount = SharedMount { container, index, mount, can_write, volume, part, may_be_link };
                let place = shared.place_of(pod, &mount);
                if let Some(volume) = shared.list.get_mut(place) {
                    volume.mounts.push(mount);
                }
            }
        }
        for volume in &mut shared.list {
            volume.read_parts(pod);
        }
        shared
    }

    /// Returns the volumes that several mounts share and that a container can write to.
    pub fn written(&self) -> impl Iterator<Item = &SharedVolume<'p>> {
        self.list.iter().filter(|volume| volume.mounts.len() > 1 && volume.is_written())
    }

    /// Returns the volume of a mount, given by its container and its index, and the mount.
    #[must_use]
    pub fn find(
        &self,
        container: ContainerAt<'_, '_>,
        index: usize,
    ) -> Option<(&SharedVolume<'p>, &SharedMount<'p>)> {
        let name = &container.container.volume_mounts.get(index)?.name;
        let volume = self.list.get(self.by_name.get(name)?)?;
        let position = |container: &ContainerAt<'_, '_>, index| (container.list, container.index, index);
        let wanted = position(&container, index);
        let place =
            volume.mounts.binary_search_by_key(&wanted, |mount| position(&mount.container, mount.index));
        Some((volume, volume.mounts.get(place.ok()?)?))
    }

    /// Returns the index of the volume of a mount, which is added if it is new.
    fn place_of(&mut self, pod: &Pod<'_>, mount: &SharedMount<'p>) -> usize {
        let name: &'p str = &mount.mount.name;
        if let Some(place) = self.by_name.get(name) {
            return place;
        }
        let new = self.list.len();
        let (origin, place) = if let Some(claim) = mount.volume.and_then(|volume| claim_of(pod, volume)) {
            (Origin::Claim, self.by_claim.add(claim.into(), new))
        } else if mount.volume.is_some_and(|volume| volume.source("hostPath").is_some()) {
            (Origin::HostPath, *self.host_paths.get_or_insert(new))
        } else {
            (Origin::Volume, new)
        };
        self.by_name.add(name.into(), place);
        if place == new {
            self.list.push(SharedVolume { origin, mounts: Vec::new() });
        }
        place
    }
}

impl<'p> SharedVolume<'p> {
    /// Returns whether mounts are compared with each other. Otherwise each counts as the whole volume.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.mounts.len() <= MAX_COMPARED_MOUNTS
    }

    fn is_written(&self) -> bool {
        self.mounts.iter().any(|mount| mount.can_write)
    }

    /// Returns the mounts that can change the content of a mount while its container runs. If mounts are not compared, it is the
    /// first mount that can write.
    pub fn writers_of<'v>(
        &'v self,
        reader: &'v SharedMount<'p>,
    ) -> impl Iterator<Item = &'v SharedMount<'p>> {
        let writers = self.mounts.iter().filter(|writer| self.can_change(writer, reader));
        writers.take(if self.is_compared() { usize::MAX } else { 1 })
    }

    /// Returns whether a mount can change the content of another mount while the container of that mount runs.
    #[must_use]
    pub fn can_change(&self, writer: &SharedMount<'_>, reader: &SharedMount<'_>) -> bool {
        self.change(writer, reader).is_some()
    }

    /// Returns what a mount can change of another mount while the container of that mount runs, if anything.
    #[must_use]
    pub fn change<'w>(&self, writer: &'w SharedMount<'_>, reader: &SharedMount<'_>) -> Option<Change<'w>> {
        if !writer.can_write {
            return None;
        }
        if !self.is_compared() {
            return Some(Change::Everything);
        }
        if !runs_beside(writer.container, reader.container) {
            return None;
        }
        if contains(&writer.part, &reader.part) {
            Some(Change::Everything)
        } else if self.may_be_linked(writer, reader) {
            Some(Change::ByLink)
        } else if contains(&reader.part, &writer.part) {
            writer.part.get(reader.part.len()..).map(Change::Below)
        } else {
            None
        }
    }

    /// Returns whether a link may connect two mounts. Host paths are too far apart, unless they are in one volume of the pod.
    fn may_be_linked(&self, one: &SharedMount<'_>, other: &SharedMount<'_>) -> bool {
        (one.may_be_link || other.may_be_link) && self.may_share_links(one, other)
    }

    fn may_share_links(&self, one: &SharedMount<'_>, other: &SharedMount<'_>) -> bool {
        self.origin != Origin::HostPath || *one.mount.name == *other.mount.name
    }

    fn read_parts(&mut self, pod: &Pod<'_>) {
        if !self.is_compared() || !self.is_written() {
            return;
        }
        for mount in &mut self.mounts {
            mount.part = mount.normalized_part(pod);
        }
        let is_below_writable = |mount: &SharedMount<'_>| {
            let rest = |other: &SharedMount<'_>| {
                mount.part.strip_prefix(&*other.part).map(|rest| rest.starts_with('/'))
            };
            let is_above = |other: &SharedMount<'_>| other.can_write && rest(other) == Some(true);
            self.mounts.iter().any(|other| is_above(other) && self.may_share_links(mount, other))
        };
        let may_be_links: Vec<_> = self.mounts.iter().map(is_below_writable).collect();
        for (mount, may_be_link) in self.mounts.iter_mut().zip(may_be_links) {
            mount.may_be_link = may_be_link;
        }
    }
}

impl SharedMount<'_> {
    /// Returns the part of the volume that is mounted, as a normalized path; empty for the whole volume.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Returns the type of the volume; empty for an empty directory without a type and for a claim template.
    #[must_use]
    pub fn volume_type(&self) -> &str {
        self.volume.and_then(|volume| volume.sources.first()).map_or("", |source| &*source.kind)
    }

    fn normalized_part(&self, pod: &Pod<'_>) -> String {
        let host_path =
            self.volume.and_then(|volume| volume.source("hostPath")).map_or("", |source| &*source.path);
        let mut part = normalized(pod, host_path);
        // The value of an expression is not known.
        if self.mount.sub_path_expr.is_empty() {
            part += &normalized(pod, &self.mount.sub_path);
        }
        // `/var/run` is a link to `/run`.
        if !host_path.is_empty() && contains("/var/run", &part) {
            part.drain(.."/var".len());
        }
        part
    }
}

/// Returns the claim of a volume. The name of an ephemeral volume's claim contains the name of the pod, which a template does not
/// have.
fn claim_of(pod: &Pod<'_>, volume: &Volume<'_>) -> Option<String> {
    if let Some(claim) = volume.source("persistentVolumeClaim") {
        return Some((&claim.claim_name).into());
    }
    volume.source("ephemeral")?;
    let pod_name = pod.name().filter(|name| !name.is_empty())?;
    Some(format!("{}-{}", &*pod_name, &*volume.name))
}

/// Returns a path without `.`, `..` and `//`; empty if it is the root or may lead to another place.
fn normalized(pod: &Pod<'_>, path: &str) -> String {
    if path.len() > MAX_PART_LENGTH {
        return String::new();
    }
    let path = pod.file_path(path);
    if path.is_ambiguous() { String::new() } else { path.as_str().to_owned() }
}

/// Returns whether a normalized path is another one or a parent of it.
fn contains(path: &str, other: &str) -> bool {
    other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns whether a container runs while another one does. An init container runs alone, except for the sidecars before it. All
/// others run while any container does, because init containers run again with a new sandbox of the pod.
#[must_use]
pub fn runs_beside(container: ContainerAt<'_, '_>, other: ContainerAt<'_, '_>) -> bool {
    if container.list != ContainerList::Init || container.container.is_sidecar() {
        return true;
    }
    let is_earlier_sidecar = || other.container.is_sidecar() && other.index < container.index;
    other.list == ContainerList::Init && (other.index == container.index || is_earlier_sidecar())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the pairs of mounts, by `mountPath`, of which the first can change the second.
    fn pairs(spec: &str) -> Vec<String> {
        let pod =
            json_view::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let shared = SharedVolumes::of(&pod);
        let mut pairs = Vec::new();
        for volume in &shared.list {
            for reader in &volume.mounts {
                let writers = volume
                    .writers_of(reader)
                    .filter(|writer| writer.mount.mount_path != *reader.mount.mount_path);
                pairs
                    .extend(writers.map(|writer| {
                        format!("{}>{}", &*writer.mount.mount_path, &*reader.mount.mount_path)
                    }));
            }
        }
        pairs
    }

    fn mounts(mounts: &str) -> String {
        format!(r#"{{"containers": [{{"volumeMounts": [{mounts}]}}], "volumes": [{{"name": "v"}}]}}"#)
    }

    #[test]
    fn parts_are_compared_by_segment() {
        for (first, second, touches) in [
            ("a", "a", true),
            ("a", "./a//", true),
            ("a", "a/b", true),
            ("a/b", "a", true),
            ("", "a", true),
            (".", "a", true),
            ("a", "ab", false),
            ("a/b", "a/c", false),
        ] {
            let pod = mounts(&format!(
                r#"{{"name": "v", "mountPath": "w", "subPath": "{first}"}},
                {{"name": "v", "mountPath": "r", "subPath": "{second}", "readOnly": true}}"#
            ));
            assert_eq!(pairs(&pod).len(), usize::from(touches), "{first} {second}");
        }
    }

    #[test]
    fn a_writable_directory_above_a_part_may_contain_a_link() {
        let pod = |above: &str, read_only: bool| {
            mounts(&format!(
                r#"{{"name": "v", "mountPath": "w", "subPath": "x/w"}},
                {{"name": "v", "mountPath": "r", "subPath": "y/r", "readOnly": true}},
                {{"name": "v", "mountPath": "above", "subPath": "{above}", "readOnly": {read_only}}}"#
            ))
        };
        for (above, read_only, expected) in [
            ("x", false, true),
            ("y", false, true),
            ("z", false, false),
            ("x", true, false),
            ("", false, true),
        ] {
            assert_eq!(pairs(&pod(above, read_only)).contains(&"w>r".to_owned()), expected, "{above}");
        }
    }

    #[test]
    fn many_mounts_count_as_the_whole_volume() {
        let many: Vec<_> = (0..130)
            .map(|number| format!(r#"{{"name": "v", "mountPath": "{number}", "subPath": "{number}"}}"#))
            .collect();
        assert_eq!(pairs(&mounts(&many[..128].join(","))), [""; 0]);
        assert_eq!(pairs(&mounts(&many.join(","))).len(), 129);
    }

    #[test]
    fn an_init_container_runs_alone_except_for_sidecars_before_it() {
        let pod = r#"{"initContainers": [{"name": "a", "restartPolicy": "Always"}, {"name": "b"}, {"name": "c"},
            {"name": "d", "restartPolicy": "Always"}], "containers": [{"name": "e"}]}"#;
        let pod =
            json_view::read_with(pod.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let beside = |name: &str| -> String {
            let container = pod.all_containers().find(|at| &*at.container.name == name).unwrap();
            let others = pod.all_containers().filter(|other| runs_beside(container, *other));
            others.map(|other| other.container.name.to_string()).collect()
        };
        assert_eq!(["a", "b", "c", "d", "e"].map(beside), ["abcde", "ab", "ac", "abcde", "abcde"]);
    }
}
