//! Writes a proposal as YAML for the settings, with comments.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::proposal::Proposal;
use crate::printable::one_line;

impl Proposal {
    /// Returns the setting `writablePaths` with the paths. A comment after each path says why a container writes there.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        if self.paths.is_empty() {
            return "writablePaths: []\n".to_owned();
        }
        let mut yaml = "writablePaths:\n".to_owned();
        if self.images.is_empty() {
            yaml.push_str(
                "# Add `images` or `containers`: without them, every container gets the paths.\n- paths:\n",
            );
        } else {
            let images: Vec<_> = self.images.iter().map(|image| scalar(image)).collect();
            let _ = writeln!(yaml, "- images: [{}]\n  paths:", images.join(", "));
        }
        for path in &self.paths {
            let _ = writeln!(yaml, "  - {} # {}", scalar(&path.path), one_line(&path.to_string()));
        }
        yaml
    }
}

/// Returns a string as YAML, in quotes if it is not obviously a string.
fn scalar(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let begins_plain = text.bytes().next().is_some_and(|byte| byte == b'/' || byte.is_ascii_lowercase());
    if begins_plain
        && text.bytes().all(is_plain)
        && !matches!(text, "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null")
    {
        return text.into();
    }
    serde_json::Value::from(text).to_string().into()
}
