//! Looks up the digests of images in their registries.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::engine::Host;
use crate::input::{InputError, Problem, Source};
use crate::interactions::{Request, not_offered};
use crate::printable::one_line;

/// Time after which a registry that does not answer is given up.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The name under which docker's configuration has the credentials of Docker Hub.
///
/// Source: `IndexServer` in `github.com/docker/docker/registry`.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Asks registries, with the credentials in docker's configuration. All clones share the answers.
#[derive(Clone)]
pub struct Registries(Arc<Shared>);

struct Shared {
    runtime: Runtime,
    https: Client,
    /// For registries on this machine, which docker and podman also ask without TLS.
    http: Client,
    /// Docker's configuration, if there is one.
    docker: Option<DockerConfig>,
    /// The digest of each image, or why it is unknown.
    answers: Mutex<BTreeMap<String, Result<String, String>>>,
}

/// Docker's configuration.
struct DockerConfig {
    file: PathBuf,
    text: Vec<u8>,
}

impl Registries {
    /// Prepares the clients, and reads docker's configuration: `config.json` in the folder `DOCKER_CONFIG`, or else in `.docker` in
    /// the home of the user.
    ///
    /// # Errors
    ///
    /// If docker's configuration cannot be read, or if the system does not allow connections.
    pub fn new() -> Result<Self, InputError> {
        let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| env::home_dir().map(|home| home.join(".docker")));
        Self::with_config(folder.map(|folder| folder.join("config.json")))
    }

    fn with_config(file: Option<PathBuf>) -> Result<Self, InputError> {
        let docker = file.map(DockerConfig::read).transpose()?.flatten();
        Self::with_docker(docker)
            .map_err(|error| InputError::new(Source::file("registries"), Problem::Read(error)))
    }

    fn with_docker(docker: Option<DockerConfig>) -> io::Result<Self> {
        // Another provider may be installed, which is fine too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = |protocol| {
            let timeout = Some(TIMEOUT);
            let config = ClientConfig {
                protocol,
                connect_timeout: timeout,
                read_timeout: timeout,
                ..ClientConfig::default()
            };
            Client::try_from(config).map_err(io::Error::other)
        };
        let (https, http) = (client(ClientProtocol::Https)?, client(ClientProtocol::Http)?);
        Ok(Self(Arc::new(Shared { runtime, https, http, docker, answers: Mutex::default() })))
    }

    /// Returns the digest of an image, and looks it up once.
    ///
    /// # Errors
    ///
    /// Why the digest is unknown.
    pub fn digest(&self, image: &str) -> Result<String, String> {
        // Answers stay valid even if another thread panicked.
        let mut answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(image) {
            return answer.clone();
        }
        let answer = self.0.ask(image).map_err(|reason| one_line(&reason));
        answers.insert(image.to_owned(), answer.clone());
        answer
    }

    /// Returns each image whose digest is unknown, with the reason.
    #[must_use]
    pub fn failures(&self) -> Vec<(String, String)> {
        let answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let failed =
            answers.iter().filter_map(|(image, answer)| Some((image.clone(), answer.clone().err()?)));
        failed.collect()
    }
}

impl Host for Registries {
    fn answer(&self, call: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        match Request::of_call(call, payload)? {
            Request::OciManifestDigest { image } => {
                Ok(json!({"digest": self.digest(&image)?}).to_string().into_bytes())
            }
            Request::OciManifestAndConfig { .. } => Err(not_offered(call)),
        }
    }
}

impl Shared {
    fn ask(&self, image: &str) -> Result<String, String> {
        let reference: Reference = image.parse().map_err(|error| format!("not an image: {error}"))?;
        let registry = reference.resolve_registry();
        let client = if is_local(registry) { &self.http } else { &self.https };
        let auth = self
            .docker
            .as_ref()
            .map_or(Ok(RegistryAuth::Anonymous), |docker| docker.credentials(registry))?;
        let digest = self.runtime.block_on(client.fetch_manifest_digest(&reference, &auth));
        digest.map_err(|error| reason(&error))
    }
}

