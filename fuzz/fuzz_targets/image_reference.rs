//! Compares image references with the grammar of `github.com/distribution/reference`.

#![no_main]
#![expect(clippy::unwrap_used, reason = "the expressions are constant")]

use std::sync::LazyLock;

use immutable_pods_policy::kubernetes::image_reference::ImageReference;
use immutable_pods_policy::settings::image_pattern::ImagePattern;
use libfuzzer_sys::fuzz_target;
use regex::Regex;

/// A reference without its host. Only digests that runtimes can verify are valid.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let component = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*";
    let tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = "sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}|blake3:[a-f0-9]{64}";
    Regex::new(&format!("^({component}(?:/{component})*)(?::({tag}))?(?:@({digest}))?$")).unwrap()
});

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    let component = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    Regex::new(&format!(r"^(?:{component}(?:\.{component})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$")).unwrap()
});

static IMAGE_ID: LazyLock<Regex> = LazyLock::new(|| Regex::new("^[a-f0-9]{64}$").unwrap());

/// Maximum length of a name with its host, in bytes.
const MAX_NAME_LENGTH: usize = 255;

/// A complete reference.
#[derive(Debug)]
struct Complete<'a> {
    host: &'a str,
    path: String,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

/// Parses a reference with the grammar.
fn parse_by_grammar(reference: &str) -> Option<Complete<'_>> {
    let (host, rest) = match reference.split_once('/') {
        Some((host, rest))
            if host == "localhost" || host.contains(['.', ':']) || host.to_ascii_lowercase() != host =>
        {
            (host, rest)
        }
        _ => ("", reference),
    };
    let parts = REFERENCE.captures(rest)?;
    let part = |group| parts.get(group).map(|part| part.as_str());
    let (path, tag, digest) = (part(1)?, part(2), part(3));
    let name = if host.is_empty() { path.to_owned() } else { format!("{host}/{path}") };
    if !host.is_empty() && !HOST.is_match(host) || name.len() > MAX_NAME_LENGTH || IMAGE_ID.is_match(&name) {
        return None;
    }
    let host = if matches!(host, "" | "index.docker.io") { "docker.io" } else { host };
    let is_official = host == "docker.io" && !path.contains('/');
    let path = if is_official { format!("library/{path}") } else { path.to_owned() };
    Some(Complete { host, path, tag, digest })
}

fuzz_target!(|reference: &str| {
    let parsed = ImageReference::parse(reference);
    let complete = parse_by_grammar(reference);
    assert_eq!(parsed.is_ok(), complete.is_some(), "{parsed:?} {complete:?}");
    // A pattern without a star is valid exactly if it is a valid reference.
    let pattern = ImagePattern::check(reference);
    if !reference.contains('*') {
        assert_eq!(pattern.is_ok(), parsed.is_ok(), "{pattern:?}");
    }
    let (Ok(parsed), Some(Complete { host, path, tag, digest })) = (parsed, complete) else { return };
    assert_eq!((parsed.tag, parsed.digest), (tag, digest));

    let suffix = |mark, part: Option<&str>| part.map(|part| format!("{mark}{part}")).unwrap_or_default();
    let normal = format!("{host}/{path}{}{}", suffix(':', tag), suffix('@', digest));
    // A complete name is longer, and may exceed the limit.
    if host.len() + 1 + path.len() <= MAX_NAME_LENGTH {
        assert_eq!(ImageReference::parse(&normal), Ok(parsed), "{normal}");
    }
    assert!(ImagePattern::new(&normal).matches(&parsed) || digest.is_some() || tag.is_none());
    assert!(ImagePattern::new(&format!("{host}/{path}")).matches(&parsed));
});
