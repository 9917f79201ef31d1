//! Code that the tests, benchmarks and fuzz targets of the policy share.

#[cfg(feature = "cases")]
pub mod cases;
pub mod laws;
#[cfg(feature = "modules")]
pub mod module;
#[cfg(feature = "cases")]
pub mod performance;
#[cfg(feature = "cases")]
pub mod requests;
pub mod shapes;
#[cfg(feature = "modules")]
pub mod wasmtime;
