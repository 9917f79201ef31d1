//! Patterns of image references.

use super::wildcard;
use crate::kubernetes::image_reference::{ImageReference, Repository};
use crate::text::quoted;

/// An image reference in which `*` matches any characters except slashes.
#[derive(Debug)]
pub struct ImagePattern<'s>(ImageReference<'s>);

impl<'s> ImagePattern<'s> {
    /// Parses a pattern that [`ImagePattern::check`] accepts.
    #[must_use]
    pub fn new(pattern: &'s str) -> Self {
        Self(ImageReference::unchecked(pattern))
    }

    /// Checks whether the pattern can match an image.
    ///
    /// # Errors
    /// If it cannot, whatever its `*` match, or if it matches registries of anyone.
    pub fn check(pattern: &str) -> Result<(), String> {
        // A digit is valid wherever a star is.
        let never_matches = |reason| format!("{} can never match an image: it {reason}", quoted(pattern));
        ImageReference::parse(&pattern.replace('*', "0")).map_err(never_matches)?;
        let parts = ImageReference::unchecked(pattern);
        if parts.digest.is_some_and(|digest| digest.contains('*')) {
            return Err(never_matches("has a \"*\" in its digest"));
        }
        if !has_one_owner(parts.repository.host) {
            return Err(format!(
                "{} also matches registries of other owners: \"*\" must be the first label of at least three, as in \
                 \"*.example.com/web\"",
                quoted(pattern)
            ));
        }
        Ok(())
    }

    /// Returns whether the pattern matches an image.
    ///
    /// A pattern without tag and digest matches every image of its repositories. A pattern with a tag does not match images with a
    /// digest: the digest alone decides what runs, so the tag next to it may be false.
    #[must_use]
    pub fn matches(&self, image: &ImageReference<'_>) -> bool {
        let Self(pattern) = self;
        matches_repository(&pattern.repository, &image.repository)
            && match (pattern.tag, pattern.digest) {
                (None, None) => true,
                (Some(tag), None) => image.digest.is_none() && wildcard::matches(tag, image.effective_tag()),
                (_, digest) => image.digest == digest,
            }
    }
}

/// Returns whether all registries that a pattern of hosts matches belong to one domain.
fn has_one_owner(host: &str) -> bool {
    let Some(rest) = host.strip_prefix("*.") else { return !host.contains('*') };
    !rest.contains('*') && rest.contains('.')
}

fn matches_repository(pattern: &Repository<'_>, repository: &Repository<'_>) -> bool {
    let matches_folder = || match (pattern.folder, repository.folder) {
        (Some(pattern), Some(folder)) => wildcard::matches_segments(pattern, folder),
        (pattern, folder) => pattern == folder,
    };
    // Most images differ in their last segment, and most others in their folder.
    wildcard::matches(pattern.last, repository.last)
        && matches_folder()
        && wildcard::matches(pattern.host, repository.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn matches(pattern: &str, image: &str) -> bool {
        ImagePattern::check(pattern).unwrap();
        ImagePattern::new(pattern).matches(&ImageReference::parse(image).unwrap())
    }

    #[test]
    fn patterns_match_repositories() {
        let pinned = format!("nginx:1.29@{SHA256}");
        for (pattern, image) in [
            ("nginx", "nginx"),
            ("nginx", "docker.io/library/nginx:1.29"),
            ("docker.io/library/*", "nginx:1"),
            ("docker.io/istio/proxyv2", "istio/proxyv2:1.20"),
            ("registry.example.com/mesh/*", "registry.example.com/mesh/proxy:1"),
            ("registry.example.com/*/proxy", "registry.example.com/mesh/proxy:1"),
            ("*.example.com/app", "registry.example.com/app"),
            ("registry:5000/app", "registry:5000/app:1"),
            ("*", "nginx"),
            ("nginx", &pinned),
        ] {
            assert!(matches(pattern, image), "{pattern} {image}");
        }
        for (pattern, image) in [
            ("nginx", "nginx-evil"),
            ("nginx", "evil/nginx"),
            ("nginx", "evil.io/library/nginx"),
            ("registry.example.com/mesh/*", "registry.example.com/mesh/a/b"),
            ("registry.example.com/mesh/*", "registry.example.com/mesh-evil/proxy"),
            ("registry.example.com/mesh*", "registry.example.com/mesh/proxy"),
            ("registry.example.com/*", "registry.example.com.evil.io/proxy"),
            ("*.example.com/app", "evil.io/example.com/app"),
            ("registry:5000/app", "registry/app"),
            ("registry/app", "registry:5000/app"),
            ("*", "bitnami/nginx"),
        ] {
            assert!(!matches(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn patterns_match_tags_and_digests() {
        let pinned = format!("app:1.2@{SHA256}");
        let digest = format!("app@{SHA256}");
        for (pattern, image) in [
            ("app:1.*", "app:1.2"),
            ("app:latest", "app"),
            (&*digest, &*pinned),
            (&digest, &digest),
            (&pinned, &digest),
        ] {
            assert!(matches(pattern, image), "{pattern} {image}");
        }
        let other = digest.replace("sha256:0", "sha256:1");
        for (pattern, image) in [
            ("app:1.*", "app:2"),
            ("app:1.*", "app"),
            // The digest may belong to any image in the repository, so that the tag proves nothing.
            ("app:1.*", &pinned),
            (&digest, "app:1.2"),
            (&digest, &other),
        ] {
            assert!(!matches(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn a_pattern_of_registries_names_their_owner() {
        for pattern in ["*.example.com/a", "*.example.com:5000/a", "registry.example.com/a"] {
            assert_eq!(ImagePattern::check(pattern), Ok(()), "{pattern}");
        }
        for pattern in
            ["registry.io:*/a", "*.io/a", "*.*.com/a", "registry.*.com/a", "*registry.example.com/a"]
        {
            assert_eq!(
                ImagePattern::check(pattern).unwrap_err(),
                format!(
                    "{pattern:?} also matches registries of other owners: \"*\" must be the first label of at least three, as \
                     in \"*.example.com/web\""
                )
            );
        }
    }

    #[test]
    fn patterns_that_can_never_match_are_refused() {
        for pattern in ["*", "a-*", "*/*", "*:1.*", "*.registry.io/app"] {
            assert_eq!(ImagePattern::check(pattern), Ok(()), "{pattern}");
        }
        for (pattern, reason) in [
            ("", r#""" can never match an image: it is empty"#),
            (
                "Nginx",
                r#""Nginx" can never match an image: it has a repository name with upper case letters"#,
            ),
            (
                "app@sha256:*",
                r#""app@sha256:*" can never match an image: it has a digest of the wrong length"#,
            ),
            ("app:", r#""app:" can never match an image: it has an invalid tag"#),
            (
                "https://registry.io/*",
                r#""https://registry.io/*" can never match an image: it has an invalid registry host"#,
            ),
        ] {
            assert_eq!(ImagePattern::check(pattern).unwrap_err(), reason);
        }
    }
}
