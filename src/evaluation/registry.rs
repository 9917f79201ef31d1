//! What registries know of images, as the policy's host tells it.

use crate::kubernetes::image_reference::ImageReference;
use crate::kubernetes::name_index::NameIndex;
use crate::text::printable;
use json_view::Text;
use json_view::{self as json, Error, Reader};

/// The host's way to registries.
pub trait Registry {
    /// The host's answer to a question about an image, in JSON.
    ///
    /// # Errors
    /// When it has none: what it says about that.
    fn ask(&self, question: Question, image: &str) -> Result<Vec<u8>, String>;
}

/// What there is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The configuration of an image. Of one for several platforms, it is that for the platform of the host.
    ManifestConfig,
    /// The digest behind a tag.
    ManifestDigest,
}

impl Question {
    /// The operation of the host, in its namespace `oci`.
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

/// Asks about each image once, however often an answer is needed.
pub struct Lookups<'r> {
    registry: &'r dyn Registry,
    asked: NameIndex<'static>,
    answers: Vec<Result<String, String>>,
}

impl<'r> Lookups<'r> {
    /// Nothing has been asked yet.
    #[must_use]
    pub fn new(registry: &'r dyn Registry) -> Self {
        Self { registry, asked: NameIndex::default(), answers: Vec::new() }
    }

    /// The user that an image runs as, as its configuration names it; empty where it names none.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn user_of(&mut self, image: &str) -> Result<String, String> {
        self.look_up(Question::ManifestConfig, image)
    }

    /// The digest of an image.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn digest_of(&mut self, image: &str) -> Result<String, String> {
        self.look_up(Question::ManifestDigest, image)
    }

    fn look_up(&mut self, question: Question, image: &str) -> Result<String, String> {
        let key = format!("{} {image}", question.operation());
        if let Some(answer) = self.asked.get(&key).and_then(|place| self.answers.get(place)) {
            return answer.clone();
        }
        let answer = self.ask(question, image);
        self.asked.add(key.into(), self.answers.len());
        self.answers.push(answer.clone());
        answer
    }

    fn ask(&self, question: Question, image: &str) -> Result<String, String> {
        ImageReference::parse(image).map_err(|reason| format!("the reference {reason}"))?;
        let answer = self.registry.ask(question, image).map_err(|reason| first_line(&reason))?;
        read(question, image, &answer)
            .map_err(|reason| format!("the answer of the host cannot be understood: {reason}"))
    }
}

/// What an answer says that there is to be known.
fn read(question: Question, image: &str, answer: &[u8]) -> Result<String, String> {
    let path: &[&str] = match question {
        Question::ManifestConfig => &["config", "config", "User"],
        Question::ManifestDigest => &["digest"],
    };
    let mut found = Found::default();
    json::read_with(answer, |reader| found.read(reader, path)).map_err(|error| error.message().to_owned())?;
    if !found.is_there {
        return Err(format!("it has no {}", path.first().unwrap_or(&"")));
    }
    if question == Question::ManifestDigest {
        let pinned = format!("{image}@{}", &*found.text);
        ImageReference::parse(&pinned).map_err(|reason| format!("it {reason}"))?;
    }
    Ok(String::from(&found.text))
}

/// What the SDK and the policy server put before the reason.
const PREFIXES: [&str; 2] = ["Host error: ", "Callback evaluation failure: "];

/// The reason why the host has no answer. It may go on with the state of the host's own code, line by line.
fn first_line(reason: &str) -> String {
    let reason = PREFIXES.iter().fold(reason, |reason, prefix| reason.strip_prefix(prefix).unwrap_or(reason));
    let line = reason.split_once('\n').map_or(reason, |(line, _)| line.strip_suffix('\r').unwrap_or(line));
    printable(line.trim_end_matches(['.', ' '])).to_string()
}

/// A string that is searched for in an answer, and whether the first key on the way to it is there.
#[derive(Default)]
struct Found<'a> {
    text: Text<'a>,
    is_there: bool,
}

impl<'a> Found<'a> {
    /// Reads the string at a path of keys. Container runtimes do not tell keys apart by their case, and take the last one:
    /// whoever made the image could tell them another user than us.
    fn read(&mut self, reader: &mut Reader<'a>, path: &[&str]) -> Result<(), Error> {
        let Some((name, rest)) = path.split_first() else {
            self.text = reader.string()?;
            return Ok(());
        };
        let mut is_known = false;
        let mut entries = reader.object()?;
        while let Some(key) = entries.next_key()? {
            if !key.chars().map(folded).eq(name.chars().map(folded)) {
                entries.read_with(Reader::skip)?;
            } else if is_known || key != *name {
                return Err(entries.duplicate_field(name));
            } else {
                is_known = true;
                if !entries.read_with(Reader::skip_null)? {
                    self.is_there = true;
                    entries.read_with(|reader| self.read(reader, rest))?;
                }
            }
        }
        Ok(())
    }
}

