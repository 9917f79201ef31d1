//! Finds the resources that a cluster serves.

use super::connection::Connection;
use super::selection::Selection;
use crate::input::InputError;

/// A resource of a cluster. The order is the order of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServedResource {
    /// The group; empty for the core group.
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: String,
    pub(super) kind: String,
    pub(super) is_namespaced: bool,
}

impl ServedResource {
    /// Returns the `apiVersion` of the objects.
    pub(super) fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// Returns the name for people, such as `deployments.apps`.
    pub(super) fn name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Returns the URL of the objects.
    pub(super) fn url(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let of = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        format!("{root}/{}{of}/{}", self.api_version(), self.plural)
    }
}

/// Returns the resources in the groups and versions that a selection names, with the preferred version of each group first. A
/// version that cannot be read is an error, and the others follow.
///
/// Resources without objects to create or to list are not among them: no policy evaluates their objects, such as metrics.
pub(super) fn discover(
    connection: &Connection,
    selection: &Selection,
    errors: &mut Vec<InputError>,
) -> Result<Vec<ServedResource>, InputError> {
    let versions = versions(connection)
        .map_err(|error| connection.failed("read the API groups of the cluster", &error))?;
    let mut resources = Vec::new();
    for (group, version) in versions {
        if !selection.names_version(&group, &version) {
            continue;
        }
        match resources_of(connection, &group, &version) {
            Ok(found) => resources.extend(found),
            Err(error) => {
                let request = format!("read the resources of {}", api_version(&group, &version));
                errors.push(connection.failed(&request, &error));
            }
        }
    }
    Ok(resources)
}

/// Returns all groups and their versions, with the preferred version first.
fn versions(connection: &Connection) -> kube::Result<Vec<(String, String)>> {
    let core = connection.discover(async |client| client.list_core_api_versions().await)?;
    let groups = connection.discover(async |client| client.list_api_groups().await)?;
    let mut all: Vec<(String, String)> =
        core.versions.into_iter().map(|version| (String::new(), version)).collect();
    for group in groups.groups {
        let preferred = group.preferred_version.map(|preferred| preferred.version);
        let mut versions: Vec<String> = group.versions.into_iter().map(|version| version.version).collect();
        // The order of the other versions stays.
        versions.sort_by_key(|version| Some(version) != preferred.as_ref());
        all.extend(versions.into_iter().map(|version| (group.name.clone(), version)));
    }
    Ok(all)
}

fn resources_of(connection: &Connection, group: &str, version: &str) -> kube::Result<Vec<ServedResource>> {
    let list = connection.discover(async |client| {
        if group.is_empty() {
            client.list_core_api_resources(version).await
        } else {
            client.list_api_group_resources(&api_version(group, version)).await
        }
    })?;
    let has_objects =
        |verbs: &[String]| ["create", "list"].iter().all(|verb| verbs.iter().any(|v| v == verb));
    Ok(list
        .resources
        .into_iter()
        // A subresource has the name of its resource and a slash.
        .filter(|resource| !resource.name.contains('/') && has_objects(&resource.verbs))
        .map(|resource| ServedResource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: resource.name,
            kind: resource.kind,
            is_namespaced: resource.namespaced,
        })
        .collect())
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
