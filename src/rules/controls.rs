//! The items of public standards that each rule enforces.
//!
//! Only the generator of `docs/compliance.md` reads them, so the module does not contain them. An item is listed only if a finding
//! of the rule violates it. Some items also need an option: the generator knows which.
//!
//! Sources:
//!
//! - CIS Kubernetes Benchmark v2.0.1, as in `cis_2.0.1_kubernetes.json` of prowler. v1.12 has the same numbers there, and in
//!   `cfg/cis-1.12/policies.yaml` of kube-bench. The framework `cis-v1.12.0` of Kubescape has the numbers of v1.10.
//! - NSA and CISA, Kubernetes Hardening Guidance, version 1.2 of August 2022: the headings of "Kubernetes Pod security", as two
//!   other projects quote them. They were not compared with the guidance itself.
//! - Pod Security Standards of Kubernetes 1.37: the names are those of the documentation, the levels those of
//!   `k8s.io/pod-security-admission`. Its check `procMount_restricted` is "/proc Mount Type" at the level Restricted.
//! - Kubescape: the controls of its regolibrary that read pods. The controls C-0193 to C-0204 have the titles of CIS items, but
//!   read labels of namespaces, so no rule lists them.
//! - MITRE ATT&CK v18.1: the descriptions and mitigations of the techniques. T1548.001, T1574.006 and T1574.007 belong to the
//!   matrix for Linux, the other techniques to the matrix for containers.

use super::RuleId;

/// The items of public standards that a rule enforces.
#[derive(Clone, Copy, Debug)]
pub struct Controls {
    /// Items of the CIS Kubernetes Benchmark.
    pub cis: &'static [&'static str],
    /// Sections of the Kubernetes Hardening Guidance.
    pub nsa_cisa: &'static [&'static str],
    /// Controls of the Pod Security Standards at the level Baseline.
    pub baseline: &'static [&'static str],
    /// Controls of the Pod Security Standards at the level Restricted.
    pub restricted: &'static [&'static str],
    /// Controls of Kubescape.
    pub kubescape: &'static [&'static str],
    /// Techniques of MITRE ATT&CK.
    pub attack: &'static [&'static str],
}

const NONE: Controls =
    Controls { cis: &[], nsa_cisa: &[], baseline: &[], restricted: &[], kubescape: &[], attack: &[] };

const NON_ROOT: &str = "\"Non-root\" containers and \"rootless\" container engines";
const IMMUTABLE: &str = "Immutable container file systems";
const IMAGES: &str = "Building secure container images";
const ENFORCEMENT: &str = "Pod security enforcement";
const HARDENING: &str = "Hardening container environments";

impl RuleId {
    /// Returns the items of public standards that the rule enforces.
    #[must_use]
    #[expect(
        clippy::match_same_arms,
        clippy::too_many_lines,
        reason = "one arm per rule, in the order of the rules"
    )]
    pub fn controls(self) -> Controls {
        match self {
            Self::ReadOnlyRootFilesystem => Controls {
                cis: &["5.6.3"],
                nsa_cisa: &[IMMUTABLE],
                kubescape: &["C-0017", "C-0211"],
                attack: &["T1609", "T1611"],
                ..NONE
            },
            Self::Privileged => Controls {
                cis: &["5.2.2", "5.2.10", "5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["HostProcess", "Privileged Containers"],
                kubescape: &["C-0057", "C-0211"],
                attack: &["T1609", "T1610", "T1611"],
                ..NONE
            },
            Self::AllowPrivilegeEscalation => Controls {
                cis: &["5.2.6", "5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                restricted: &["Privilege Escalation"],
                kubescape: &["C-0016", "C-0211"],
                attack: &["T1548.001"],
                ..NONE
            },
            Self::RunAsNonRoot => Controls {
                cis: &["5.2.7", "5.6.3"],
                nsa_cisa: &[NON_ROOT],
                restricted: &["Running as Non-root", "Running as Non-root user"],
                kubescape: &["C-0013", "C-0211"],
                attack: &["T1609", "T1611"],
                ..NONE
            },
            Self::HostNamespaces => Controls {
                cis: &["5.2.3", "5.2.4", "5.2.5"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["Host Namespaces"],
                kubescape: &["C-0038", "C-0041", "C-0275", "C-0276"],
                attack: &["T1611"],
                ..NONE
            },
            Self::ImageReferenceRule => Controls {
                nsa_cisa: &[IMAGES],
                kubescape: &["C-0075", "C-0078", "C-0306"],
                attack: &["T1204.003", "T1525", "T1610"],
                ..NONE
            },
            Self::ImageChange => Controls { attack: &["T1610"], ..NONE },
            Self::HostPathVolumes => Controls {
                cis: &["5.2.11"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["HostPath Volumes"],
                kubescape: &["C-0045", "C-0048", "C-0074"],
                attack: &["T1611"],
                ..NONE
            },
            Self::WritableMounts => {
                Controls { nsa_cisa: &[IMMUTABLE], attack: &["T1574.006", "T1574.007"], ..NONE }
            }
            Self::Capabilities => Controls {
                cis: &["5.2.8", "5.2.9", "5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["Capabilities"],
                restricted: &["Capabilities"],
                kubescape: &["C-0046", "C-0211"],
                attack: &["T1611"],
            },
            Self::ProcMount => Controls {
                cis: &["5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["/proc Mount Type"],
                restricted: &["/proc Mount Type"],
                kubescape: &["C-0211"],
                attack: &["T1611"],
            },
            // CVE-2022-0811 of CRI-O escaped through a sysctl of the pod.
            Self::Sysctls => Controls {
                cis: &["5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["Sysctls"],
                kubescape: &["C-0211"],
                attack: &["T1611"],
                ..NONE
            },
            Self::EphemeralContainers => Controls { attack: &["T1610"], ..NONE },
            Self::InteractiveAccess => Controls { kubescape: &["C-0002"], attack: &["T1609"], ..NONE },
            Self::ShellRemoval => Controls { attack: &["T1609", "T1611"], ..NONE },
            Self::SharedProcessNamespace => NONE,
            Self::NoexecMounts => Controls { nsa_cisa: &[IMMUTABLE], attack: &["T1548.001"], ..NONE },
            Self::HostPorts => Controls {
                cis: &["5.2.12"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["Host Ports"],
                kubescape: &["C-0044"],
                ..NONE
            },
            Self::WritablePrograms => {
                Controls { nsa_cisa: &[IMMUTABLE], attack: &["T1574.006", "T1574.007"], ..NONE }
            }
            Self::SeccompProfile => Controls {
                cis: &["5.6.2", "5.6.3"],
                nsa_cisa: &[ENFORCEMENT, HARDENING],
                baseline: &["Seccomp"],
                restricted: &["Seccomp"],
                kubescape: &["C-0055", "C-0210", "C-0211"],
                attack: &["T1068", "T1611"],
            },
            Self::AppArmorProfile => Controls {
                cis: &["5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["AppArmor"],
                attack: &["T1609", "T1611"],
                ..NONE
            },
            Self::SeLinuxOptions => Controls {
                cis: &["5.6.3"],
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["SELinux"],
                kubescape: &["C-0211"],
                attack: &["T1609", "T1611"],
                ..NONE
            },
            Self::HostProbes => Controls {
                nsa_cisa: &[ENFORCEMENT],
                baseline: &["Host Probes / Lifecycle Hooks"],
                attack: &["T1046"],
                ..NONE
            },
            Self::VolumeTypes => Controls { nsa_cisa: &[ENFORCEMENT], restricted: &["Volume Types"], ..NONE },
        }
    }
}
