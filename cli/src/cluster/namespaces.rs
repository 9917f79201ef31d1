//! Looks up the labels of namespaces, which `namespaceSelector` needs.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::connection::Connection;
use super::discovery::ServedResource;
use super::failure::is_not_found;
use super::pages::Objects;
use crate::input::InputError;
use crate::manifest::Content;
use crate::policies::namespaces::Namespaces;

/// The URL of all namespaces.
const NAMESPACES: &str = "/api/v1/namespaces";

/// Adds one namespace, which must exist: without it, a wrong name would pass every check.
pub(super) fn add_one(
    connection: &Connection,
    name: &str,
    namespaces: &mut Namespaces,
) -> Result<(), InputError> {
    let namespace: Map<String, Value> = connection.get(NAMESPACES, name).map_err(|error| {
        if is_not_found(&error) {
            return connection.problem(format!("namespace {name} does not exist"));
        }
        connection.failed(&format!("get namespace {name}"), &error)
    })?;
    namespaces.add(&namespace);
    Ok(())
}

/// Adds all namespaces, and returns what cannot be read.
pub(super) fn add_all(connection: &Arc<Connection>, namespaces: &mut Namespaces) -> Vec<InputError> {
    let resource = ServedResource {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "namespaces".to_owned(),
        kind: "Namespace".to_owned(),
        is_namespaced: false,
    };
    let mut errors = Vec::new();
    for namespace in Objects::new(Arc::clone(connection), vec![resource], None) {
        match namespace.map(|manifest| manifest.content) {
            Ok(Content::Object(namespace)) => {
                namespaces.add(&namespace);
            }
            Ok(Content::Request(_)) => {}
            Err(error) => errors.push(error),
        }
    }
    errors
}
