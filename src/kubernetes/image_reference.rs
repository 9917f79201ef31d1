//! Image references, parsed as container runtimes do.
//!
//! The grammar is that of `github.com/distribution/reference`, which containerd, Docker and the kubelet use:
//! `[host[:port]/]path[:tag][@digest]`.

use crate::settings::wildcard;
use crate::text::quoted;

/// The most bytes of a repository's name, its host included.
const NAME_LENGTH: usize = 255;
/// The most bytes of a tag.
const TAG_LENGTH: usize = 128;
/// The most bytes of a digest: `sha512:` and its digits.
const DIGEST_LENGTH: usize = 7 + 128;
/// The most bytes of a reference. Nothing in a longer one is looked at: a pod may repeat it thousands of times.
pub const MAX_LENGTH: usize = NAME_LENGTH + 1 + TAG_LENGTH + 1 + DIGEST_LENGTH;

/// The host of an image that names none.
const DEFAULT_HOST: &str = "docker.io";

/// The part of Docker Hub's paths that nobody writes.
const DEFAULT_FOLDER: &str = "library";

/// The tag of an image that names neither tag nor digest.
const DEFAULT_TAG: &str = "latest";

/// A repository, and how one image of it is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageReference<'a> {
    /// Where the image comes from.
    pub repository: Repository<'a>,
    /// The tag, which may be moved to another image at any time.
    pub tag: Option<&'a str>,
    /// The digest, which names one image for ever, such as `sha256:…`.
    pub digest: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    /// Parses a reference as it stands in a pod.
    ///
    /// # Errors
    /// A few words on what a runtime would refuse, such as `has no valid tag`.
    pub fn parse(reference: &'a str) -> Result<Self, &'static str> {
        if reference.is_empty() {
            return Err("is empty");
        }
        if reference.len() > MAX_LENGTH {
            return Err("is longer than 520 characters");
        }
        let (name, tag, digest) = take_apart(reference);
        check_name(name)?;
        if !tag.is_none_or(is_tag) {
            return Err("has an invalid tag");
        }
        digest.map_or(Ok(()), check_digest)?;
        Ok(Self { repository: Repository::of(name), tag, digest })
    }

    /// The tag that a runtime reads where neither tag nor digest is given is `latest`.
    #[must_use]
    pub fn effective_tag(&self) -> &'a str {
        self.tag.unwrap_or(DEFAULT_TAG)
    }
}

/// A repository: `nginx`, `library/nginx` and `docker.io/library/nginx` are the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repository<'a> {
    host: &'a str,
    /// All of the path but its last segment, if it has others.
    folder: Option<&'a str>,
    last: &'a str,
}

impl<'a> Repository<'a> {
    /// Reads the name of a repository as runtimes complete it.
    ///
    /// Source: `splitDockerDomain` in `github.com/distribution/reference`.
    fn of(name: &'a str) -> Self {
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host_like(host) => (host, path),
            _ => (DEFAULT_HOST, name),
        };
        let host = if host == "index.docker.io" { DEFAULT_HOST } else { host };
        match path.rsplit_once('/') {
            Some((folder, last)) => Self { host, folder: Some(folder), last },
            None => Self { host, folder: (host == DEFAULT_HOST).then_some(DEFAULT_FOLDER), last: path },
        }
    }
}

/// What settings name images by: a reference in which `*` stands for any run of characters, but for no slash.
#[derive(Debug)]
pub struct ImagePattern<'s> {
    repository: Repository<'s>,
    tag: Option<&'s str>,
    digest: Option<&'s str>,
}

impl<'s> ImagePattern<'s> {
    /// Reads a pattern that [`ImagePattern::check`] accepts.
    #[must_use]
    pub fn new(pattern: &'s str) -> Self {
        let (name, tag, digest) = take_apart(pattern);
        Self { repository: Repository::of(name), tag, digest }
    }

    /// Refuses what no image can match.
    ///
    /// # Errors
    /// When it is no reference, whatever its `*` stand for.
    pub fn check(pattern: &str) -> Result<(), String> {
        // A digit may stand wherever a star may.
        match ImageReference::parse(&pattern.replace('*', "0")) {
            Ok(_) => Ok(()),
            Err(reason) => Err(format!("{} can never match an image: it {reason}", quoted(pattern))),
        }
    }

    /// Whether an image is one of those that are meant.
    ///
    /// A pattern without tag and digest means every image of its repositories. One with a tag means no image with a
    /// digest: beside a digest, which alone decides what runs, anyone can write any tag.
    #[must_use]
    pub fn matches(&self, image: &ImageReference<'_>) -> bool {
        self.has_repository(&image.repository)
            && match (self.tag, self.digest) {
                (None, None) => true,
                (Some(tag), None) => image.digest.is_none() && wildcard::matches(tag, image.effective_tag()),
                (_, digest) => image.digest == digest,
            }
    }

