//! The registries that `fix` asks for digests.

use immutable_pods::Policy;

/// Asks registries, if the program can.
pub(super) struct RegistryAccess(
    #[cfg(feature = "registry")] immutable_pods::registry::Registries,
    #[cfg(not(feature = "registry"))] (),
);

#[cfg(feature = "registry")]
impl RegistryAccess {
    /// Prepares the access.
    pub(super) fn open() -> Result<Self, String> {
        immutable_pods::registry::Registries::new().map(Self).map_err(|error| error.to_string())
    }

    /// Returns a policy that asks registries.
    pub(super) fn given_to(&self, policy: &Policy) -> Policy {
        policy.asking(self.0.clone())
    }

    /// Returns why digests are unknown, one line for each image.
    pub(super) fn failures(&self) -> Vec<String> {
        let failures = self.0.failures();
        failures.into_iter().map(|(image, reason)| format!("{image}: no digest: {reason}")).collect()
    }
}

#[cfg(not(feature = "registry"))]
impl RegistryAccess {
    /// Refuses: the program is built without a client.
    pub(super) fn open() -> Result<Self, String> {
        Err("--pin: this program is built without the feature `registry`; pass a recording, or install a program with the \
             feature: `cargo install --locked --path cli`"
            .to_owned())
    }

    /// Returns the policy as it is.
    pub(super) fn given_to(&self, policy: &Policy) -> Policy {
        let Self(()) = self;
        policy.clone()
    }

    /// Returns nothing: nothing was looked up.
    pub(super) fn failures(&self) -> Vec<String> {
        Vec::new()
    }
}
