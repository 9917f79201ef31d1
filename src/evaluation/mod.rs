//! Evaluation: runs rules, decides which findings count, queries registries, and writes messages.

mod baseline;
pub mod evaluate;
pub mod exemptions;
mod pending;
pub mod registry;
pub mod report;
