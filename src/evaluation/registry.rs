//! Queries registries about images, through the policy server.

use std::borrow::Cow;

use json_view::{RawValue, Text};

use crate::kubernetes::image_reference::ImageReference;
use crate::kubernetes::name_index::NameIndex;
use crate::raw_object::RawObject;
use crate::rules::rule::ImageConfig;

/// The policy server's access to registries.
pub trait Registry {
    /// Returns the policy server's response to a query about an image, in JSON.
    ///
    /// # Errors
    /// The reason why the policy server has no response. It is for administrators: pod authors choose which host the policy server
    /// contacts, so they must not read the details of the connection.
    fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String>;
}

/// A query about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Maximum number of VOLUMEs of an image. Known images have at most ten.
const MAX_VOLUMES: usize = 100;

/// Queries the registry about each image once.
pub struct RegistryCache<'r> {
    registry: &'r dyn Registry,
    configs: Answers<ImageConfig>,
    digests: Answers<Result<String, String>>,
}

impl<'r> RegistryCache<'r> {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(registry: &'r dyn Registry) -> Self {
        Self { registry, configs: Answers::default(), digests: Answers::default() }
    }

    /// Returns what rules read of the configuration of an image.
    pub fn config_of(&mut self, image: &str) -> ImageConfig {
        let registry = self.registry;
        self.configs.get_or_ask(image, || match ask(registry, RegistryQuery::ManifestConfig, image) {
            Ok(response) => {
                let unexpected = |reason| format!("{UNEXPECTED}{reason}");
                ImageConfig {
                    user: user(&response).map_err(unexpected),
                    volumes: volumes(&response).map_err(unexpected),
                }
            }
            Err(reason) => ImageConfig { user: Err(reason.clone()), volumes: Err(reason) },
        })
    }

    /// Returns the digest of an image.
    ///
    /// # Errors
    /// The reason why the digest is unknown.
    pub fn digest_of(&mut self, image: &str) -> Result<String, String> {
        let registry = self.registry;
        self.digests.get_or_ask(image, || {
            let response = ask(registry, RegistryQuery::ManifestDigest, image)?;
            digest(&response, image).map_err(|reason| format!("{UNEXPECTED}{reason}"))
        })
    }
}

/// The answers to queries of one kind.
struct Answers<T> {
    /// The index of each answer, by image.
    by_image: NameIndex<'static>,
    answers: Vec<T>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self { by_image: NameIndex::default(), answers: Vec::new() }
    }
}

impl<T: Clone> Answers<T> {
    fn get_or_ask(&mut self, image: &str, ask: impl FnOnce() -> T) -> T {
        let known = self.by_image.get(image).and_then(|index| self.answers.get(index));
        known.cloned().unwrap_or_else(|| {
            let answer = ask();
            self.by_image.add(image.to_owned().into(), self.answers.len());
            self.answers.push(answer.clone());
            answer
        })
    }
}

const UNEXPECTED: &str = "unexpected response from the policy server: ";

fn ask(registry: &dyn Registry, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String> {
    ImageReference::parse(image).map_err(|reason| format!("the reference {reason}"))?;
    registry.ask(query, image).map_err(|_| "the registry look-up failed".to_owned())
}

/// Returns the user in a response with the configuration of an image.
fn user(response: &[u8]) -> Result<String, String> {
    let user = option(response, "User")?;
    user.map_or(Ok(String::new()), |user| text(user, "User"))
}

/// Returns the paths of the VOLUMEs in a response with the configuration of an image, sorted.
fn volumes(response: &[u8]) -> Result<Vec<String>, String> {
    let Some(volumes) = option(response, "Volumes")? else { return Ok(Vec::new()) };
    let RawObject(fields) =
        json_view::from_slice(volumes.0).map_err(|_| "\"Volumes\" is not an object".to_owned())?;
    if fields.len() > MAX_VOLUMES {
        return Err(format!("\"Volumes\" has more than {MAX_VOLUMES} fields"));
    }
    let mut paths: Vec<_> = fields.into_iter().map(|(path, _)| Cow::from(path).into_owned()).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Returns a field of the container options in a response with the configuration of an image.
fn option<'j>(response: &'j [u8], name: &str) -> Result<Option<RawValue<'j>>, String> {
    let config = field(parse(response)?, "config")?.ok_or("no \"config\" field")?;
    field(config, "config")?.map_or(Ok(None), |options| field(options, name))
}

/// Returns the digest in a response about an image.
fn digest(response: &[u8], image: &str) -> Result<String, String> {
    let digest = text(field(parse(response)?, "digest")?.ok_or("no \"digest\" field")?, "digest")?;
    ImageReference::parse(&format!("{image}@{digest}")).map_err(|reason| format!("the image {reason}"))?;
    Ok(digest)
}

