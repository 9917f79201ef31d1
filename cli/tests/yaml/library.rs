//! Asks kubectl's library, which is in Go.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::Value;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/kubectl");
const PROGRAM: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/kubectl-yaml");

/// How a document was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Json(Value),
    Error(String),
}

/// A program around the library.
pub(crate) struct Library(PathBuf);

impl Library {
    /// Builds the program, if Go and the module are installed. Prints why the test is skipped otherwise.
    pub(crate) fn build() -> Option<Self> {
        static BUILT: LazyLock<bool> = LazyLock::new(|| {
            let build = ["build", "-o", PROGRAM, "."];
            let go = |proxy: &[(&str, &str)]| {
                let mut go = Command::new("go");
                go.args(build)
                    .current_dir(SOURCES)
                    .env("GOFLAGS", "-mod=readonly")
                    .envs(proxy.iter().copied());
                go.output().is_ok_and(|output| output.status.success())
            };
            go(&[("GOPROXY", "off")])
        });
        if *BUILT {
            return Some(Self(Path::new(PROGRAM).to_owned()));
        }
        println!("skipped: Go with the module sigs.k8s.io/yaml is not installed");
        None
    }

    /// Returns how the library reads each document.
    pub(crate) fn answers(&self, documents: &[String]) -> Vec<Answer> {
        let mut child = Command::new(&self.0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let lines: String =
            documents.iter().map(|document| serde_json::to_string(document).unwrap() + "\n").collect();
        let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<Answer> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), documents.len());
        answers
    }
}
