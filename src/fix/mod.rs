//! How fixes are applied to an object.

pub mod additions;
pub mod apply;
