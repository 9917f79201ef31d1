//! The library of Pod Security Admission, in the program `pod-security` of `e2e-tests/control-plane/`.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::LEVELS;
use crate::module::in_repository;

const PROGRAM: &str = "pod-security";

/// The checks that refuse a pod, for each level, sorted.
pub(super) type Failed = [Vec<String>; 2];

/// A running program.
pub(super) struct Library {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Library {
    /// Starts the program if it is installed. If `may_build`, builds it with Go where it is not.
    pub(super) fn start(may_build: bool) -> Option<Self> {
        let program = installed().or_else(|| may_build.then(build).flatten())?;
        let mut process = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, questions, answers })
    }

    /// Returns the checks that refuse a pod.
    #[track_caller]
    pub(super) fn failed(&mut self, pod: &Value) -> Failed {
        writeln!(self.questions, "{pod}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer to {pod}"));
        LEVELS.map(|level| {
            let mut failed: Vec<String> = serde_json::from_value(answer[level].clone()).unwrap();
            failed.sort();
            failed
        })
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // It waits for the next pod.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the program in `KUBEBUILDER_ASSETS`, in the folder that `make control-plane` fills, or in the `PATH`.
fn installed() -> Option<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| in_repository("target"), PathBuf::from);
    let folders = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from).into_iter();
    let folders = folders.chain([target.join("control-plane")]);
    let in_path = env::var_os("PATH").unwrap_or_default();
    let folders = folders.chain(env::split_paths(&in_path));
    folders.map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}

fn build() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PROGRAM);
    let source = in_repository("e2e-tests/control-plane/pod-security");
    let arguments: [&OsStr; 5] =
        ["build".as_ref(), "-mod=readonly".as_ref(), "-o".as_ref(), program.as_ref(), ".".as_ref()];
    let status = Command::new("go").current_dir(source).env("GOWORK", "off").args(arguments).status().ok()?;
    status.success().then_some(program)
}