fn parse(response: &[u8]) -> Result<RawValue<'_>, String> {
    let json: &serde_json::value::RawValue =
        serde_json::from_slice(response).map_err(|_| "not JSON".to_owned())?;
    Ok(RawValue(json.get().as_bytes()))
}

fn text(RawValue(json): RawValue<'_>, name: &str) -> Result<String, String> {
    let text: Text<'_> = json_view::from_slice(json).map_err(|_| format!("{name:?} is not a string"))?;
    Ok(String::from(&text))
}

/// Returns a field of an object. `null` counts as missing.
///
/// Container runtimes match keys without regard to case, and use the last one. An author of an image could use that to show the
/// policy another user than the runtime, so similar keys are an error.
fn field<'j>(RawValue(object): RawValue<'j>, name: &str) -> Result<Option<RawValue<'j>>, String> {
    let RawObject(fields) =
        json_view::from_slice(object).map_err(|_| format!("expected an object with a field {name:?}"))?;
    let is_similar = |key: &str| key.chars().map(folded).eq(name.chars().map(folded));
    let mut similar = fields.into_iter().filter(|(key, _)| is_similar(key));
    match (similar.next(), similar.next()) {
        (None, _) => Ok(None),
        (Some((key, value)), None) if key == *name => Ok(Some(value).filter(|value| value.0 != b"null")),
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
        RegistryCache::new(&Host::new(Ok(&answer))).config_of("nginx").user
    }

    fn volumes_of(config: &str) -> Result<Vec<String>, String> {
        let answer = format!(r#"{{"config": {config}}}"#);
        RegistryCache::new(&Host::new(Ok(&answer))).config_of("nginx").volumes
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
    fn two_letters_outside_of_ascii_are_similar_to_an_ascii_letter() {
        let similar = ('\u{80}'..=char::MAX).filter(|letter| folded(*letter).is_ascii());
        assert_eq!(similar.collect::<String>(), "\u{17f}\u{212a}");
        assert_eq!("\u{17f}\u{212a}SK".chars().map(folded).collect::<String>(), "sksk");
    }

    #[test]
    fn other_responses_are_errors() {
        let host = |answer| RegistryCache::new(&Host::new(Ok(answer))).config_of("nginx").user.unwrap_err();
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
            assert_eq!(cache.config_of("a:1").user.unwrap(), "7");
            assert_eq!(cache.config_of("b:1").user.unwrap(), "7");
            assert_eq!(cache.digest_of("a:1").unwrap(), sha);
        }
        let expected = ["v1/oci_manifest_config a:1", "v1/oci_manifest_config b:1", "v1/manifest_digest a:1"];
        assert_eq!(*host.asked.borrow(), expected);
    }

    #[test]
    fn the_configuration_declares_volumes() {
        let of = |volumes: &str| volumes_of(&format!(r#"{{"config": {{"Volumes": {volumes}}}}}"#));
        assert_eq!(of(r#"{"/b": {}, "/a": {}, "/b": null}"#).unwrap(), ["/a", "/b"]);
        for none in ["{}", "null"] {
            assert_eq!(of(none).unwrap(), [""; 0], "{none}");
        }
        for (wrong, reason) in [
            (r#"["/a"]"#.to_owned(), "\"Volumes\" is not an object"),
            (r#"{}, "VOLUMES": {"/a": {}}"#.to_owned(), "ambiguous field \"Volumes\""),
            (many(101), "\"Volumes\" has more than 100 fields"),
        ] {
            assert_eq!(of(&wrong).unwrap_err(), format!("{UNEXPECTED}{reason}"));
        }
        assert_eq!(of(&many(100)).unwrap().len(), 100);
    }

    fn many(count: usize) -> String {
        let fields: Vec<_> = (0..count).map(|number| format!(r#""/{number}": {{}}"#)).collect();
        format!("{{{}}}", fields.join(","))
    }

    #[test]
    fn details_of_errors_are_not_shown() {
        let host = Host::new(Err("Host error: error sending request for url (http://10.0.0.1:22/v2/)"));
        let mut cache = RegistryCache::new(&host);
        for _ in 0..2 {
            assert_eq!(cache.config_of("a:1").user.unwrap_err(), "the registry look-up failed");
            assert_eq!(cache.config_of("a:1").volumes.unwrap_err(), "the registry look-up failed");
        }
        assert_eq!(host.asked.borrow().len(), 1);
        assert_eq!(cache.digest_of("a:1").unwrap_err(), "the registry look-up failed");
    }

    #[test]
    fn invalid_references_are_not_queried() {
        let mut cache = RegistryCache::new(&testing::NoRegistry);
        assert_eq!(
            cache.config_of("No Image").user.unwrap_err(),
            "the reference has a repository name with upper case letters"
        );
        assert_eq!(cache.digest_of("").unwrap_err(), "the reference is empty");
    }
}
