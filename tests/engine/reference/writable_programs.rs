//! `writablePrograms`

use super::findings::Findings;
use super::request::Request;
use super::rule::ReferenceRule;

/// `writablePrograms`
pub(super) const RULE: ReferenceRule =
    ReferenceRule { is_on_by_default: true, ..ReferenceRule::new("writablePrograms", findings) };

/// Not implemented yet.
fn findings(_request: &Request<'_>) -> Findings {
    Findings::default()
}
