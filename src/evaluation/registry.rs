//! Queries registries about images, through the policy server.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::kubernetes::image_reference::ImageReference;
use crate::raw_object::{RawObject, parse_raw};
use crate::text::printable;

/// The policy server's access to registries.
pub trait Registry {
    /// Returns the policy server's response to a query about an image, in JSON.
    ///
    /// # Errors
    /// The reason why the policy server has no response.
    fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String>;
}

/// A query about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegistryQuery {
    /// The configuration of the image. For an image for several platforms, the configuration for the policy server's platform.
    ManifestConfig,
    /// The digest of the image.
    ManifestDigest,
}

impl RegistryQuery {
    /// Returns the operation of the policy server, in its namespace `oci`.
    ///
    /// Source: `host_capabilities::oci` of the SDK.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Self::ManifestConfig => "v1/oci_manifest_config",
            Self::ManifestDigest => "v1/manifest_digest",
        }
    }
}

/// Queries the registry about each image once.
pub struct RegistryCache<'r> {
    registry: &'r dyn Registry,
    responses: HashMap<(RegistryQuery, String), Result<String, String>>,
}

impl<'r> RegistryCache<'r> {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(registry: &'r dyn Registry) -> Self {
        Self { registry, responses: HashMap::new() }
    }

    /// Returns the user in the configuration of an image; empty if the configuration does not name a user.
    ///
    /// # Errors
    /// The reason why the user is unknown.
    pub fn user_of(&mut self, image: &str) -> Result<String, String> {
        self.get(RegistryQuery::ManifestConfig, image)
    }

    /// Returns the digest of an image.
    ///
    /// # Errors
    /// The reason why the digest is unknown.
    pub fn digest_of(&mut self, image: &str) -> Result<String, String> {
        self.get(RegistryQuery::ManifestDigest, image)
    }

    fn get(&mut self, query: RegistryQuery, image: &str) -> Result<String, String> {
        let registry = self.registry;
        let cached = self.responses.entry((query, image.to_owned()));
        cached.or_insert_with(|| ask(registry, query, image)).clone()
    }
}

fn ask(registry: &dyn Registry, query: RegistryQuery, image: &str) -> Result<String, String> {
    ImageReference::parse(image).map_err(|reason| format!("the reference {reason}"))?;
    let response = registry.ask(query, image).map_err(|reason| first_line(&reason))?;
    let value = match query {
        RegistryQuery::ManifestConfig => user(&response),
        RegistryQuery::ManifestDigest => digest(&response, image),
    };
    value.map_err(|reason| format!("unexpected response from the policy server: {reason}"))
}

/// Returns the user in a response with the configuration of an image.
fn user(response: &[u8]) -> Result<String, String> {
    let config = field(parse(response)?, "config")?.ok_or("no \"config\" field")?;
    let Some(options) = field(config, "config")? else { return Ok(String::new()) };
    field(options, "User")?.map_or(Ok(String::new()), |user| text(user, "User"))
}

/// Returns the digest in a response about an image.
fn digest(response: &[u8], image: &str) -> Result<String, String> {
    let digest = text(field(parse(response)?, "digest")?.ok_or("no \"digest\" field")?, "digest")?;
    ImageReference::parse(&format!("{image}@{digest}")).map_err(|reason| format!("the image {reason}"))?;
    Ok(digest)
}

fn parse(response: &[u8]) -> Result<&RawValue, String> {
    serde_json::from_slice(response).map_err(|_| "not JSON".to_owned())
}

fn text(json: &RawValue, name: &str) -> Result<String, String> {
    parse_raw(json).map_err(|_| format!("{name:?} is not a string"))
}

/// Returns a field of an object. `null` counts as missing.
///
/// Container runtimes match keys without regard to case, and use the last one. An author of an image could use that to show the
/// policy another user than the runtime, so similar keys are an error.
fn field<'j>(object: &'j RawValue, name: &str) -> Result<Option<&'j RawValue>, String> {
    let RawObject(fields) =
        parse_raw(object).map_err(|_| format!("expected an object with a field {name:?}"))?;
    let is_similar = |key: &str| key.chars().map(folded).eq(name.chars().map(folded));
    let mut similar = fields.into_iter().filter(|(key, _)| is_similar(key));
    match (similar.next(), similar.next()) {
        (None, _) => Ok(None),
        (Some((key, value)), None) if key == name => Ok(Some(value).filter(|value| value.get() != "null")),
        _ => Err(format!("ambiguous field {name:?}")),
    }
}

/// Folds letters that Go considers equal to an ASCII letter.
///
/// Source: `foldName` in Go's encoding/json.
fn folded(letter: char) -> char {
    match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => letter.to_ascii_lowercase(),
    }
}

/// Prefixes that the SDK and the policy server add to a reason.
const PREFIXES: [&str; 2] = ["Host error: ", "Callback evaluation failure: "];

