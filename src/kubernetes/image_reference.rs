//! Image references, parsed as container runtimes do.
//!
//! The grammar is that of `github.com/distribution/reference`, which containerd, Docker and the kubelet use:
//! `[host[:port]/]path[:tag][@digest]`.

/// Maximum length of a repository name with its host, in bytes.
const MAX_NAME_LENGTH: usize = 255;
/// Maximum length of a tag, in bytes.
const MAX_TAG_LENGTH: usize = 128;
/// Maximum length of a digest, in bytes: `sha512:` and its digits.
const MAX_DIGEST_LENGTH: usize = 7 + 128;
/// Maximum length of a reference, in bytes. Longer references are not parsed, because a pod may repeat them thousands of times.
pub const MAX_REFERENCE_LENGTH: usize = MAX_NAME_LENGTH + 1 + MAX_TAG_LENGTH + 1 + MAX_DIGEST_LENGTH;

/// The host of a reference without one.
const DEFAULT_HOST: &str = "docker.io";

/// The folder of official images on Docker Hub, which references omit.
const DEFAULT_FOLDER: &str = "library";

/// The tag of a reference without tag and digest.
const DEFAULT_TAG: &str = "latest";

/// A reference to an image in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageReference<'a> {
    /// The repository of the image.
    pub repository: Repository<'a>,
    /// The tag, which can be moved to another image at any time.
    pub tag: Option<&'a str>,
    /// The digest, which identifies one image permanently, such as `sha256:…`.
    pub digest: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    /// Parses a reference as pods contain it.
    ///
    /// # Errors
    /// If a runtime would refuse the reference, the reason as the end of a sentence, such as `has an invalid tag`.
    pub fn parse(reference: &'a str) -> Result<Self, &'static str> {
        if reference.is_empty() {
            return Err("is empty");
        }
        if reference.len() > MAX_REFERENCE_LENGTH {
            return Err("is longer than 520 characters");
        }
        let (name, tag, digest) = split(reference);
        check_name(name)?;
        if !tag.is_none_or(is_tag) {
            return Err("has an invalid tag");
        }
        digest.map_or(Ok(()), check_digest)?;
        Ok(Self { repository: Repository::of(name), tag, digest })
    }

    /// Splits a reference or a pattern of references into its parts without checking them.
    #[must_use]
    pub fn unchecked(reference: &'a str) -> Self {
        let (name, tag, digest) = split(reference);
        Self { repository: Repository::of(name), tag, digest }
    }

    /// Returns the tag, which is `latest` if the reference has none.
    #[must_use]
    pub fn effective_tag(&self) -> &'a str {
        self.tag.unwrap_or(DEFAULT_TAG)
    }
}

/// A repository: `nginx`, `library/nginx` and `docker.io/library/nginx` are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repository<'a> {
    /// The registry host with its port.
    pub host: &'a str,
    /// The path without its last segment.
    pub folder: Option<&'a str>,
    /// The last segment of the path.
    pub last: &'a str,
}

impl<'a> Repository<'a> {
    /// Completes a repository name as runtimes do.
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

/// Splits a reference into name, tag and digest as they are written.
fn split(reference: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    match rest.rsplit_once(':') {
        // A colon before the last slash belongs to a port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag), digest),
        _ => (rest, None, digest),
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > MAX_NAME_LENGTH {
        return Err("has a name of more than 255 characters");
    }
    // Runtimes interpret 64 hexadecimal digits as the id of an image that the node already has.
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

/// Returns whether the text before the first slash is a host; otherwise it is the first part of a path on Docker Hub.
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

/// Returns whether a component consists of lower case letters and digits, separated by one dot, one or two underscores, or any
/// number of dashes.
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
        let max_run = match byte {
            b'.' => 1,
            b'_' => 2,
            b'-' => usize::MAX,
            _ => 0,
        };
        if starts || mixes || run > max_run {
            return false;
        }
        separator = (byte, run);
    }
    !ended_in_separator
}

/// Returns whether registries accept the tag.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    tag.len() <= MAX_TAG_LENGTH
        && !tag.is_empty()
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(is_tag_byte)
}

/// Returns whether tags can contain the byte, at least after the first one.
#[must_use]
pub fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// Checks a digest. Only registered algorithms pin an image; an image with another digest cannot be pulled.
///
/// Source: `descriptor.md` of the image specification of OCI, which also registers `blake3`, and `sha384` in
/// `github.com/opencontainers/go-digest`.
fn check_digest(digest: &str) -> Result<(), &'static str> {
    let (algorithm, hex) = digest.split_once(':').ok_or("has an invalid digest")?;
    let length = match algorithm {
        "sha256" | "blake3" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err("has a digest that is not sha256, sha384, sha512 or blake3"),
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
    fn tags_are_distinguished_from_ports() {
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
            // Without a slash the reference has no host, so this is a tag.
            ("registry:5000", Some("5000")),
        ] {
            assert_eq!(
                ImageReference::parse(reference),
                Ok(ImageReference { repository: Repository::of(split(reference).0), tag, digest: None }),
                "{reference}"
            );
        }
    }

    #[test]
    fn a_digest_may_follow_a_tag() {
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
        for (algorithm, length) in [("sha384", 96), ("sha512", 128), ("blake3", 64)] {
            let reference = format!("app@{algorithm}:{}", "a".repeat(length));
            assert!(ImageReference::parse(&reference).unwrap().digest.is_some());
        }
    }

    #[test]
    fn references_that_runtimes_refuse_are_refused() {
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
                "has a digest that is not sha256, sha384, sha512 or blake3",
            ),
            ("app@a:b", "has a digest that is not sha256, sha384, sha512 or blake3"),
            (&upper_case, "has an invalid digest"),
            (image_id, "is an image id, not a reference"),
            (&long_name, "has a name of more than 255 characters"),
            (&long_tag, "has an invalid tag"),
        ] {
            assert_eq!(ImageReference::parse(reference), Err(reason), "{reference:?}");
        }
    }

    #[test]
    fn names_are_completed_as_runtimes_do() {
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
}
