//! Any bytes as a payload. The registry answer follows after the last zero byte, if there is one. An answer that begins
//! with `!` is an error.

#![no_main]

use immutable_pods_fuzz::{KNOWN_IMAGE, Registry, validate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.rsplitn(2, |byte| *byte == 0);
    let (last, payload) = (parts.next().unwrap_or_default(), parts.next());
    let answer = if payload.is_some() { last } else { KNOWN_IMAGE };
    let error = answer.strip_prefix(b"!").map(String::from_utf8_lossy);
    let registry = Registry(error.as_deref().map_or(Ok(answer), Err));
    let _ = validate(payload.unwrap_or(last), registry);
});
