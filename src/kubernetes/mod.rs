//! The model: Kubernetes objects as far as rules read them, and the grammars of paths and image references. It contains no policy.

pub mod connect;
pub mod container;
pub mod discovery;
pub mod environment;
pub mod field_path;
pub mod file_path;
pub mod image_reference;
pub mod metadata;
pub mod mount_points;
pub mod name_index;
pub(crate) mod object;
pub mod operation;
pub mod pod;
pub mod pod_status;
pub mod quantity;
pub mod shared_volumes;
pub mod unread;
pub(crate) mod unreadable;
pub mod volume;
pub mod workload;
