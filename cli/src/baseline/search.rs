//! Searches for the entries that are needed.

use std::collections::{BTreeMap, BTreeSet};

use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::rules::policy_settings::PolicySettings;
use immutable_pods_policy::settings::mode::Mode;
use immutable_pods_policy::settings::path_pattern::check_path;
use immutable_pods_policy::settings::value::SettingsDocument;
use serde_json::{Map, Value, json};

use super::Expiry;
use super::entry::{Entry, Exempt, repository};
use super::exemptions::{Joined, join};
use super::host_paths::is_public;
use super::object::{JudgedObject, first_of};
use super::owners::owners;
use super::relevance::Relevance;
use super::settings::{self, Draft, Lists, exemption, is_mode_set, set_mode, with_entries};
use super::uncovered::{Container, Uncovered, Wanted, uncovered};
use crate::policy::{Error, ValidationResponse};

/// The rules about which the objects of a cluster say nothing: requests of users, a feature gate, and a way to live with a writable
/// root filesystem.
const NOT_IN_OBJECTS: [RuleId; 4] =
    [RuleId::EphemeralContainers, RuleId::InteractiveAccess, RuleId::NoexecMounts, RuleId::ShellRemoval];

/// The search for the settings of some objects.
pub(super) struct Search<'o> {
    objects: &'o [JudgedObject],
    /// The given settings, with the modes that were found.
    draft: Draft,
    lists: Lists,
    /// The entries, each with the objects that need it.
    entries: BTreeMap<Entry, BTreeSet<usize>>,
}

impl<'o> Search<'o> {
    /// Begins with the given settings, in which everything that a rule denies is denied.
    pub(super) fn new(given: &Map<String, Value>, objects: &'o [JudgedObject]) -> Self {
        let mut settings = given.clone();
        settings.remove("enforcement");
        Self { objects, draft: Draft::new(settings), lists: Lists::Given, entries: BTreeMap::new() }
    }

