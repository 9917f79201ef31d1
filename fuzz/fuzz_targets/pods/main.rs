//! Generated pods in all kinds: the laws of fixing must hold.

#![no_main]
#![expect(clippy::panic, reason = "a violated law is a finding")]

mod model;

use immutable_pods_fuzz::{KNOWN_IMAGE, Registry};
use libfuzzer_sys::fuzz_target;

use crate::model::Review;
use immutable_pods_testing::laws::{Case, check_laws};

fuzz_target!(|review: Review| {
    let case = review.into_case();
    let validate =
        |payload: &[u8]| immutable_pods_fuzz::validate(payload, Registry(Ok(KNOWN_IMAGE))).to_json();
    if let Err(violation) = check_laws(&case, &validate) {
        let Case { request, object, settings } = case;
        panic!("{violation}\nrequest: {request}\nobject: {object}\nsettings: {settings}");
    }
});