    fn has_repository(&self, repository: &Repository<'_>) -> bool {
        let has_folder = || match (self.repository.folder, repository.folder) {
            (Some(pattern), Some(folder)) => wildcard::matches_segments(pattern, folder),
            (pattern, folder) => pattern == folder,
        };
        // Most images differ in their last part, and most of the others in what stands before it.
        wildcard::matches(self.repository.last, repository.last)
            && has_folder()
            && wildcard::matches(self.repository.host, repository.host)
    }
}

/// The name, the tag and the digest of a reference, each as it is written.
fn take_apart(reference: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let (name, tag) = split_tag(rest);
    (name, tag, digest)
}

/// A colon before the last slash belongs to a port.
fn split_tag(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.as_bytes().contains(&b'/') => (name, Some(tag)),
        _ => (rest, None),
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > NAME_LENGTH {
        return Err("has a name of more than 255 characters");
    }
    // Runtimes take 64 hexadecimal digits for the id of an image that they already have.
    if name.len() == 64 && name.bytes().all(is_lower_hex) {
        return Err("is an image id, not a reference");
    }
    let path = match name.split_once('/') {
        Some((host, path)) if is_host_like(host) => {
            if !is_host(host) {
                return Err("has an invalid registry host");
            }
            path
        }
        _ => name,
    };
    if path.split('/').all(is_path_component) {
        return Ok(());
    }
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("has a repository name with upper case letters");
    }
    Err("has an invalid repository name")
}

