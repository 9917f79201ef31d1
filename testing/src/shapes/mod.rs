//! Large requests that an attacker could send to consume time or memory. Each request has a shape, and a size in bytes.

mod builders;
mod fixes;
mod long_values;
mod objects;
mod programs;
mod settings;
mod updates;

use std::sync::LazyLock;

use immutable_pods_policy::rules::RULES;
use immutable_pods_policy::settings::mode::Mode;
use serde_json::Value;

/// A way to fill a request.
pub struct Shape {
    /// The repeated part.
    pub name: &'static str,
    /// Maximum size of the repeated part, in bytes: the limit of policy servers, or the item limit of the policy.
    pub most: usize,
    /// Returns the payload with a repeated part of a size, without the bytes around the part and in the settings.
    pub payload: fn(usize) -> String,
}

/// Shapes that once took seconds or hundreds of megabytes, because every finding repeated a long string. Their bounds are
/// stricter.
pub const REPEATING: [&str; 6] = [
    "findings about one long image, an exemption by image",
    "findings about one long name, an exemption by container",
    "an update of mounts of a long host path",
    "an update that pins images, by a long status",
    "an update that loses digests, in mode fix",
    "volumes that are mounted again",
];

/// Slightly less than the limit of policy servers: two megabytes.
const FULL: usize = 2_000_000;

/// Maximum number of evaluated items of an object, without a few other items. For the longest paths in this file, the maximum
/// is a sixth of this.
const ITEMS: usize = 49_000;

/// Number of entries in long lists of the settings.
const ENTRIES: usize = 1_000;

const POD: &str = r#"{"group": "", "version": "v1", "kind": "Pod"}"#;
const FLEET: &str = r#"{"group": "example.com", "version": "v1", "kind": "Fleet"}"#;

/// Settings that turn every rule on.
static EVERY_RULE: LazyLock<String> = LazyLock::new(|| {
    let off = RULES.iter().filter(|rule| rule.default_mode == Mode::Off);
    off.map(|rule| (rule.id, "deny")).collect::<Value>().to_string()
});
const EVERY_FIX: &str = r#"{"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix", "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run", "/tmp"]}]}"#;

/// A container of three bytes with its comma, which violates every rule for unset fields.
const NOTHING: &str = "{}";

/// Returns all shapes.
pub fn all() -> impl Iterator<Item = &'static Shape> {
    [objects::SHAPES, programs::SHAPES, long_values::SHAPES, updates::SHAPES, fixes::SHAPES, settings::SHAPES]
        .into_iter()
        .flatten()
}
