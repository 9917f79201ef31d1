//! Evaluation: runs the rules, decides which findings count, asks registries, and writes messages.

mod baseline;
pub mod evaluate;
pub mod exemptions;
mod pending;
pub mod registry;
pub mod report;
