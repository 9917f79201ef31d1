//! From rules to a verdict: which findings count, what registries say, and how a response reads.

mod baseline;
pub mod evaluate;
pub mod exemptions;
pub mod registry;
pub mod report;