/// Returns whether a registry runs on this machine.
///
/// Source: docker counts the addresses of `127.0.0.0/8` and `localhost` as insecure registries (`github.com/docker/docker/registry`).
fn is_local(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

impl DockerConfig {
    /// Reads the file, if it exists.
    fn read(file: PathBuf) -> Result<Option<Self>, InputError> {
        match fs::read(&file) {
            Ok(text) => Ok(Some(Self { file, text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(InputError::new(Source::file(file.display().to_string()), Problem::Read(error)))
            }
        }
    }

    /// Returns the credentials for a registry. Without any, it is asked anonymously.
    fn credentials(&self, registry: &str) -> Result<RegistryAuth, String> {
        let server = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        match docker_credential::get_credential_from_reader(&*self.text, server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => Ok(RegistryAuth::Basic(user, password)),
            Ok(DockerCredential::IdentityToken(token)) => Ok(RegistryAuth::Bearer(token)),
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
            Err(error) => Err(format!("{}: the credentials for {registry}: {error}", self.file.display())),
        }
    }
}

/// Returns why a request failed: the first cause of a failed connection, or what the registry answered.
fn reason(error: &OciDistributionError) -> String {
    match error {
        OciDistributionError::RegistryError { envelope, .. } => envelope.to_string(),
        OciDistributionError::ServerError { code: 404, .. } => {
            "the registry does not have the image".to_owned()
        }
        OciDistributionError::ServerError { code, .. } => {
            format!("the registry answered with HTTP status {code}")
        }
        OciDistributionError::UnauthorizedError { .. } => {
            "the registry refuses access: log in with `docker login`".to_owned()
        }
        other => {
            let mut cause: &dyn Error = other;
            while let Some(source) = cause.source() {
                cause = source;
            }
            format!("the registry does not answer: {cause}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// Answers one request, and returns the address.
    fn server(status: &'static str, headers: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap() > 2 {
                    line.clear();
                }
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
                )
                .unwrap();
            }
        });
        address
    }

    #[test]
    fn a_digest_is_looked_up_once() {
        let address = server("200 OK", format!("docker-content-digest: {DIGEST}\r\n"));
        let registries = Registries::with_config(None).unwrap();
        let image = format!("{address}/shop/web:1");
        assert_eq!(registries.digest(&image), Ok(DIGEST.to_owned()));
        let payload = serde_json::to_vec(&image).unwrap();
        let answer = registries.answer("kubewarden/oci/v1/manifest_digest", &payload).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&answer).unwrap(), json!({"digest": DIGEST}));
        assert_eq!(registries.failures(), []);
    }

    #[test]
    fn a_failure_has_a_reason() {
        let registries = Registries::with_config(None).unwrap();
        let missing = format!("{}/shop/web:1", server("404 Not Found", String::new()));
        assert_eq!(registries.digest(&missing), Err("the registry does not have the image".to_owned()));
        let broken = format!("{}/shop/web:1", server("502 Bad Gateway", String::new()));
        assert_eq!(registries.digest(&broken), Err("the registry answered with HTTP status 502".to_owned()));
        // Nothing listens on this port.
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let reason = registries.digest(&format!("{closed}/shop/web:1")).unwrap_err();
        assert!(reason.starts_with("the registry does not answer: "), "{reason}");
        assert!(registries.digest("NOT AN IMAGE").unwrap_err().starts_with("not an image: "));
        assert_eq!(registries.failures().len(), 4);
        assert!(registries.answer("kubewarden/oci/v1/oci_manifest_config", b"\"web:1\"").is_err());
    }

    #[test]
    fn credentials_come_from_dockers_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        assert!(DockerConfig::read(file.clone()).unwrap().is_none());
        let credentials = |text: &str, registry| {
            fs::write(&file, text).unwrap();
            DockerConfig::read(file.clone()).unwrap().unwrap().credentials(registry)
        };
        // ann:secret, in the encoding of docker.
        let auths = r#"{"auths": {"registry.example.com": {"auth": "YW5uOnNlY3JldA=="},
            "https://index.docker.io/v1/": {"auth": "Ym9iOnNlY3JldA=="}}}"#;
        let basic = |user: &str| Ok(RegistryAuth::Basic(user.to_owned(), "secret".to_owned()));
        assert_eq!(credentials(auths, "registry.example.com"), basic("ann"));
        assert_eq!(credentials(auths, "index.docker.io"), basic("bob"));
        assert_eq!(credentials(auths, "other.example.com"), Ok(RegistryAuth::Anonymous));
        let reason = credentials("{", "registry.example.com").unwrap_err();
        assert!(
            reason.starts_with(&format!("{}: the credentials for registry.example.com: ", file.display())),
            "{reason}"
        );
    }

    #[test]
    fn only_registries_of_this_machine_are_asked_without_tls() {
        for local in ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert!(is_local(local), "{local}");
        }
        for other in ["docker.io", "localhost.example.com", "registry.example.com:127", "10.0.0.1:5000"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
