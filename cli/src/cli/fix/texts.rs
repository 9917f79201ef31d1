//! Writes fixes into files, or prints fixed texts.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use immutable_pods::fixing::{self, FixedText};
use immutable_pods::input::{InputError, Problem, Source};
use immutable_pods::manifest::{self, ReadOptions, Renderers, Text};
use similar::TextDiff;

use super::{Fix, Left, Tools};
use crate::cli::streams::UntilClosed;

impl Fix {
    /// Fixes the texts in files, folders and stdin.
    pub(super) fn fix_texts(&self, tools: &Tools, left: &mut Left<'_>) -> io::Result<()> {
        let options = ReadOptions { recursive: self.recursive, renderers: Renderers::default() };
        let using = self.fixer(tools);
        for text in manifest::texts(&self.paths, &options) {
            let text = match text {
                Ok(text) => text,
                Err(error) => {
                    left.add_problem(&error);
                    continue;
                }
            };
            let fixed = using.fix_text(&text.name, &text.bytes);
            for problem in &fixed.problems {
                left.add_problem(problem);
            }
            self.put(&text, &fixed, left)?;
            // What cannot be read was reported before.
            for evaluation in fixing::evaluate(&tools.check.evaluator, &text.name, &fixed.text) {
                left.add(&evaluation)?;
            }
        }
        Ok(())
    }

    /// Prints or writes a text.
    fn put(&self, text: &Text, fixed: &FixedText, left: &mut Left<'_>) -> io::Result<()> {
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
                left.add_problem(&InputError::new(Source::file(&text.name), Problem::NotWritten(reason)));
                Ok(())
            }
        }
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
