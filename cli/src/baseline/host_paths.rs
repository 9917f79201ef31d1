//! Paths of the node that every pod may read.

use immutable_pods_policy::kubernetes::file_path::FilePath;

/// Directories of a node that contain neither secrets nor sockets nor devices, so that `hostPathVolumes.allowed` can name what is
/// mounted of them. For other paths, the container that mounts them is exempt.
const PUBLIC: [&str; 8] = [
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/ssl/certs",
    "/lib/modules",
    "/sys",
    "/usr",
    "/var/log",
];

/// Returns whether a path is in one of these directories.
pub(super) fn is_public(path: &str) -> bool {
    let at = FilePath::linux(path);
    path.starts_with('/') && PUBLIC.iter().any(|public| at.starts_with(public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_with_secrets_or_sockets_are_not_public() {
        for path in ["/var/log", "/var/log/pods", "/sys/fs/cgroup", "/etc/localtime", "/usr/share/zoneinfo/"]
        {
            assert!(is_public(path), "{path}");
        }
        for path in
            ["/", "/var", "/var/logs", "/run", "/var/run/docker.sock", "/etc", "/usr/../etc", "usr", ""]
        {
            assert!(!is_public(path), "{path}");
        }
    }
}
