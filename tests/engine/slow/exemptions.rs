//! Exemptions: who and what the rules do not count for.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::asked::Asked;
use super::found::{Holder, Holders};
use super::patterns::fits_in_segments;
use super::references::{Reference, complete};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Exemption {
    expires: Option<Date>,
    rules: Vec<String>,
    images: Vec<String>,
    containers: Vec<String>,
    namespaces: Vec<String>,
    users: Vec<String>,
    groups: Vec<String>,
}

impl Exemption {
    fn covers(&self, asked: &Asked<'_>, rule: &str, holder: &Holder) -> bool {
        let user = asked.request.get("userInfo").cloned().unwrap_or_default();
        let name = user.get("username").and_then(Value::as_str).unwrap_or_default();
        let groups = user.get("groups").and_then(Value::as_array).cloned().unwrap_or_default();
        let any_group = groups.iter().filter_map(Value::as_str).any(|group| fits_any(&self.groups, group));
        let image = holder.image.as_deref().unwrap_or_default();
        let is_over = self.expires.is_some_and(|day| day <= today());
        !is_over
            && (self.rules.is_empty() || self.rules.iter().any(|named| named == rule))
            && (self.images.is_empty() || self.images.iter().any(|entry| is_image(entry, image)))
            && (self.containers.is_empty()
                || holder.name.as_ref().is_some_and(|name| fits_any(&self.containers, name)))
            && (self.namespaces.is_empty() || fits_any(&self.namespaces, asked.text("namespace")))
            && (self.users.is_empty() || fits_any(&self.users, name))
            && (self.groups.is_empty() || any_group)
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

fn fits_any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| fits_in_segments(pattern, text))
}

/// Whether an entry means an image: every tag of it, one tag and no digest, or one digest.
fn is_image(entry: &str, image: &str) -> bool {
    let Some(image) = Reference::of(image) else { return false };
    let (entry, digest) = match entry.split_once('@') {
        Some((entry, digest)) => (entry, Some(digest)),
        None => (entry, None),
    };
    let (name, tag) = match entry.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (entry, None),
    };
    let is_right_version = match (digest, tag) {
        (Some(digest), _) => image.digest.as_deref() == Some(digest),
        (None, Some(tag)) => {
            let has_tag = image.effective_tag().is_some_and(|own| fits_in_segments(tag, own));
            image.digest.is_none() && has_tag
        }
        (None, None) => true,
    };
    is_right_version && fits_in_segments(&complete(name), &image.repository)
}

/// Whether a finding is exempt: each of those who answer for it must be, by whichever entry.
#[track_caller]
pub(super) fn are_exempt(asked: &Asked<'_>, rule: &str, holders: &Holders) -> bool {
    let entries = asked.settings.get("exemptions").cloned().unwrap_or_default();
    let entries: Option<Vec<Exemption>> = serde_json::from_value(entries).unwrap();
    let entries = entries.unwrap_or_default();
    holders.all.iter().all(|holder| entries.iter().any(|entry| entry.covers(asked, rule, holder)))
}
