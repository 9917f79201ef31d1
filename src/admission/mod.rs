//! Admission review: a request is read, evaluated, fixed and answered.

mod fixing;
pub mod payload;
pub mod request;
pub mod response;
pub mod review;
