//! Quantities of bytes, such as `64Mi`.

/// The suffixes of a size that count whole bytes.
///
/// Source: `Quantity` of `k8s.io/apimachinery/pkg/api/resource`.
const UNITS: [&str; 13] = ["", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Returns whether a text is a positive number of bytes: digits with at most one dot, and a unit.
#[must_use]
pub fn is_size(text: &str) -> bool {
    UNITS.iter().any(|unit| text.strip_suffix(unit).is_some_and(is_positive))
}

/// Returns whether a number in digits, with at most one dot between them, is above zero.
fn is_positive(number: &str) -> bool {
    let mut parts = number.splitn(2, '.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// Returns the size in billionths of a byte, which are the smallest part of a quantity. Returns nothing for other texts, and for
/// sizes that are too large.
#[must_use]
pub fn billionths(size: &str) -> Option<u128> {
    let digits = size.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = size.get(digits.len()..)?;
    let exponent = |units: &str| units.bytes().position(|letter| unit.as_bytes().first() == Some(&letter));
    let factor = match (unit.len(), exponent(" KMGTPE"), exponent(" kMGTPE")) {
        (0, ..) => 1,
        (2, Some(exponent), _) => 1024_u128.checked_pow(exponent.try_into().ok()?)?,
        (1, _, Some(exponent)) => 1000_u128.checked_pow(exponent.try_into().ok()?)?,
        _ => return None,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = 10_u128.checked_pow(9_u32.checked_sub(fraction.len().try_into().ok()?)?)?;
    let number: u128 = [whole, fraction].concat().parse().ok()?;
    number.checked_mul(scale)?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_as_numbers_of_bytes() {
        for (one, other) in
            [("1Gi", "1024Mi"), ("0.5Gi", "512Mi"), ("1k", "1000"), ("1.5M", "1500k"), ("1Ki", "1024")]
        {
            assert_eq!(billionths(one), billionths(other), "{one}");
            assert!(billionths(one).is_some(), "{one}");
        }
        assert_ne!(billionths("1M"), billionths("1Mi"));
        assert_ne!(billionths("1E"), billionths("1P"));
        for strange in ["", "Gi", "1Xi", "1K", "1.0000000001", "1e3", "99999999999999999999999999E"] {
            assert_eq!(billionths(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_size_is_a_number_of_bytes() {
        for size in ["1", "64Mi", "1.5Gi", "0.5k", "2E", "1024"] {
            assert!(is_size(size), "{size}");
        }
        for size in [
            "", "0", "0.0Mi", "-1", "+1", "1.", ".5Gi", "1.2.3", "64mi", "64 Mi", "64MiB", "1e3", "100m",
            "é", "1é",
        ] {
            assert!(!is_size(size), "{size}");
        }
    }
}
