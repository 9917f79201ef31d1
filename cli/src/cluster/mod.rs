//! Reads the objects of a running cluster. Every request is a GET: nothing in the cluster changes.

mod connection;
mod discovery;
mod failure;
#[cfg(test)]
mod fake_server;
mod kubeconfig;
mod namespaces;
mod pages;
mod proxy;
mod selection;

use std::sync::Arc;

use crate::evaluator::Evaluator;
use crate::input::InputError;
use crate::manifest::Manifest;
use connection::Connection;
use pages::Objects;
use selection::Selection;

/// The cluster to read, and the part of the cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// The context of the kubeconfig; the current context if unset.
    pub context: Option<String>,
    /// The only namespace to read; all namespaces and the objects without a namespace if unset.
    pub namespace: Option<String>,
}

/// Reads the objects that the policies of an evaluator evaluate, like the audit scanner. Sets in the evaluator what the cluster
/// says about namespaces and resources.
///
/// Bare settings evaluate the resources of the rules in `metadata.yml`. A policy evaluates the resources that its rules name. A
/// wildcard names all resources of custom kinds, but of the groups of Kubernetes only the resources with pods: Secrets,
/// `ConfigMaps`, Events, Leases, nodes, roles and all others are read only if a rule contains their name.
///
/// A request that fails is an error between the objects. The objects have the order of their groups, versions and resources, and
/// in a resource the order of the API server. One page of a list is in memory at a time.
///
/// # Errors
///
/// If the cluster is not reachable, or if the namespace does not exist.
pub fn read(
    options: &ClusterOptions,
    evaluator: &mut Evaluator,
) -> Result<impl Iterator<Item = Result<Manifest, InputError>> + Send + use<>, InputError> {
    let connection = Arc::new(Connection::open(options.context.as_deref())?);
    read_from(&connection, options.namespace.as_deref(), evaluator)
}

fn read_from(
    connection: &Arc<Connection>,
    namespace: Option<&str>,
    evaluator: &mut Evaluator,
) -> Result<impl Iterator<Item = Result<Manifest, InputError>> + Send + use<>, InputError> {
    let selection = Selection::of(evaluator.policies());
    let cluster = evaluator.cluster_mut();
    cluster.is_audit = true;
    let mut errors = Vec::new();
    if let Some(namespace) = namespace {
        namespaces::add_one(connection, namespace, &mut cluster.namespaces)?;
    } else if selection.has_registrations() {
        errors.extend(namespaces::add_all(connection, &mut cluster.namespaces));
    }
    let served = discovery::discover(connection, &selection, &mut errors)?;
    let mut selected = selection.select(&served);
    selected.retain(|resource| namespace.is_none() || resource.is_namespaced);
    for resource in &selected {
        cluster.resources.add(&resource.group, &resource.kind, &resource.plural, resource.is_namespaced);
    }
    let objects = Objects::new(Arc::clone(connection), selected, namespace);
    Ok(errors.into_iter().map(Err).chain(objects))
}

#[cfg(test)]
mod tests;
