//! Evaluates Kubernetes manifests with the policy, outside of a cluster.
//!
//! A manifest becomes the admission request that an API server would send. The rules are linked into the program, or come from a
//! module of the policy in an interpreter: see [`engine`].
//!
//! ```no_run
//! use immutable_pods::manifest::ReadOptions;
//! use immutable_pods::{Policy, manifest};
//! use serde_json::Value;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::linked();
//! for manifest in manifest::read(&["pod.yaml".into()], &ReadOptions::default()) {
//!     let response = policy.validate(&manifest?.into_request(), &Value::Null)?;
//!     println!("{}", response.accepted);
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(target_family = "wasm", expect(dead_code, reason = "only the writer of fixes uses it"))]

pub mod admission;
pub mod admission_request;
pub mod admission_response;
pub mod baseline;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod comparison;
pub mod controller;
pub mod diff;
pub mod document;
pub mod engine;
pub mod evaluation;
pub mod evaluator;
pub mod finding;
#[cfg(not(target_family = "wasm"))]
pub mod fixing;
pub mod input;
pub mod interactions;
pub mod manifest;
mod pinning;
pub mod pipeline;
pub mod policies;
pub mod policy;
pub mod printable;
#[cfg(feature = "registry")]
pub mod registry;
pub mod report;
pub mod resources;
#[cfg(not(target_family = "wasm"))]
pub mod rewrite;
pub mod rules;
pub mod schemas;
pub mod settings;
pub mod writable_paths;
mod yaml;

pub use interactions::Interactions;
pub use policy::{Policy, SettingsValidationResponse, ValidationResponse};

/// The name of the program.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The address of the repository.
pub const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The address of the documentation.
pub const SITE: &str = env!("CARGO_PKG_HOMEPAGE");
