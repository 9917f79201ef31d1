//! Reads YAML and JSON like kubectl, and keeps the position of every value.
//!
//! kubectl splits a file into documents ([`split`]), and each document is read by Go's `sigs.k8s.io/yaml`. What that library reads
//! differently from YAML 1.2 is in [`scalar`], [`compose`] and [`indicators`].

mod binary;
mod compose;
mod failure;
mod indent;
mod indicators;
mod json_tree;
mod key;
mod locate;
mod merge;
mod node;
mod origin;
mod scalar;
pub(crate) mod split;
mod surrogates;
mod tags;
pub(crate) mod typed;

pub(crate) use locate::Step;
pub(crate) use origin::{Origin, Syntax, json_error};
