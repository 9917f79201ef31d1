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
use super::settings::{self, Lists, exemption, is_mode_set, set_mode, with_entries};
use super::uncovered::{Container, Uncovered, Wanted, uncovered};
use crate::policy::Error;

/// The rules about which the objects of a cluster say nothing: requests of users, a feature gate, and a way to live with a writable
/// root filesystem.
const NOT_IN_OBJECTS: [RuleId; 4] =
    [RuleId::EphemeralContainers, RuleId::InteractiveAccess, RuleId::NoexecMounts, RuleId::ShellRemoval];

/// The search for the settings of some objects.
pub(super) struct Search<'o> {
    objects: &'o [JudgedObject],
    /// The given settings, with the modes that were found.
    settings: Map<String, Value>,
    lists: Lists,
    /// The entries, each with the objects that need it.
    entries: BTreeMap<Entry, BTreeSet<usize>>,
}

impl<'o> Search<'o> {
    /// Begins with the given settings, in which everything that a rule denies is denied.
    pub(super) fn new(given: &Map<String, Value>, objects: &'o [JudgedObject]) -> Self {
        let mut settings = given.clone();
        settings.remove("enforcement");
        Self { objects, settings, lists: Lists::Given, entries: BTreeMap::new() }
    }

    /// Lets every rule deny whose mode is not given and that nothing violates, and returns these rules. Also returns the other ones,
    /// each with the number of objects that it would deny.
    pub(super) fn let_rules_deny(&mut self) -> (Vec<&'static str>, BTreeMap<&'static str, usize>) {
        let modes = settings::modes(&self.settings);
        let is_open = |id: &&'static str| {
            !matches!(modes.get(id), Some(Mode::Deny | Mode::Fix)) && !is_mode_set(&self.settings, id)
        };
        let rules = RuleId::ALL.iter().filter(|rule| !NOT_IN_OBJECTS.contains(rule));
        let open: Vec<_> = rules.map(|rule| rule.meta().id).filter(is_open).collect();
        let given = self.settings.clone();
        set_modes(&mut self.settings, &open);
        let mut not_yet = BTreeMap::new();
        for (_, found) in self.judge(Wanted::AfterFixes) {
            let violated: BTreeSet<_> = found.iter().map(|finding| finding.rule).collect();
            for rule in violated.into_iter().filter(|rule| open.contains(rule)) {
                *not_yet.entry(rule).or_insert(0) += 1;
            }
        }
        let denying: Vec<_> = open.into_iter().filter(|id| !not_yet.contains_key(id)).collect();
        self.settings = given;
        set_modes(&mut self.settings, &denying);
        (denying, not_yet)
    }

    /// Adds an entry for everything that is denied.
    pub(super) fn add_entries(&mut self) -> Result<(), Error> {
        self.add(Wanted::AfterFixes, host_path);
        self.lists = Lists::Strict;
        let base = self.settings.clone();
        self.add(Wanted::AfterFixes, |object, finding| path_or_repository(&base, object, finding));
        self.add(Wanted::AfterFixes, |_, finding| exempt(finding));
        // A fix can fail.
        if !self.denied()?.is_empty() {
            self.add(Wanted::All, |_, finding| exempt(finding));
        }
        Ok(())
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

    /// Returns the objects that are denied.
    fn denied(&self) -> Result<Vec<usize>, Error> {
        let settings = settings::json(&self.with_all_entries());
        let mut denied = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            if !object.validate(&settings)?.accepted {
                denied.push(index);
            }
        }
        Ok(denied)
    }

    fn with_all_entries(&self) -> Map<String, Value> {
        let exemptions = self.exempts().map(|(exempt, _)| exemption(exempt)).collect();
        with_entries(&self.settings, self.entries.keys(), exemptions, self.lists)
    }

    fn exempts(&self) -> impl Iterator<Item = (&Exempt, &BTreeSet<usize>)> {
        self.entries.iter().filter_map(|(entry, needed_by)| match entry {
            Entry::Exemption(exempt) => Some((exempt, needed_by)),
            _ => None,
        })
    }

    /// Removes every entry without which nothing more is denied. Objects that are denied anyway do not count.
    pub(super) fn remove_superfluous(&mut self) -> Result<(), Error> {
        let denied: BTreeSet<_> = self.denied()?.into_iter().collect();
        for entry in self.entries.keys().cloned().collect::<Vec<_>>() {
            let Some(needed_by) = self.entries.remove(&entry) else { continue };
            if self.is_needed(needed_by.difference(&denied))? {
                self.entries.insert(entry, needed_by);
            }
        }
        Ok(())
    }

    /// Returns whether one of these objects is denied without an entry that was removed.
    fn is_needed<'i>(&self, objects: impl Iterator<Item = &'i usize>) -> Result<bool, Error> {
        for index in objects {
            let Some(object) = self.objects.get(*index) else { continue };
            // Exemptions of other namespaces cannot cover it.
            let is_relevant =
                |exempt: &Exempt| exempt.namespace.is_none() || exempt.namespace == object.subject.namespace;
            let exempts = self.exempts().filter(|(exempt, _)| is_relevant(exempt));
            let exemptions = exempts.map(|(exempt, _)| exemption(exempt)).collect();
            let settings = with_entries(&self.settings, self.entries.keys(), exemptions, self.lists);
            if !object.validate(&settings::json(&settings))?.accepted {
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
        with_entries(&self.settings, self.entries.keys(), exemptions, Lists::Final)
    }
}

fn set_modes(settings: &mut Map<String, Value>, rules: &[&str]) {
    for rule in rules {
        set_mode(settings, rule, "deny");
    }
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
fn path_or_repository(given: &Map<String, Value>, object: &JudgedObject, finding: &Uncovered) -> Vec<Entry> {
    if finding.rule == RuleId::WritableMounts.meta().id {
        let path = object.text_at(&finding.path).map(|path| normalized(&path));
        let entry = path.filter(|path| is_literal(path)).map(Entry::WritablePath);
        let can_be_allowed = |entry: &Entry| {
            settings::are_valid(&with_entries(given, [entry].into_iter(), vec![], Lists::Final))
        };
        return entry.filter(can_be_allowed).into_iter().collect();
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
