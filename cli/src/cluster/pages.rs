//! Lists the objects of resources, page by page.

use std::sync::Arc;
use std::vec;

use kube::core::params::ListParams;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::connection::Connection;
use super::discovery::ServedResource;
use super::failure::next_token;
use crate::input::InputError;
use crate::manifest::Manifest;

/// Maximum number of objects in memory.
const MAX_PAGE: u32 = 500;

/// The objects of several resources. A resource that cannot be listed is one error.
pub(super) struct Objects {
    connection: Arc<Connection>,
    namespace: Option<String>,
    resources: vec::IntoIter<ServedResource>,
    /// The page after the current one.
    next: Option<NextPage>,
    /// The rest of the current page.
    page: vec::IntoIter<Map<String, Value>>,
    kind: String,
    api_version: String,
}

/// A page to request.
struct NextPage {
    resource: ServedResource,
    /// The token of the page before; nothing for the first page.
    token: Option<String>,
    /// Whether the token comes from an error.
    is_resumed: bool,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    /// Go programs write an empty list as null.
    items: Option<Vec<Map<String, Value>>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

impl Objects {
    /// Lists resources in all namespaces, or in one.
    pub(super) fn new(
        connection: Arc<Connection>,
        resources: Vec<ServedResource>,
        namespace: Option<&str>,
    ) -> Self {
        Self {
            connection,
            namespace: namespace.map(str::to_owned),
            resources: resources.into_iter(),
            next: None,
            page: Vec::new().into_iter(),
            kind: String::new(),
            api_version: String::new(),
        }
    }

    /// Requests the next page of the current resource, or the first page of the next resource. Returns nothing after the last
    /// page.
    fn turn(&mut self) -> Option<Result<(), InputError>> {
        let next = match self.next.take() {
            Some(next) => next,
            None => NextPage { resource: self.resources.next()?, token: None, is_resumed: false },
        };
        Some(match self.request(next.token.as_deref(), &next.resource) {
            Ok(page) => {
                self.add(page, next.resource);
                Ok(())
            }
            Err(error) => self.resume(&error, next),
        })
    }

    fn request(&self, token: Option<&str>, resource: &ServedResource) -> kube::Result<Page> {
        let mut params = ListParams::default().limit(MAX_PAGE);
        params.continue_token = token.map(str::to_owned);
        let url = resource.url(self.namespace.as_deref());
        self.connection.list(&url, &params)
    }

    fn add(&mut self, page: Page, resource: ServedResource) {
        self.page = page.items.unwrap_or_default().into_iter();
        self.kind.clone_from(&resource.kind);
        self.api_version = resource.api_version();
        let token = page.metadata.token.filter(|token| !token.is_empty());
        self.next = token.map(|token| NextPage { resource, token: Some(token), is_resumed: false });
    }

    /// Continues a list that expired, because the evaluation of its pages took minutes. The other pages may contain later changes.
    fn resume(&mut self, error: &kube::Error, failed: NextPage) -> Result<(), InputError> {
        match next_token(error) {
            Some(token) if !failed.is_resumed => {
                self.next = Some(NextPage { token: Some(token.to_owned()), is_resumed: true, ..failed });
                Ok(())
            }
            _ => {
                let rest = if failed.token.is_some() { "the rest of " } else { "" };
                Err(self.connection.failed(&format!("list {rest}{}", failed.resource.name()), error))
            }
        }
    }

    /// Returns the manifest of an object. Lists omit the kind of their items.
    fn manifest(&self, mut object: Map<String, Value>) -> Manifest {
        object.entry("kind").or_insert_with(|| self.kind.clone().into());
        object.entry("apiVersion").or_insert_with(|| self.api_version.clone().into());
        Manifest::without_file(self.connection.source(), object)
    }
}

impl Iterator for Objects {
    type Item = Result<Manifest, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(object) = self.page.next() {
                return Some(Ok(self.manifest(object)));
            }
            if let Err(error) = self.turn()? {
                return Some(Err(error));
            }
        }
    }
}
