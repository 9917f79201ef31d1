//! Compares single rules with single checks of Pod Security Admission: the rows of `docs/migrate/pod-security-admission.md` that say *same*.

use super::agreement::ANSWERED;
use crate::migration::{POD_SECURITY_ADMISSION, only, request, same_rows};
use crate::module::evaluate;

/// The number of pods that each row is compared on.
const PODS: usize = 500;

/// The names of the rows, each with the index of its level and with its checks.
const ROWS: [(&str, usize, &[&str]); 17] = [
    ("host namespaces baseline", 0, &["hostNamespaces"]),
    ("privileged, Windows host processes baseline", 0, &["privileged", "windowsHostProcess"]),
    ("capabilities, baseline baseline", 0, &["capabilities_baseline"]),
    ("hostPath volumes baseline", 0, &["hostPathVolumes"]),
    ("host ports baseline", 0, &["hostPorts"]),
    ("host probes baseline", 0, &["hostProbesAndHostLifecycle"]),
    ("AppArmor baseline", 0, &["appArmorProfile"]),
    ("SELinux baseline", 0, &["seLinuxOptions"]),
    ("procMount baseline", 0, &["procMount"]),
    ("seccomp, baseline baseline", 0, &["seccompProfile_baseline"]),
    ("sysctls baseline", 0, &["sysctls"]),
    ("procMount restricted", 1, &["procMount_restricted"]),
    ("volume types restricted", 1, &["restrictedVolumes"]),
    ("privilege escalation restricted", 1, &["allowPrivilegeEscalation"]),
    ("running as non-root, non-root user restricted", 1, &["runAsNonRoot", "runAsUser"]),
    ("capabilities, restricted restricted", 1, &["capabilities_restricted"]),
    ("seccomp, restricted restricted", 1, &["seccompProfile_restricted"]),
];

#[test]
fn rows_that_say_same_agree_with_single_checks() {
    let rows: Vec<_> = same_rows().into_iter().filter(|row| row.from == POD_SECURITY_ADMISSION).collect();
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ROWS.map(|(name, ..)| name));
    for (row, (name, level, checks)) in rows.iter().zip(ROWS) {
        let settings = only(&row.settings);
        let mut is_denied = [false; 2];
        for (pod, failed) in ANSWERED.iter().take(PODS) {
            let expected = failed[level].iter().any(|check| checks.contains(&check.as_str()));
            let response = evaluate(&request(pod), &settings);
            assert_eq!(!response.accepted, expected, "{name}: {pod}: {:?}", response.message);
            is_denied[usize::from(expected)] = true;
        }
        assert_eq!(is_denied, [true; 2], "{name}: all pods have the same verdict");
    }
}