/// Returns the first line of a reason. The state of the policy server may follow.
fn first_line(reason: &str) -> String {
    let reason = PREFIXES.iter().fold(reason, |reason, prefix| reason.strip_prefix(prefix).unwrap_or(reason));
    let line = reason.lines().next().unwrap_or_default();
    printable(line.trim_end_matches(['.', ' '])).to_string()
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A policy server without access to registries.
    pub(crate) struct NoRegistry;

    impl Registry for NoRegistry {
        fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String> {
            panic!("unexpected query {query:?} about {image}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A policy server that always gives the same response, and records the queries.
    struct Host<'a> {
        answer: Result<&'a str, &'a str>,
        asked: RefCell<Vec<String>>,
    }

    impl<'a> Host<'a> {
        fn new(answer: Result<&'a str, &'a str>) -> Self {
            Self { answer, asked: RefCell::default() }
        }
    }

    impl Registry for Host<'_> {
        fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String> {
            self.asked.borrow_mut().push(format!("{} {image}", query.operation()));
            self.answer.map(|answer| answer.as_bytes().to_vec()).map_err(str::to_owned)
        }
    }

    fn user(config: &str) -> Result<String, String> {
        let answer = format!(r#"{{"manifest": {{}}, "digest": "x", "config": {config}}}"#);
        RegistryCache::new(&Host::new(Ok(&answer))).user_of("nginx")
    }

    fn digest(answer: &str) -> Result<String, String> {
        RegistryCache::new(&Host::new(Ok(answer))).digest_of("nginx:1")
    }

    #[test]
    fn the_configuration_names_the_user() {
        assert_eq!(user(r#"{"os": "linux", "config": {"Cmd": [], "User": "101:101"}}"#).unwrap(), "101:101");
        for none in ["{}", r#"{"config": null}"#, r#"{"config": {}}"#, r#"{"config": {"User": null}}"#] {
            assert_eq!(user(none).unwrap(), "", "{none}");
        }
    }

    #[test]
    fn similar_keys_are_ambiguous() {
        for (config, key) in [
            (r#"{"config": {"User": "101", "user": "root"}}"#, "User"),
            (r#"{"config": {"user": "root"}}"#, "User"),
            (r#"{"config": {"U\u017fer": "root"}}"#, "User"),
            (r#"{"config": {"User": "101", "User": "0"}}"#, "User"),
            (r#"{"config": {"User": "101"}, "Config": {"User": "0"}}"#, "config"),
        ] {
            let reason = format!("unexpected response from the policy server: ambiguous field \"{key}\"");
            assert_eq!(user(config), Err(reason), "{config}");
        }
    }

    #[test]
    fn other_responses_are_errors() {
        let host = |answer| RegistryCache::new(&Host::new(Ok(answer))).user_of("nginx").unwrap_err();
        assert_eq!(host(""), "unexpected response from the policy server: not JSON");
        assert_eq!(host("{}"), "unexpected response from the policy server: no \"config\" field");
        assert_eq!(
            host(r#"{"config": null}"#),
            "unexpected response from the policy server: no \"config\" field"
        );
        assert_eq!(
            user("[]").unwrap_err(),
            "unexpected response from the policy server: expected an object with a field \"config\""
        );
        assert_eq!(
            user(r#"{"config": {"User": 101}}"#).unwrap_err(),
            "unexpected response from the policy server: \"User\" is not a string"
        );
        assert_eq!(
            digest("\"sha256\"").unwrap_err(),
            "unexpected response from the policy server: expected an object with a field \"digest\""
        );
        for (wrong, reason) in [
            (r#"{"digest": "sha256:abc"}"#, "the image has a digest of the wrong length"),
            (
                r#"{"digest": "md5:abc"}"#,
                "the image has a digest that is not sha256, sha384, sha512 or blake3",
            ),
            ("{}", "no \"digest\" field"),
            (r#"{"digest": ""}"#, "the image has an invalid digest"),
        ] {
            assert_eq!(
                digest(wrong).unwrap_err(),
                format!("unexpected response from the policy server: {reason}")
            );
        }
    }

    #[test]
    fn each_image_is_queried_once() {
        let sha = format!("sha256:{}", "a".repeat(64));
        let answer = format!(r#"{{"digest": "{sha}", "config": {{"config": {{"User": "7"}}}}}}"#);
        let host = Host::new(Ok(&answer));
        let mut cache = RegistryCache::new(&host);
        for _ in 0..2 {
            assert_eq!(cache.user_of("a:1").unwrap(), "7");
            assert_eq!(cache.user_of("b:1").unwrap(), "7");
            assert_eq!(cache.digest_of("a:1").unwrap(), sha);
        }
        let expected = ["v1/oci_manifest_config a:1", "v1/oci_manifest_config b:1", "v1/manifest_digest a:1"];
        assert_eq!(*host.asked.borrow(), expected);
    }

    #[test]
    fn errors_of_the_policy_server_have_one_line() {
        let host =
            Host::new(Err("Host error: Callback evaluation failure: no such image\n\nCaused by: \u{1b}[31m"));
        let mut cache = RegistryCache::new(&host);
        assert_eq!(cache.user_of("a:1").unwrap_err(), "no such image");
        assert_eq!(cache.user_of("a:1").unwrap_err(), "no such image");
        assert_eq!(host.asked.borrow().len(), 1);
    }

    #[test]
    fn invalid_references_are_not_queried() {
        let mut cache = RegistryCache::new(&testing::NoRegistry);
        assert_eq!(
            cache.user_of("No Image").unwrap_err(),
            "the reference has a repository name with upper case letters"
        );
        assert_eq!(cache.digest_of("").unwrap_err(), "the reference is empty");
    }
}
