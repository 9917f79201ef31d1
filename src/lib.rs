//! A Kubewarden policy that keeps running containers as they were built.
//!
//! The layers, each of which uses only those before it: [`kubernetes`] (the model), [`settings`] (how settings are declared and
//! read), [`rules`], [`evaluation`] and [`fix`], [`admission`] (the way of a request). The waPC guest on top of them is what policy
//! servers call.

pub mod admission;
pub mod evaluation;
pub mod fix;
#[cfg(all(target_family = "wasm", not(feature = "embedded")))]
mod guest;
pub mod kubernetes;
mod raw_object;
pub mod rules;
pub mod settings;
pub mod text;
