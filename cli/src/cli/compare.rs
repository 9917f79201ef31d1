//! `compare`: reports what a change of settings or of the module would alter.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};
use clap::Args;
use immutable_pods::Policy;
use immutable_pods::comparison::Difference;
use immutable_pods::evaluation::{Evaluation, Finding};
use immutable_pods::input::{InputError, Problem, Source};
use immutable_pods::manifest::{self, Manifest, ReadOptions, Renderers};
use immutable_pods::pipeline;
use immutable_pods::policies::load;
use immutable_pods::printable::one_line;

use super::engine::failure;
use super::policy_args::{PolicyArgs, PolicyInputs, Prepared, sentences};
use super::streams::{Errors, UntilClosed};

/// Compare the verdicts of two settings, or of two modules, on the same manifests
///
/// A and B are what `--policy` of `check` accepts: settings, or manifests of policies. Or they are modules of the policy, which are
/// compared with the settings in `--policy`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Compare {
    /// The settings, the policies or the module before the change
    #[arg(value_name = "A")]
    before: PathBuf,

    /// The settings, the policies or the module after the change
    #[arg(value_name = "B")]
    after: PathBuf,

    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policies: PolicyArgs,

    /// Also read the subfolders of folders
    #[arg(short = 'R', long)]
    recursive: bool,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods compare settings.yaml stricter.yaml manifests/
  immutable-pods compare --policy settings.yaml policy-v1.wasm policy-v2.wasm manifests/

Exit codes:
  0  every object gets the same verdict, findings and fixes
  1  at least one object does not
  2  something could not be read or evaluated";

/// The first bytes of a module.
const WASM: &[u8] = b"\0asm";

const ADDED: Style = AnsiColor::Red.on_default();
const REMOVED: Style = AnsiColor::Green.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);

/// What was compared.
#[derive(Debug, Default)]
struct Counts {
    objects: usize,
    different: usize,
    newly_denied: usize,
    newly_admitted: usize,
    unreadable: usize,
}

impl Compare {
    /// Compares all manifests, and returns the exit code.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        let [before, after] = match self.sides() {
            Ok(sides) => sides,
            Err(reasons) => {
                errors.print_all(&reasons);
                return ExitCode::from(2);
            }
        };
        errors.warn_all(&before.warnings);
        errors.warn_all(&after.warnings);
        match self.compare_all(&before, &after, &mut errors) {
            Ok(Counts { unreadable: 1.., .. }) => ExitCode::from(2),
            Ok(Counts { different: 1.., .. }) => ExitCode::FAILURE,
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                errors.print(&format!("stdout: {error}"));
                ExitCode::from(2)
            }
        }
    }

    /// Prepares both sides. An error contains all reasons.
    fn sides(&self) -> Result<[Prepared; 2], Vec<String>> {
        let shared = self.policies.read()?;
        match [&self.before, &self.after].map(|file| side(file, shared.clone())) {
            [Ok(before), Ok(mut after)] => {
                // Two modules have the policies in common.
                after.warnings.retain(|warning| !before.warnings.contains(warning));
                Ok([before, after])
            }
            [before, after] => Err([before.err(), after.err()].into_iter().flatten().flatten().collect()),
        }
    }

    fn compare_all(&self, before: &Prepared, after: &Prepared, errors: &mut Errors) -> io::Result<Counts> {
        let options = ReadOptions { recursive: self.recursive, renderers: Renderers::default() };
        let manifests = manifest::read(&self.paths, &options);
        let mut out = UntilClosed(AutoStream::new(io::stdout(), ColorChoice::Auto));
        let mut counts = Counts::default();
        let evaluate = |manifest: Result<Manifest, InputError>| {
            let manifest = manifest?;
            Ok((before.evaluator.evaluate(manifest.clone())?, after.evaluator.evaluate(manifest)?))
        };
        pipeline::in_order(
            manifests,
            before.threads(),
            evaluate,
            |result: Result<_, InputError>| match result {
                Ok((before, after)) => {
                    counts.objects += 1;
                    match Difference::between(&before, &after) {
                        Some(difference) => {
                            counts.add(&difference);
                            write_difference(&mut out, &after, &difference)
                        }
                        None => Ok(()),
                    }
                }
                Err(error) => {
                    counts.unreadable += 1;
                    errors.print(&error);
                    Ok(())
                }
            },
        )?;
        writeln!(out, "{counts}")?;
        out.flush()?;
        Ok(counts)
    }
}

/// Prepares a side: a module replaces the module, and every other file replaces the policies.
fn side(file: &Path, mut inputs: PolicyInputs) -> Result<Prepared, Vec<String>> {
    let name = file.display().to_string();
    let content = fs::read(file)
        .map_err(|error| vec![InputError::new(Source::file(&name), Problem::Read(error)).to_string()])?;
    if content.starts_with(WASM) {
        inputs.engine = Policy::from_module(&content).map_err(|error| vec![failure(Some(file), &error)])?;
        inputs.module = Some(file.to_owned());
        return inputs.prepare();
    }
    inputs.policies = load::load_text(&name, &content).map_err(|errors| sentences(&errors))?;
    let prepared = inputs.prepare()?;
    // Policies before and after a change usually have the same names.
    let warnings = prepared.warnings.iter().map(|warning| format!("{name}: {warning}")).collect();
    Ok(Prepared { warnings, ..prepared })
}

fn write_difference(out: &mut impl Write, after: &Evaluation, difference: &Difference) -> io::Result<()> {
    let place = one_line(&after.source.to_string());
    let subject = one_line(&after.subject.to_string());
    let verdict = if difference.before == difference.after {
        difference.after.as_str().to_owned()
    } else {
        format!("{} -> {}", difference.before.as_str(), difference.after.as_str())
    };
    writeln!(out, "{place}: {subject} {CHANGED}{verdict}{CHANGED:#}")?;
    difference.removed.iter().try_for_each(|finding| write_finding(out, '-', REMOVED, finding))?;
    difference.added.iter().try_for_each(|finding| write_finding(out, '+', ADDED, finding))?;
    if difference.has_other_fixes {
        writeln!(out, "    the fixes differ")?;
    }
    Ok(())
}

fn write_finding(out: &mut impl Write, sign: char, style: Style, finding: &Finding) -> io::Result<()> {
    let position =
        finding.position.map(|place| format!("{}:{} ", place.line, place.column)).unwrap_or_default();
    let level = finding.level.label().map(|label| format!("{label} ")).unwrap_or_default();
    let line = one_line(&finding.to_string());
    writeln!(out, "    {style}{sign} {position}{level}{line}{style:#}")
}

impl Counts {
    fn add(&mut self, difference: &Difference) {
        self.different += 1;
        self.newly_denied += usize::from(difference.is_newly_rejected());
        self.newly_admitted += usize::from(difference.is_newly_admitted());
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = if self.objects == 1 { "object" } else { "objects" };
        write!(f, "{} {noun}: {} different", self.objects, self.different)?;
        for (number, what) in [
            (self.newly_denied, "newly denied"),
            (self.newly_admitted, "newly admitted"),
            (self.unreadable, "unreadable"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        Ok(())
    }
}
