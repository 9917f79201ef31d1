//! The places in the file system of a container where something is mounted.

use std::cmp::Ordering;

use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::pod::{ContainerAt, Pod};

/// What is mounted at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountPoint {
    /// The volume of a mount, given by its index in `volumeMounts`.
    Volume(usize),
    /// The file for the termination message, which is writable.
    TerminationMessage,
    /// `/dev/shm`, which is writable.
    SharedMemory,
}

/// The places where something is mounted in a container.
#[derive(Debug)]
pub struct MountPoints<'p> {
    pod: &'p Pod<'p>,
    /// The normalized paths in the order of their segments. Of equal paths, the last one counts.
    sorted: Vec<(FilePath<'p>, MountPoint)>,
    /// The positions of the working directory and of all directories above it, from the root; empty if it is not set.
    working_dir: Vec<Position>,
}

/// A directory, by the paths in `sorted` that are at the directory or below it.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    start: usize,
    end: usize,
    /// The length of the directory's path.
    length: usize,
    /// What is mounted at the directory, or nearest above it.
    mount: Option<MountPoint>,
}

impl<'p> MountPoints<'p> {
    /// Returns the places in a container.
    #[must_use]
    pub fn of(container: ContainerAt<'p, 'p>) -> Self {
        let ContainerAt { pod, container, .. } = container;
        let mut sorted = Vec::new();
        if !pod.is_windows() {
            sorted.push((FilePath::linux("/dev/shm"), MountPoint::SharedMemory));
        }
        let mounts = container.volume_mounts.iter().enumerate();
        sorted.extend(
            mounts.map(|(index, mount)| (pod.file_path(&mount.mount_path), MountPoint::Volume(index))),
        );
        let message = match &*container.termination_message_path {
            "" => "/dev/termination-log",
            path => path,
        };
        sorted.push((pod.file_path(message), MountPoint::TerminationMessage));
        sorted.sort_by(|(one, _), (other, _)| one.cmp_segments(other));
        let mut points = Self { pod, sorted, working_dir: Vec::new() };
        if !container.working_dir.is_empty() {
            let working_dir = pod.file_path(&container.working_dir);
            let root = points.root();
            points.working_dir = vec![root];
            points.working_dir.extend(points.walk_from(&[root], &mut working_dir.segments()).0);
        }
        points
    }

    /// Returns what is mounted at a path or nearest above it. A relative path begins at the working directory.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<MountPoint> {
        if is_absolute(self.pod, path) {
            return self.walk_to(&[self.root()], &mut self.pod.file_path(path).segments());
        }
        if self.pod.is_windows() {
            let path = path.replace('\\', "/").to_ascii_lowercase();
            return self.walk_to(&self.working_dir, &mut path.split('/'));
        }
        self.walk_to(&self.working_dir, &mut path.split('/'))
    }

    fn walk_to(&self, from: &[Position], segments: &mut dyn Iterator<Item = &str>) -> Option<MountPoint> {
        let (below, kept) = self.walk_from(from, segments);
        below.last().or(from.get(..kept)?.last())?.mount
    }

    /// Returns the positions on the way from a directory, and how many of its own positions are still above.
    fn walk_from(
        &self,
        from: &[Position],
        segments: &mut dyn Iterator<Item = &str>,
    ) -> (Vec<Position>, usize) {
        let (mut below, mut kept) = (Vec::new(), from.len());
        for segment in segments {
            match segment {
                "" | "." => {}
                ".." => kept -= usize::from(below.pop().is_none() && kept > 1),
                _ => {
                    let above = below.last().or(from.get(..kept).and_then(<[_]>::last));
                    below.push(self.step(above.copied().unwrap_or_default(), segment));
                }
            }
        }
        (below, kept)
    }

    fn root(&self) -> Position {
        self.position(0, self.sorted.len(), 0, None)
    }

    fn step(&self, above: Position, segment: &str) -> Position {
        let paths = self.sorted.get(above.start..above.end).unwrap_or_default();
        // The next segment of a path; paths that end at the directory come first.
        let next = |path: &FilePath<'_>| -> Option<Ordering> {
            Some(path.as_str().get(above.length + 1..)?.split('/').next()?.cmp(segment))
        };
        let before = paths.partition_point(|(path, _)| next(path).is_none_or(Ordering::is_lt));
        let until = paths.partition_point(|(path, _)| next(path).is_none_or(Ordering::is_le));
        let length = above.length + 1 + segment.len();
        self.position(above.start + before, above.start + until, length, above.mount)
    }

    fn position(&self, start: usize, end: usize, length: usize, above: Option<MountPoint>) -> Position {
        let paths = self.sorted.get(start..end).unwrap_or_default();
        let own = paths.iter().take_while(|(path, _)| path.as_str().len() == length);
        let mount = own.last().map(|(_, mount)| *mount).or(above);
        Position { start, end, length, mount }
    }
}

