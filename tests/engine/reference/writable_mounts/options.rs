//! The options of `writableMounts`.

use serde::Deserialize;

use crate::reference::file_paths::FilePath;
use crate::reference::mounts::{container_path, is_windows_path};
use crate::reference::request::Pod;

/// The default protected paths.
const PROTECTED: &str = "
    /bin /sbin /lib /lib32 /lib64 /libx32 /usr/bin /usr/sbin /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/local/bin
    /usr/local/sbin /usr/local/lib /etc/passwd /etc/shadow /etc/group /etc/sudoers /etc/ld.so.preload /etc/ld.so.conf
    /etc/ssl /boot /proc /sys /etc/ld.so.cache /etc/ld.so.conf.d /etc/ld-musl-x86_64.path /etc/ld-musl-aarch64.path
    /etc/gconv /etc/alternatives /etc/pam.d /etc/security /etc/sudoers.d /etc/doas.conf /etc/doas.d /etc/nsswitch.conf
    /etc/gshadow /etc/ssh /root/.ssh /etc/login.defs /etc/shells /etc/subuid /etc/subgid /etc/pki
    /usr/local/share/ca-certificates /usr/libx32 /usr/local/lib32 /usr/local/lib64 /usr/local/libexec /etc/profile
    /etc/profile.d /etc/bash.bashrc /etc/crontab /etc/cron.d
";

/// The options of `writableMounts`.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Options {
    protected_paths: Vec<String>,
    additional_protected_paths: Vec<String>,
    allowed_paths: Option<Vec<String>>,
    pub(super) allowed_types: Vec<String>,
    pub(super) live_volumes: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            protected_paths: PROTECTED.split_whitespace().map(str::to_owned).collect(),
            additional_protected_paths: Vec::new(),
            allowed_paths: None,
            allowed_types: ["emptyDir", "persistentVolumeClaim", "ephemeral"].map(str::to_owned).to_vec(),
            live_volumes: "deny".to_owned(),
        }
    }
}

impl Options {
    /// Whether a path in a container is at, above or below a protected path.
    pub(super) fn protects(&self, pod: &Pod, path: &str) -> bool {
        let is_windows = is_windows_path(pod, path);
        let path = container_path(pod, path);
        let mut protected = self.protected_paths.iter().chain(&self.additional_protected_paths);
        protected.any(|protected| path.overlaps(&FilePath::parse(protected, is_windows)))
    }

    /// Whether a path in a container is an allowed path or below one.
    pub(super) fn allows(&self, pod: &Pod, path: &str) -> bool {
        self.allowed_paths.as_ref().is_none_or(|patterns| matches_any(pod, path, patterns))
    }
}

/// Whether a path in a container, or a path above it, matches a pattern.
pub(in crate::reference) fn matches_any(pod: &Pod, path: &str, patterns: &[String]) -> bool {
    let is_windows = is_windows_path(pod, path);
    let path = container_path(pod, path);
    patterns.iter().any(|pattern| path.matches(pattern, is_windows))
}
