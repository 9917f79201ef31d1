//! The file that the kubelet mounts for the termination message.

use super::WritableMounts;
use crate::kubernetes::pod::ContainerAt;
use crate::rules::finding::Findings;
use crate::rules::fingerprint::Fingerprint;
use crate::text::quoted;

/// The path that API servers set by default. It lies in a directory that is writable in every container.
const DEFAULT_PATH: &str = "/dev/termination-log";

impl WritableMounts<'_> {
    /// Checks the path of the termination message, a file of mode 0666 that is writable even if the root filesystem is read-only.
    pub(super) fn check_termination_message<'p>(
        &self,
        container: ContainerAt<'p, 'p>,
        findings: &mut Findings<'p>,
    ) {
        let path = &*container.container.termination_message_path;
        if path.is_empty() || path == DEFAULT_PATH {
            return;
        }
        let at = container.pod.file_path(path);
        if at.as_str() == DEFAULT_PATH && !at.is_ambiguous() {
            return;
        }
        if let Some(reason) = self.path_violation(&at) {
            findings
                .at(container, "terminationMessagePath")
                .message(format!("must not write its termination message to {}: {reason}", quoted(path)))
                .shared_value(Fingerprint::of(path.as_bytes()));
        }
    }
}
