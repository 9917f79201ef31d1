//! Values with the tag `!!binary`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Decodes a value. Like in kubectl, each byte that is not UTF-8 becomes U+FFFD.
pub(super) fn decode(text: &str) -> Result<String, String> {
    let digits = text.replace(['\r', '\n'], "");
    let bytes = STANDARD.decode(digits).map_err(|_| "the `!!binary` value is not base64".to_owned())?;
    let mut decoded = String::new();
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decode("aGVs\nbG8=").as_deref(), Ok("hello"));
        assert_eq!(decode("/+8=").as_deref(), Ok("\u{fffd}\u{fffd}"));
        assert_eq!(decode("hello!"), Err("the `!!binary` value is not base64".to_owned()));
    }
}
