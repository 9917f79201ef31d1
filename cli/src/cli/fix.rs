//! `fix`: writes fixes into manifests.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use immutable_pods::evaluator::Evaluator;
use immutable_pods::fixing::{self, FixedText, every_fix};
use immutable_pods::input::{InputError, Problem, Source};
use immutable_pods::manifest::{self, ReadOptions, Renderers, Text};
use immutable_pods::policies::load::Loaded;
use immutable_pods::report::{Format, ReportOptions, Reporter, Summary, reporter};
use similar::TextDiff;

use super::policy_args::{PolicyArgs, Prepared};
use super::streams::{Errors, UntilClosed};

/// Write the fixes of the policy into manifests in YAML
///
/// Comments, order and formatting stay. Without `--policy`, every rule that can fix does, except for `imageReference` and
/// `noexecMounts`. With policies, what they fix is written. What stdin, a chart or a kustomization contains is printed. The result is
/// evaluated as `check` does.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Fix {
    /// Files and folders with manifests in YAML, or `-` for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policies: PolicyArgs,

    /// Print a patch for `patch -p1`, and write nothing
    #[arg(long)]
    diff: bool,

    /// Also give images the digests of their tags, which come from the recording
    #[arg(long, requires = "replay_host_capabilities_interactions", conflicts_with = "policies")]
    pin: bool,

    /// Also read the subfolders of folders
    #[arg(short = 'R', long)]
    recursive: bool,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods fix --diff deployment.yaml
  immutable-pods fix --recursive manifests/
  helm template chart/ | immutable-pods fix - | kubectl apply -f -

Exit codes:
  0  every fixed object is admitted
  1  at least one object is still denied
  2  something could not be read, evaluated or written";

/// What is left after the fixes.
#[derive(Default)]
struct Left {
    summary: Summary,
    has_problems: bool,
}

impl Fix {
    /// Fixes all inputs, and returns the exit code.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        let prepared = self.policies.prepare().and_then(|check| Ok((self.fixing()?, check)));
        let (fixing, check) = match prepared {
            Ok(prepared) => prepared,
            Err(reasons) => {
                errors.print_all(&reasons);
                return ExitCode::from(2);
            }
        };
        match self.fix_all(&fixing, &check, &mut errors) {
            Ok(Left { has_problems: true, .. }) => ExitCode::from(2),
            Ok(Left { summary, .. }) if summary.rejected() > 0 => ExitCode::FAILURE,
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                errors.print(&format!("stdout: {error}"));
                ExitCode::from(2)
            }
        }
    }

    /// Returns what fixes: the policies, or every rule that can fix.
    fn fixing(&self) -> Result<Prepared, Vec<String>> {
        if self.policies.policies.is_empty() {
            self.policies.prepare_with(Loaded::settings(every_fix(self.pin)))
        } else {
            self.policies.prepare()
        }
    }

    fn fix_all(&self, fixing: &Prepared, check: &Prepared, errors: &mut Errors) -> io::Result<Left> {
        let options = ReadOptions { recursive: self.recursive, renderers: Renderers::default() };
        let mut left = Left::default();
        // Texts and patches go to stdout.
        let out: Box<dyn Write> = Box::new(AutoStream::new(io::stderr(), ColorChoice::Auto));
        let mut report = reporter(Format::Text, out, ReportOptions { quiet: true, show_fixes: false });
        for text in manifest::texts(&self.paths, &options) {
            let text = match text {
                Ok(text) => text,
                Err(error) => {
                    left.add_problem(&error, errors);
                    continue;
                }
            };
            let fixed = fixing::fix(&fixing.evaluator, &text.name, &text.bytes);
            for problem in &fixed.problems {
                left.add_problem(problem, errors);
            }
            self.put(&text, &fixed, &mut left, errors)?;
            left.check(&check.evaluator, &text.name, &fixed.text, report.as_mut())?;
        }
        report.finish(&left.summary)?;
        Ok(left)
    }

    /// Prints or writes a text.
    fn put(&self, text: &Text, fixed: &FixedText, left: &mut Left, errors: &mut Errors) -> io::Result<()> {
        let mut stdout = UntilClosed(io::stdout());
        if self.diff {
            return stdout.write_all(patch(&text.name, &text.bytes, &fixed.text).as_bytes());
        }
        let Some(path) = &text.path else { return stdout.write_all(&fixed.text) };
        if fixed.fixed == 0 {
            return Ok(());
        }
        match write(path, &fixed.text) {
            Ok(()) => writeln!(stdout, "{}: fixed {}", text.name, count(fixed.fixed)),
            Err(reason) => {
                let error = InputError::new(Source::file(&text.name), Problem::NotWritten(reason));
                left.add_problem(&error, errors);
                Ok(())
            }
        }
    }
}

impl Left {
    fn add_problem(&mut self, problem: &InputError, errors: &mut Errors) {
        self.has_problems = true;
        self.summary.add_unreadable();
        errors.print(problem);
    }

    /// Evaluates a fixed text. What cannot be read was reported before.
    fn check(
        &mut self,
        evaluator: &Evaluator,
        name: &str,
        text: &[u8],
        report: &mut dyn Reporter,
    ) -> io::Result<()> {
        for evaluation in fixing::evaluate(evaluator, name, text) {
            self.summary.add(&evaluation);
            report.evaluation(&evaluation)?;
        }
        Ok(())
    }
}

fn count(objects: usize) -> String {
    if objects == 1 { "1 object".to_owned() } else { format!("{objects} objects") }
}

/// Returns a patch for `patch -p1`, which is empty for equal texts.
fn patch(name: &str, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let name = name.trim_start_matches("./").trim_start_matches('/');
    let diff = TextDiff::from_lines(&*before, &*after);
    diff.unified_diff().header(&format!("a/{name}"), &format!("b/{name}")).to_string()
}

/// Replaces a file at once, so that an interruption loses nothing. Links and read-only files stay as they are.
fn write(path: &Path, text: &[u8]) -> Result<(), String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_symlink() {
        return Err("the file is a link".to_owned());
    }
    if metadata.permissions().readonly() {
        return Err("the file is read-only".to_owned());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let replace = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text)?;
        file.as_file().sync_all()?;
        file.as_file().set_permissions(metadata.permissions())?;
        file.persist(path)?;
        Ok::<_, io::Error>(())
    };
    replace().map_err(|error| error.to_string())
}
