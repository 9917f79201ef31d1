//! The model: Kubernetes objects as far as rules read them, and the grammars of what stands in them. No policy.

pub mod connect;
pub mod discovery;
pub mod field_path;
pub mod file_path;
pub mod image_reference;
pub mod metadata;
pub mod name_index;
pub mod operation;
pub mod pod;
pub mod pod_status;
pub mod volume;
pub mod workload;
