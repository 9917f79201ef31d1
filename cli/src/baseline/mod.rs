//! Proposes the narrowest settings under which everything that exists now is admitted.
//!
//! Rules that nothing violates deny. For the others, what exists now becomes entries: exemptions of a container in a namespace,
//! paths and repositories. An entry without which nothing more is denied is left out.

mod entry;
mod exemptions;
mod host_paths;
mod object;
mod ordered;
mod owners;
mod relevance;
mod search;
mod settings;
mod uncovered;
mod yaml;

use std::collections::BTreeMap;

use immutable_pods_policy::settings::date::Date;
use serde_json::{Map, Value};

pub use object::JudgedObject;
pub use yaml::to_yaml;

use crate::policy::Error;
use search::Search;

/// The day on which exemptions expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry(String);

impl Expiry {
    /// Parses a day such as `2027-06-30`.
    ///
    /// # Errors
    ///
    /// If there is no such day, a sentence about it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Date::parse(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err("expected a day such as 2027-06-30".to_owned()),
        }
    }

    /// Returns the day as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Proposed settings.
#[derive(Debug)]
pub struct Proposal {
    /// The settings.
    pub settings: Map<String, Value>,
    /// The number of objects with pods or with a request about pods.
    pub objects: usize,
    /// The number of objects among them that another one controls, such as the pods of a Deployment.
    pub controlled: usize,
    /// The rules that deny from now on, which the given settings do not set to a mode.
    pub new_denials: Vec<&'static str>,
    /// The rules that do not deny yet, each with the number of objects that it would deny.
    pub not_yet: BTreeMap<&'static str, usize>,
    /// What the settings cannot admit: the object and the reason.
    pub denied: Vec<(String, String)>,
}

/// Proposes settings for objects. Everything in the given settings is kept, but `enforcement`, which is `deny`.
///
/// # Errors
///
/// If the policy has no verdict.
pub fn propose(
    given: &Map<String, Value>,
    objects: &[JudgedObject],
    expiry: &Expiry,
) -> Result<Proposal, Error> {
    let mut search = Search::new(given, objects);
    let (new_denials, not_yet) = search.let_rules_deny();
    search.add_entries()?;
    let relevance = search.relevance();
    search.remove_superfluous(&relevance)?;
    let settings = search.finish(expiry);
    let denied = search.denied(&relevance)?.into_iter();
    let denied = denied.filter_map(|(index, reason)| Some((objects.get(index)?.place(), reason))).collect();
    let controlled = owners::count_controlled(objects);
    Ok(Proposal { settings, objects: objects.len(), controlled, new_denials, not_yet, denied })
}

#[cfg(test)]
mod tests;
