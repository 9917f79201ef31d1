//! Admission review: a request is read, evaluated, fixed and answered.

pub mod request;
pub mod response;
pub mod review;
