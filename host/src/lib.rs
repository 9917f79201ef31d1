//! Judges Kubernetes manifests with a Kubewarden policy, outside of a cluster.
//!
//! The policy module runs in the engine that Kubewarden's policy-server embeds, and it is
//! asked in the same words: a manifest becomes the admission request an API server would
//! have sent.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use immutable_pods_host::{Policy, manifest};
//! use serde_json::Value;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::from_file(Path::new("policy.wasm"))?;
//! for manifest in manifest::read(Path::new("pod.yaml")) {
//!     let response = policy.validate(&manifest?.into_request(), &Value::Null)?;
//!     println!("{}", response.accepted);
//! }
//! # Ok(())
//! # }
//! ```

pub mod admission;
pub mod admission_request;
pub mod admission_response;
pub mod diff;
pub mod document;
pub mod input;
pub mod interactions;
pub mod manifest;
pub mod policy;
pub mod printable;
pub mod registration;
pub mod report;
pub mod settings;

pub use interactions::Interactions;
pub use policy::{Policy, SettingsValidationResponse, ValidationResponse};