/// What Go takes for the same letter, of those that are folded into one of ours.
///
/// Source: `foldName` in Go's encoding/json.
fn folded(letter: char) -> char {
    if letter == '\u{17f}' { 's' } else { letter.to_ascii_lowercase() }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A host that offers no registry.
    pub(crate) struct NoRegistry;

    impl Registry for NoRegistry {
        fn ask(&self, question: Question, image: &str) -> Result<Vec<u8>, String> {
            panic!("{question:?} is asked about {image}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A host that always gives the same answer, and notes what it is asked.
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
        fn ask(&self, question: Question, image: &str) -> Result<Vec<u8>, String> {
            self.asked.borrow_mut().push(format!("{} {image}", question.operation()));
            self.answer.map(|answer| answer.as_bytes().to_vec()).map_err(str::to_owned)
        }
    }

    fn user(config: &str) -> Result<String, String> {
        let answer = format!(r#"{{"manifest": {{}}, "digest": "x", "config": {config}}}"#);
        Lookups::new(&Host::new(Ok(&answer))).user_of("nginx")
    }

    fn digest(answer: &str) -> Result<String, String> {
        Lookups::new(&Host::new(Ok(answer))).digest_of("nginx:1")
    }

    #[test]
    fn reads_the_user_of_an_image() {
        assert_eq!(user(r#"{"os": "linux", "config": {"Cmd": [], "User": "101:101"}}"#).unwrap(), "101:101");
        for none in ["{}", r#"{"config": null}"#, r#"{"config": {}}"#, r#"{"config": {"User": null}}"#] {
            assert_eq!(user(none).unwrap(), "", "{none}");
        }
    }

    #[test]
    fn refuses_what_a_runtime_would_read_otherwise() {
        for (config, key) in [
            (r#"{"config": {"User": "101", "user": "root"}}"#, "User"),
            (r#"{"config": {"user": "root"}}"#, "User"),
            (r#"{"config": {"U\u017fer": "root"}}"#, "User"),
            (r#"{"config": {"User": "101", "User": "0"}}"#, "User"),
            (r#"{"config": {"User": "101"}, "Config": {"User": "0"}}"#, "config"),
        ] {
            let reason = format!("the answer of the host cannot be understood: duplicate field `{key}`");
            assert_eq!(user(config), Err(reason), "{config}");
        }
    }

    #[test]
    fn refuses_what_is_no_answer() {
        let host = |answer| Lookups::new(&Host::new(Ok(answer))).user_of("nginx").unwrap_err();
        assert_eq!(host(""), "the answer of the host cannot be understood: expected a value");
        assert_eq!(host("{}"), "the answer of the host cannot be understood: it has no config");
        assert_eq!(
            host(r#"{"config": null}"#),
            "the answer of the host cannot be understood: it has no config"
        );
        assert_eq!(
            user("[]").unwrap_err(),
            "the answer of the host cannot be understood: expected an object, got a list"
        );
        assert_eq!(
            user(r#"{"config": {"User": 101}}"#).unwrap_err(),
            "the answer of the host cannot be understood: expected a string, got a number"
        );
        assert_eq!(
            digest("\"sha256\"").unwrap_err(),
            "the answer of the host cannot be understood: expected an object, got a string"
        );
        for (wrong, reason) in [
            (r#"{"digest": "sha256:abc"}"#, "it has a digest of the wrong length"),
            (r#"{"digest": "md5:abc"}"#, "it has a digest that is none of sha256, sha384 and sha512"),
            ("{}", "it has no digest"),
            (r#"{"digest": ""}"#, "it has an invalid digest"),
        ] {
            assert_eq!(
                digest(wrong).unwrap_err(),
                format!("the answer of the host cannot be understood: {reason}")
            );
        }
    }

    #[test]
    fn asks_about_each_image_once() {
        let sha = format!("sha256:{}", "a".repeat(64));
        let answer = format!(r#"{{"digest": "{sha}", "config": {{"config": {{"User": "7"}}}}}}"#);
        let host = Host::new(Ok(&answer));
        let mut lookups = Lookups::new(&host);
        for _ in 0..2 {
            assert_eq!(lookups.user_of("a:1").unwrap(), "7");
            assert_eq!(lookups.user_of("b:1").unwrap(), "7");
            assert_eq!(lookups.digest_of("a:1").unwrap(), sha);
        }
        let expected = ["v1/oci_manifest_config a:1", "v1/oci_manifest_config b:1", "v1/manifest_digest a:1"];
        assert_eq!(*host.asked.borrow(), expected);
    }

    #[test]
    fn keeps_the_first_line_of_what_the_host_says() {
        let host =
            Host::new(Err("Host error: Callback evaluation failure: no such image\n\nCaused by: \u{1b}[31m"));
        let mut lookups = Lookups::new(&host);
        assert_eq!(lookups.user_of("a:1").unwrap_err(), "no such image");
        assert_eq!(lookups.user_of("a:1").unwrap_err(), "no such image");
        assert_eq!(host.asked.borrow().len(), 1);
    }

    #[test]
    fn asks_nothing_about_what_is_no_image() {
        let mut lookups = Lookups::new(&testing::NoRegistry);
        assert_eq!(
            lookups.user_of("No Image").unwrap_err(),
            "the reference has a repository name with upper case letters"
        );
        assert_eq!(lookups.digest_of("").unwrap_err(), "the reference is empty");
    }
}
