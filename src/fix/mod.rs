//! How fixes are planned and applied to an object.

pub mod additions;
pub mod apply;
