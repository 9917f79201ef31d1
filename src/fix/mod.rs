//! How fixes are planned and applied to an object.

pub mod apply;
mod lazy_value;
pub mod plan;
mod volumes;
