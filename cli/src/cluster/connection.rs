//! Sends requests to the API server of a cluster.

use std::time::Duration;

use kube::Client;
use kube::config::Config;
use kube::core::Request;
use kube::core::params::{GetParams, ListParams};
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use super::failure::reason;
use super::kubeconfig;
use crate::input::{InputError, Problem, Source};

/// Time after which a request without a response fails.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// A connection to a cluster. Each request blocks its thread.
pub(super) struct Connection {
    name: String,
    runtime: Runtime,
    client: Client,
}

impl Connection {
    /// Connects to the cluster of a context, or of the current context, or to the cluster in which the program runs.
    pub(super) fn open(context: Option<&str>) -> Result<Self, InputError> {
        let at = || Source::cluster(context.unwrap_or(kubeconfig::IN_CLUSTER));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| InputError::new(at(), Problem::Read(error)))?;
        let (name, config) = runtime
            .block_on(kubeconfig::load(context))
            .map_err(|message| InputError::new(at(), Problem::Cluster(message)))?;
        Self::new(name, runtime, config)
    }

    pub(super) fn new(name: String, runtime: Runtime, mut config: Config) -> Result<Self, InputError> {
        config.read_timeout = Some(READ_TIMEOUT);
        // Time in which the program evaluates a page does not count.
        config.reset_reader_on_write = true;
        let client = {
            // The client starts a task.
            let _guard = runtime.enter();
            Client::try_from(config)
        };
        match client {
            Ok(client) => Ok(Self { name, runtime, client }),
            Err(error) => Err(InputError::new(
                Source::cluster(name),
                Problem::Cluster(format!("cannot connect: {}", reason(&error))),
            )),
        }
    }

    /// Gets an object.
    pub(super) fn get<T: DeserializeOwned>(&self, url: &str, name: &str) -> kube::Result<T> {
        let request =
            Request::new(url).get(name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
        self.runtime.block_on(self.client.request(request))
    }

    /// Gets a page of a list.
    pub(super) fn list<T: DeserializeOwned>(&self, url: &str, params: &ListParams) -> kube::Result<T> {
        let request = Request::new(url).list(params).map_err(kube::Error::BuildRequest)?;
        self.runtime.block_on(self.client.request(request))
    }

    /// Waits for a request for the groups and resources of the cluster.
    pub(super) fn discover<T>(
        &self,
        request: impl AsyncFnOnce(&Client) -> kube::Result<T>,
    ) -> kube::Result<T> {
        self.runtime.block_on(request(&self.client))
    }

    /// Returns the cluster as the source of an object.
    pub(super) fn source(&self) -> Source {
        Source::cluster(&self.name)
    }

    /// Returns the error for a request, such as `list pods`, that failed.
    pub(super) fn failed(&self, request: &str, error: &kube::Error) -> InputError {
        self.problem(format!("cannot {request}: {}", reason(error)))
    }

    /// Returns an error of the cluster.
    pub(super) fn problem(&self, message: String) -> InputError {
        InputError::new(self.source(), Problem::Cluster(message))
    }
}
