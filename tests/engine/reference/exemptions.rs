//! Exemptions: the findings that the policy ignores.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::findings::{ResponsibleContainer, ResponsibleContainers};
use super::image_references::{Reference, complete};
use super::patterns::matches_by_segment;
use super::request::Request;

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
    fn covers(&self, request: &Request<'_>, rule: &str, responsible: &ResponsibleContainer) -> bool {
        let user = request.json.get("userInfo").cloned().unwrap_or_default();
        let name = user.get("username").and_then(Value::as_str).unwrap_or_default();
        let groups = user.get("groups").and_then(Value::as_array).cloned().unwrap_or_default();
        let any_group = groups.iter().filter_map(Value::as_str).any(|group| matches_any(&self.groups, group));
        let image = responsible.image.as_deref().unwrap_or_default();
        let is_expired = self.expires.is_some_and(|day| day <= today());
        !is_expired
            && (self.rules.is_empty() || self.rules.iter().any(|named| named == rule))
            && (self.images.is_empty() || self.images.iter().any(|entry| matches_image(entry, image)))
            && (self.containers.is_empty()
                || responsible.name.as_ref().is_some_and(|name| matches_any(&self.containers, name)))
            && (self.namespaces.is_empty() || matches_any(&self.namespaces, request.text("namespace")))
            && (self.users.is_empty() || matches_any(&self.users, name))
            && (self.groups.is_empty() || any_group)
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

fn matches_any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches_by_segment(pattern, text))
}

/// Whether an entry matches an image: any version of the image, one tag without a digest, or one digest.
pub(super) fn matches_image(entry: &str, image: &str) -> bool {
    let Some(image) = Reference::parse(image) else { return false };
    let (entry, digest) = match entry.split_once('@') {
        Some((entry, digest)) => (entry, Some(digest)),
        None => (entry, None),
    };
    let (name, tag) = match entry.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (entry, None),
    };
    let matches_version = match (digest, tag) {
        (Some(digest), _) => image.digest.as_deref() == Some(digest),
        (None, Some(tag)) => {
            let has_tag = image.effective_tag().is_some_and(|own| matches_by_segment(tag, own));
            image.digest.is_none() && has_tag
        }
        (None, None) => true,
    };
    matches_version && matches_by_segment(&complete(name), &image.repository)
}

/// Whether a finding is exempt: exemptions must cover every responsible container, each by any entry.
#[track_caller]
pub(super) fn is_exempt(request: &Request<'_>, rule: &str, responsible: &ResponsibleContainers) -> bool {
    let entries = request.settings.get("exemptions").cloned().unwrap_or_default();
    let entries: Option<Vec<Exemption>> = serde_json::from_value(entries).unwrap();
    let entries = entries.unwrap_or_default();
    responsible
        .all
        .iter()
        .all(|responsible| entries.iter().any(|entry| entry.covers(request, rule, responsible)))
}
