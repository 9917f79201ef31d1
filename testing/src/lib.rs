//! Code that the tests, benchmarks and fuzz targets of the policy share.

pub mod cases;
