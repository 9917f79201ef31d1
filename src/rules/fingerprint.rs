//! Fingerprints by which findings are compared: sixteen bytes for values of any length.

use std::hash::{DefaultHasher, Hasher};

/// A fingerprint of a text.
///
/// A fingerprint consists of two hashes of 64 bits. Finding two texts with the same fingerprint takes about 2^64 attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint([u64; 2]);

impl Fingerprint {
    /// Returns the fingerprint of a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self::of_parts(&[text])
    }

    /// Returns the fingerprint of several texts, which depends on their order.
    #[must_use]
    #[inline(never)]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        Self([1, 2].map(|seed| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u8(seed);
            for part in parts {
                // The length distinguishes lists whose parts end at different positions.
                hasher.write_usize(part.len());
                hasher.write(part);
            }
            hasher.finish()
        }))
    }

    /// Returns the fingerprint as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let [first, second] = self.0.map(u64::to_le_bytes);
        let mut bytes = [0; 16];
        for (byte, hash) in bytes.iter_mut().zip(first.iter().chain(&second)) {
            *byte = *hash;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_have_different_fingerprints() {
        let of = |parts: &[&str]| {
            Fingerprint::of_parts(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        for other in [&["ab", ""][..], &["", "ab"], &["a", "B"], &["a"], &["a", "b", ""], &["b", "a"]] {
            assert_ne!(of(&["a", "b"]), of(other), "{other:?}");
        }
        assert_eq!(Fingerprint::of(b"a"), of(&["a"]));
    }

    #[test]
    fn its_two_halves_are_independent() {
        let bytes = Fingerprint::of(b"a").to_bytes();
        assert_ne!(bytes[..8], bytes[8..]);
    }
}