/// Whether what stands before the first slash is a host rather than the first part of a path on Docker Hub.
fn is_host_like(part: &str) -> bool {
    part == "localhost" || part.bytes().any(|byte| matches!(byte, b'.' | b':' | b'A'..=b'Z'))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let Some((address, port)) = address.split_once(']') else { return false };
        let is_address =
            !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    name.split('.').all(is_host_component) && port.is_none_or(is_port)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_host_component(component: &str) -> bool {
    !component.is_empty()
        && !component.starts_with('-')
        && !component.ends_with('-')
        && component.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Lower case letters and digits, between which may stand one dot, one or two underscores, or any number of dashes.
fn is_path_component(component: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separator = (b' ', 0_usize);
    let mut ended_in_separator = true;
    for byte in component.bytes() {
        ended_in_separator = !is_alphanumeric(byte);
        if !ended_in_separator {
            separator = (byte, 1);
            continue;
        }
        let run = if separator.0 == byte { separator.1 + 1 } else { 1 };
        let starts = separator.1 == 0;
        let mixes = separator.0 != byte && !is_alphanumeric(separator.0);
        let longest = match byte {
            b'.' => 1,
            b'_' => 2,
            b'-' => usize::MAX,
            _ => 0,
        };
        if starts || mixes || run > longest {
            return false;
        }
        separator = (byte, run);
    }
    !ended_in_separator
}

/// Whether it is a tag as registries accept it.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    tag.len() <= TAG_LENGTH && !tag.is_empty() && !tag.starts_with(['.', '-']) && tag.bytes().all(is_tag_byte)
}

/// Whether tags may hold it, though not everywhere.
#[must_use]
pub fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// Only the algorithms that runtimes implement pin an image; a digest of another is a reference that cannot be pulled.
fn check_digest(digest: &str) -> Result<(), &'static str> {
    let (algorithm, hex) = digest.split_once(':').ok_or("has an invalid digest")?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err("has a digest that is none of sha256, sha384 and sha512"),
    };
    if hex.len() != length {
        return Err("has a digest of the wrong length");
    }
    if !hex.bytes().all(is_lower_hex) {
        return Err("has an invalid digest");
    }
    Ok(())
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn tells_a_tag_from_a_port() {
        for (reference, tag) in [
            ("nginx", None),
            ("nginx:1.29", Some("1.29")),
            ("registry:5000/app", None),
            ("registry:5000/app:1", Some("1")),
            ("localhost/app", None),
            ("localhost:5000/a/b/c:x_Y-z.1", Some("x_Y-z.1")),
            ("[2001:db8::1]:5000/app", None),
            ("[2001:db8::1]/app:1", Some("1")),
            ("Registry/app:1", Some("1")),
            ("a__b/c.d/e---f:1", Some("1")),
            // Without a slash there is no host, so this is a tag that looks like a port.
            ("registry:5000", Some("5000")),
        ] {
            assert_eq!(
                ImageReference::parse(reference),
                Ok(ImageReference { repository: Repository::of(take_apart(reference).0), tag, digest: None }),
                "{reference}"
            );
        }
    }

    #[test]
    fn finds_the_digest_behind_a_tag_or_without_one() {
        for name in ["app", "registry:5000/app"] {
            let untagged = format!("{name}@{SHA256}");
            let repository = Repository::of(name);
            assert_eq!(
                ImageReference::parse(&untagged),
                Ok(ImageReference { repository, tag: None, digest: Some(SHA256) })
            );
            let tagged = format!("{name}:latest@{SHA256}");
            assert_eq!(
                ImageReference::parse(&tagged),
                Ok(ImageReference { repository, tag: Some("latest"), digest: Some(SHA256) })
            );
        }
        for (algorithm, length) in [("sha384", 96), ("sha512", 128)] {
            let reference = format!("app@{algorithm}:{}", "a".repeat(length));
            assert!(ImageReference::parse(&reference).unwrap().digest.is_some());
        }
    }

    #[test]
    fn refuses_what_a_runtime_refuses() {
        let upper_case = format!("app@{}", SHA256.to_uppercase().replace("SHA256", "sha256"));
        let image_id = &SHA256[7..];
        let long_name = "a/".repeat(128) + "a";
        let long_tag = format!("app:{}", "a".repeat(129));
        for (reference, reason) in [
            ("", "is empty"),
            (" ", "has an invalid repository name"),
            (" nginx:1", "has an invalid repository name"),
            ("nginx:1 ", "has an invalid tag"),
            ("nginx:1\n", "has an invalid tag"),
            ("nginx:", "has an invalid tag"),
            ("nginx:-1", "has an invalid tag"),
            (":1", "has an invalid repository name"),
            ("@", "has an invalid repository name"),
            ("Nginx:1", "has a repository name with upper case letters"),
            ("registry.io/App:1", "has a repository name with upper case letters"),
            ("registry.io/:1", "has an invalid repository name"),
            ("registry.io//app:1", "has an invalid repository name"),
            ("/app:1", "has an invalid repository name"),
            ("https://registry.io/app:1", "has an invalid registry host"),
            ("registry.io:/app:1", "has an invalid registry host"),
            ("registry.io:http/app:1", "has an invalid registry host"),
            ("-registry.io/app:1", "has an invalid registry host"),
            ("registry..io/app:1", "has an invalid registry host"),
            ("[2001:db8::1/app:1", "has an invalid registry host"),
            ("[::1]x/app:1", "has an invalid registry host"),
            ("a..b:1", "has an invalid repository name"),
            ("a___b:1", "has an invalid repository name"),
            ("a_.b:1", "has an invalid repository name"),
            ("a-:1", "has an invalid repository name"),
            ("_a:1", "has an invalid repository name"),
            ("größe:1", "has an invalid repository name"),
            ("app@sha256", "has an invalid digest"),
            ("app@sha256:", "has a digest of the wrong length"),
            ("app@sha256:0123", "has a digest of the wrong length"),
            (
                "app@md5:0123456789abcdef0123456789abcdef",
                "has a digest that is none of sha256, sha384 and sha512",
            ),
            ("app@a:b", "has a digest that is none of sha256, sha384 and sha512"),
            (&upper_case, "has an invalid digest"),
            (image_id, "is an image id, not a reference"),
            (&long_name, "has a name of more than 255 characters"),
            (&long_tag, "has an invalid tag"),
        ] {
            assert_eq!(ImageReference::parse(reference), Err(reason), "{reference:?}");
        }
    }

    #[test]
    fn completes_names_as_runtimes_do() {
        let repository = |name| ImageReference::parse(name).unwrap().repository;
        for same in [
            "nginx",
            "library/nginx",
            "docker.io/nginx",
            "docker.io/library/nginx",
            "index.docker.io/nginx:1",
        ] {
            assert_eq!(repository(same), repository("nginx:1.29"), "{same}");
        }
        assert_eq!(repository("bitnami/nginx"), repository("docker.io/bitnami/nginx"));
        assert_eq!(repository("localhost/app"), repository("localhost/app:2"));
        for (one, other) in [
            ("nginx", "registry.io/nginx"),
            ("nginx", "registry.io/library/nginx"),
            ("nginx", "bitnami/nginx"),
            ("localhost/app", "docker.io/localhost/app"),
            ("registry:5000/app", "registry/app"),
        ] {
            assert_ne!(repository(one), repository(other), "{one} {other}");
        }
    }

    #[track_caller]
    fn matches(pattern: &str, image: &str) -> bool {
        ImagePattern::check(pattern).unwrap();
        ImagePattern::new(pattern).matches(&ImageReference::parse(image).unwrap())
    }

    #[test]
    fn patterns_name_images_by_repository() {
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
    fn patterns_may_name_tags_and_digests() {
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
            // The tag is true of nothing: the digest may be that of any image in the repository.
            ("app:1.*", &pinned),
            (&digest, "app:1.2"),
            (&digest, &other),
        ] {
            assert!(!matches(pattern, image), "{pattern} {image}");
        }
    }

    #[test]
    fn refuses_patterns_that_match_no_image() {
        for pattern in ["*", "a-*", "*/*", "*:1.*", "registry.io:*/app"] {
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
