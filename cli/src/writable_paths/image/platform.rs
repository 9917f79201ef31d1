//! Platforms of images.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A platform, as in `linux/arm64` or `linux/arm/v7`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The architecture of the processor.
    pub architecture: String,
    /// The variant of the architecture. If it is unset, every variant is meant.
    pub variant: Option<String>,
}

impl Platform {
    /// Returns the platform that is read if an image has several: `linux/amd64`.
    #[must_use]
    pub fn preferred() -> Self {
        Self { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: None }
    }

    /// Returns whether another platform is what this one asks for.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let is_variant = self.variant.is_none() || self.variant == other.variant;
        self.os == other.os && self.architecture == other.architecture && is_variant
    }
}

impl FromStr for Platform {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match *parts {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err("expected a platform such as linux/arm64"),
        };
        if parts.contains(&"") {
            return Err("expected a platform such as linux/arm64");
        }
        let variant = variant.map(str::to_owned);
        Ok(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            None | Some("") => Ok(()),
            Some(variant) => write!(f, "/{variant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_parsed() {
        for text in ["linux/amd64", "linux/arm/v7"] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), text);
        }
        for text in ["", "linux", "linux/", "/amd64", "linux/arm/v7/x"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_platform_without_a_variant_includes_all() {
        let [arm, v7, v8] =
            ["linux/arm", "linux/arm/v7", "linux/arm/v8"].map(|text| text.parse::<Platform>().unwrap());
        assert!(arm.includes(&v7) && arm.includes(&v8) && v7.includes(&v7));
        assert!(!v7.includes(&v8) && !v7.includes(&arm) && !arm.includes(&Platform::preferred()));
    }
}