/// Returns whether a path in a container of a pod begins at the root or at a drive.
#[must_use]
pub fn is_absolute(pod: &Pod<'_>, path: &str) -> bool {
    let may_be_windows = pod.is_windows() || pod.spec.os.name.is_empty();
    path.starts_with('/') || may_be_windows && matches!(path.as_bytes(), [b'\\', ..] | [_, b':', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn find(spec: &str, path: &str) -> Option<MountPoint> {
        let pod =
            json_view::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        MountPoints::of(pod.all_containers().next().unwrap()).find(path)
    }

    #[test]
    fn the_nearest_mount_above_a_path_is_found() {
        let spec = r#"{"containers": [{"workingDir": "/data/app", "terminationMessagePath": "data/log", "volumeMounts": [
            {"mountPath": "/data"}, {"mountPath": "/data/a//b/"}, {"mountPath": "/data/a-b"}, {"mountPath": "/dev/shm/x"}]}]}"#;
        for (path, expected) in [
            ("/data", Some(MountPoint::Volume(0))),
            ("/data/a", Some(MountPoint::Volume(0))),
            ("/data/a/b", Some(MountPoint::Volume(1))),
            ("/data/a/b/c", Some(MountPoint::Volume(1))),
            ("/data/a/bc", Some(MountPoint::Volume(0))),
            ("/data/a-b", Some(MountPoint::Volume(2))),
            ("/data/a/../a-b/.", Some(MountPoint::Volume(2))),
            ("/data/log", Some(MountPoint::TerminationMessage)),
            ("/data2", None),
            ("/", None),
            ("/dev/shm", Some(MountPoint::SharedMemory)),
            ("/dev/shm/x", Some(MountPoint::Volume(3))),
            ("", Some(MountPoint::Volume(0))),
            ("x", Some(MountPoint::Volume(0))),
            ("../a/b/x", Some(MountPoint::Volume(1))),
            ("x/../../a-b", Some(MountPoint::Volume(2))),
            ("../../x", None),
            ("../../../../data", Some(MountPoint::Volume(0))),
        ] {
            assert_eq!(find(spec, path), expected, "{path}");
        }
    }

    #[test]
    fn a_mount_at_the_root_contains_every_path() {
        let spec = r#"{"containers": [{"volumeMounts": [{"mountPath": "/data"}, {"mountPath": "/"}]}]}"#;
        assert_eq!(find(spec, "/"), Some(MountPoint::Volume(1)));
        assert_eq!(find(spec, "/x"), Some(MountPoint::Volume(1)));
        assert_eq!(find(spec, "/data/x"), Some(MountPoint::Volume(0)));
        assert_eq!(find(spec, "x"), None);
    }

    #[test]
    fn windows_paths_ignore_case() {
        let spec = r#"{"os": {"name": "windows"}, "containers": [{"workingDir": "c:\\app",
            "volumeMounts": [{"mountPath": "C:\\Data"}]}]}"#;
        for path in [r"c:\DATA\x", "/data", r"..\data"] {
            assert_eq!(find(spec, path), Some(MountPoint::Volume(0)), "{path}");
        }
        assert_eq!(find(spec, r"D:\data"), None);
        assert_eq!(find(spec, "/dev/shm"), None);
    }
}
