//! `preset`: one word for many settings. The keys beside it override single settings.

/// The key of the setting that names a preset.
pub const KEY: &str = "preset";

/// A set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The baseline level of the Pod Security Standards.
    Baseline,
    /// The restricted level of the Pod Security Standards.
    Restricted,
    /// The defaults of this policy.
    Immutable,
    /// The defaults of this policy and the restricted level of the Pod Security Standards.
    ImmutableRestricted,
}

impl Preset {
    /// Every preset, with its name.
    pub const ALL: &[(&str, Self)] = &[
        ("baseline", Self::Baseline),
        ("restricted", Self::Restricted),
        ("immutable", Self::Immutable),
        ("immutable+restricted", Self::ImmutableRestricted),
    ];

    /// Returns the settings that differ from the defaults, as JSON. Each rule is an object.
    ///
    /// Source of the levels: `policy/check_*.go` in `k8s.io/pod-security-admission`, for Kubernetes 1.37.
    #[must_use]
    pub fn settings(self) -> &'static str {
        match self {
            Self::Baseline => include_str!("presets/baseline.json"),
            Self::Restricted => include_str!("presets/restricted.json"),
            Self::Immutable => "{}",
            Self::ImmutableRestricted => include_str!("presets/immutable+restricted.json"),
        }
    }
}