    /// Lets every rule deny whose mode is not given and that nothing violates, and returns these rules. Also returns the other ones,
    /// each with the number of objects that it would deny.
    pub(super) fn let_rules_deny(&mut self) -> (Vec<&'static str>, BTreeMap<&'static str, usize>) {
        let given = self.draft.settings.clone();
        let modes = settings::modes(&given);
        let is_open = |id: &&'static str| {
            !matches!(modes.get(id), Some(Mode::Deny | Mode::Fix)) && !is_mode_set(&given, id)
        };
        let rules = RuleId::ALL.iter().filter(|rule| !NOT_IN_OBJECTS.contains(rule));
        let open: Vec<_> = rules.map(|rule| rule.meta().id).filter(is_open).collect();
        self.draft = Draft::new(with_denials(&given, &open));
        let mut not_yet = BTreeMap::new();
        for (_, found) in self.judge(Wanted::AfterFixes) {
            let violated: BTreeSet<_> = found.iter().map(|finding| finding.rule).collect();
            for rule in violated.into_iter().filter(|rule| open.contains(rule)) {
                *not_yet.entry(rule).or_insert(0) += 1;
            }
        }
        let denying: Vec<_> = open.into_iter().filter(|id| !not_yet.contains_key(id)).collect();
        self.draft = Draft::new(with_denials(&given, &denying));
        (denying, not_yet)
    }

    /// Adds an entry for everything that is denied.
    pub(super) fn add_entries(&mut self) -> Result<(), Error> {
        self.add(Wanted::AfterFixes, host_path);
        self.lists = Lists::Strict;
        self.add(Wanted::AfterFixes, path_or_repository);
        self.remove_refused_paths();
        self.add(Wanted::AfterFixes, |_, finding| exempt(finding));
        // A fix can fail.
        if !self.denied(&self.relevance())?.is_empty() {
            self.add(Wanted::All, |_, finding| exempt(finding));
        }
        Ok(())
    }

    /// Removes the paths that settings refuse because they are protected.
    fn remove_refused_paths(&mut self) {
        let draft = &self.draft;
        self.entries.retain(|entry, _| match entry {
            Entry::WritablePath(_) => {
                settings::are_valid(&with_entries(draft, [entry].into_iter(), Vec::new(), Lists::Final))
            }
            _ => true,
        });
    }

    /// Adds the entries that a function returns for a finding.
    fn add(&mut self, wanted: Wanted, entries_for: impl Fn(&JudgedObject, &Uncovered) -> Vec<Entry>) {
        for (index, found) in self.judge(wanted) {
            let Some(object) = self.objects.get(index) else { continue };
            for entry in found.iter().flat_map(|finding| entries_for(object, finding)) {
                self.entries.entry(entry).or_default().insert(index);
            }
        }
    }

    /// Returns the findings that deny, for each object that has some.
    fn judge(&self, wanted: Wanted) -> Vec<(usize, Vec<Uncovered>)> {
        let json = settings::json(&self.with_all_entries());
        let Ok(document) = SettingsDocument::parse(&json) else { return Vec::new() };
        let Ok(settings) = PolicySettings::read(&document) else { return Vec::new() };
        let found = |(index, object): (usize, &JudgedObject)| {
            (index, uncovered(&object.payload(b"{}"), &settings, wanted))
        };
        let found = self.objects.iter().enumerate().map(found);
        found.filter(|(_, found)| !found.is_empty()).collect()
    }

    /// Returns which entries can matter for which object. After entries are removed, it is still valid.
    pub(super) fn relevance(&self) -> Relevance {
        Relevance::of(&self.entries)
    }

    /// Returns the objects that are denied, each with the reason.
    pub(super) fn denied(&self, relevance: &Relevance) -> Result<BTreeMap<usize, String>, Error> {
        let mut denied = BTreeMap::new();
        for (index, object) in self.objects.iter().enumerate() {
            let response = self.validate(index, object, relevance)?;
            if !response.accepted {
                denied.insert(index, response.message.unwrap_or_default());
            }
        }
        Ok(denied)
    }

    /// Returns the verdict on an object. The settings contain only what matters for it, because each verdict reads all of them.
    fn validate(
        &self,
        index: usize,
        object: &JudgedObject,
        relevance: &Relevance,
    ) -> Result<ValidationResponse, Error> {
        let relevant = relevance.entries_for(index, object.subject.namespace.as_deref());
        let left: Vec<_> = relevant.into_iter().filter(|entry| self.entries.contains_key(entry)).collect();
        let exemptions = left.iter().filter_map(Entry::exempt).map(exemption).collect();
        let settings = with_entries(&self.draft, left.iter(), exemptions, self.lists);
        object.validate(&settings::json(&settings))
    }

    fn with_all_entries(&self) -> Map<String, Value> {
        let exemptions = self.exempts().map(|(exempt, _)| exemption(exempt)).collect();
        with_entries(&self.draft, self.entries.keys(), exemptions, self.lists)
    }

    fn exempts(&self) -> impl Iterator<Item = (&Exempt, &BTreeSet<usize>)> {
        self.entries.iter().filter_map(|(entry, needed_by)| Some((entry.exempt()?, needed_by)))
    }

    /// Removes every entry without which nothing more is denied. Objects that are denied anyway do not count.
    ///
    /// An entry that covers another one, such as a directory above a path, is tried before it.
    pub(super) fn remove_superfluous(&mut self, relevance: &Relevance) -> Result<(), Error> {
        let denied = self.denied(relevance)?;
        for entry in self.entries.keys().cloned().collect::<Vec<_>>() {
            let Some(needed_by) = self.entries.remove(&entry) else { continue };
            let admitted = needed_by.iter().filter(|index| !denied.contains_key(index));
            if self.is_one_denied(admitted, relevance)? {
                self.entries.insert(entry, needed_by);
            }
        }
        Ok(())
    }

    fn is_one_denied<'i>(
        &self,
        objects: impl Iterator<Item = &'i usize>,
        relevance: &Relevance,
    ) -> Result<bool, Error> {
        for index in objects {
            let Some(object) = self.objects.get(*index) else { continue };
            if !self.validate(*index, object, relevance)?.accepted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the settings with all entries, in which exemptions are joined and have a reason.
    pub(super) fn finish(&self, expiry: &Expiry) -> Map<String, Value> {
        let owners = owners(self.objects);
        let exemption = |joined: Joined| {
            let needed_by: BTreeSet<_> = joined
                .needed_by
                .iter()
                .filter_map(|index| owners.get(*index))
                .map(ToString::to_string)
                .collect();
            let mut exemption = json!({
                "reason": format!("needed when the policy came: {}", first_of(needed_by.iter())),
                "expires": expiry.as_str(),
            });
            let Joined { images, containers, namespaces, rules, .. } = joined;
            for (key, values) in
                [("rules", rules), ("images", images), ("containers", containers), ("namespaces", namespaces)]
            {
                if let (false, Value::Object(exemption)) = (values.is_empty(), &mut exemption) {
                    exemption.insert(key.to_owned(), json!(values));
                }
            }
            exemption
        };
        let exemptions = join(self.exempts()).into_iter().map(exemption).collect();
        with_entries(&self.draft, self.entries.keys(), exemptions, Lists::Final)
    }
}

/// Returns settings in which rules deny.
fn with_denials(settings: &Map<String, Value>, rules: &[&str]) -> Map<String, Value> {
    let mut settings = settings.clone();
    for rule in rules {
        set_mode(&mut settings, rule, "deny");
    }
    settings
}

/// Returns the entry for a volume with a path that all pods may read.
fn host_path(object: &JudgedObject, finding: &Uncovered) -> Vec<Entry> {
    if finding.rule != RuleId::HostPathVolumes.meta().id || !finding.path.ends_with(".hostPath.path") {
        return Vec::new();
    }
    let path = object.text_at(&finding.path).map(|path| normalized(&path));
    path.filter(|path| is_public(path) && is_literal(path)).map(Entry::HostPath).into_iter().collect()
}

/// Returns the entries for a path or an image that the lists of the settings do not contain.
fn path_or_repository(object: &JudgedObject, finding: &Uncovered) -> Vec<Entry> {
    if finding.rule == RuleId::WritableMounts.meta().id {
        let path = object.text_at(&finding.path).map(|path| normalized(&path));
        return path.filter(|path| is_literal(path)).map(Entry::WritablePath).into_iter().collect();
    }
    if finding.rule == RuleId::ImageReferenceRule.meta().id {
        let images = finding.containers.iter().filter_map(|container| container.image.as_deref());
        return images.filter_map(repository).map(Entry::Repository).collect();
    }
    Vec::new()
}

/// Returns the exemptions for a finding.
fn exempt(finding: &Uncovered) -> Vec<Entry> {
    let exempt = |container: &Container| {
        let (name, image) = (container.name.as_deref(), container.image.as_deref());
        Exempt::of(finding.rule, &finding.namespace, name, image)
    };
    finding.containers.iter().filter_map(exempt).map(Entry::Exemption).collect()
}

/// Returns a path without `.` and superfluous slashes, as settings write it. Others stay as they are.
fn normalized(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty() && *segment != ".").collect();
    format!("/{}", segments.join("/"))
}

/// Returns whether settings can name a path. A star would match other paths too.
fn is_literal(path: &str) -> bool {
    check_path(path).is_ok() && !path.contains('*')
}
