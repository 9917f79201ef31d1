//! Paths in a log at which a program failed because its file system is read-only.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use super::evidence::{Candidate, Evidence, Place, Reason};
use super::lines;
use crate::input::{Position, Problem};

/// How programs name the error `EROFS`, in lower case. The sentence is that of the C library and of Go.
const PHRASES: [&str; 3] = ["read-only file system", "readonlyfilesystem", "erofs"];

/// Words between a path and the name of the error that belong to the error, in lower case.
const WORDS_OF_ERROR: [&str; 8] = ["30", "code", "erofs", "errcode", "errno", "error", "failed", "os"];

/// Words before the path of a program or a script, in lower case.
const WORDS_BEFORE_SOURCES: [&str; 2] = ["at", "in"];

/// Parts of lines about a new directory, in lower case.
const NEW_DIRECTORY: [&str; 4] = ["mkdir", "create directory", "creating directory", "createdirectory"];

/// Parts of lines about the owner or the permissions of a file that can be a directory, in lower case.
const OWNERSHIP: [&str; 4] = ["chown", "chmod", "changing ownership", "changing permissions"];

/// Maximum number of words between the name of the error and the path after it.
const MAX_WORDS_AFTER: usize = 8;

/// Maximum number of different paths that are kept.
const MAX_PATHS: usize = 10_000;

/// Reads a log.
///
/// # Errors
///
/// If no line contains the error with a path.
pub(super) fn evidence(reader: impl Read) -> Result<Evidence, Problem> {
    let mut paths: BTreeMap<String, Place> = BTreeMap::new();
    let (mut without_path, mut is_empty) = (Vec::new(), true);
    lines::for_each(reader, |number, line| {
        is_empty &= line.is_empty();
        match FailedWrite::in_line(line) {
            Line::Other => {}
            Line::WithoutPath => without_path.push(number),
            Line::Failed(FailedWrite { path, place }) => {
                if paths.len() < MAX_PATHS {
                    paths.entry(path).or_insert(place);
                }
            }
        }
        Ok(())
    })?;
    let mut evidence = Evidence::default();
    for (path, place) in paths {
        let reason = Reason::Failed(path.clone());
        evidence.add(Candidate::new(&path, place, reason));
    }
    match without_path.first() {
        _ if is_empty => Err(problem(None, "the file is empty")),
        None if evidence.candidates.is_empty() => Err(problem(
            None,
            "no line says \"Read-only file system\" or EROFS: expected the log of a container with a read-only root, \
             the output of `docker diff`, or an image",
        )),
        Some(line) if evidence.candidates.is_empty() => Err(problem(
            Some(*line),
            "a write failed, but the line does not contain an absolute path: add the output of `docker diff`",
        )),
        Some(line) => {
            let (count, line) = (without_path.len(), *line);
            let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
            evidence.warnings.push(format!(
                "{lines} about a read-only file system without an absolute path, such as line {line}"
            ));
            Ok(evidence)
        }
        None => Ok(evidence),
    }
}

fn problem(line: Option<u64>, message: &str) -> Problem {
    let position = line.map(|line| Position { line, column: 1 });
    Problem::Syntax { position, message: message.to_owned() }
}

/// What a line of a log says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Other,
    WithoutPath,
    Failed(FailedWrite),
}

/// A path at which a program could not write.
#[derive(Debug, PartialEq, Eq)]
struct FailedWrite {
    path: String,
    place: Place,
}

impl FailedWrite {
    fn in_line(line: &str) -> Line {
        // Logs in JSON escape quotes.
        let line = line.replace("\\\"", "\"");
        let lower = line.to_ascii_lowercase();
        let Some(Range { start, end }) = PHRASES.iter().find_map(|phrase| find_words(&lower, phrase)) else {
            return Line::Other;
        };
        // A guess of the program, such as nginx about a file that it does not need to change.
        if lower.get(end..).is_some_and(|rest| rest.starts_with('?')) {
            return Line::Other;
        }
        let paths = paths(&line);
        let Some(path) = failed_path(&lower, &(start..end), &paths) else { return Line::WithoutPath };
        let contains = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        let place = if path.ends_with('/') {
            Place::At
        } else if contains(&NEW_DIRECTORY) || contains(&OWNERSHIP) {
            Place::AboveOrAt
        } else {
            Place::Above
        };
        Line::Failed(Self { path: path.to_owned(), place })
    }
}

/// Returns the position of words that are not part of a longer word.
fn find_words(text: &str, words: &str) -> Option<Range<usize>> {
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let ranges = text.match_indices(words).map(|(start, _)| start..start + words.len());
    ranges.into_iter().find(|range| {
        let before = text.get(..range.start).and_then(|text| text.chars().next_back());
        let after = text.get(range.end..).and_then(|text| text.chars().next());
        !is_part(before) && !is_part(after)
    })
}

/// A path in a line, with its position.
type Found<'l> = (Range<usize>, &'l str);

/// Returns the path that an error is about: the one next to the name of the error, or else the last one before it.
fn failed_path<'l>(lower: &str, error: &Range<usize>, paths: &[Found<'l>]) -> Option<&'l str> {
    let words = |range: Range<usize>| {
        let text = lower.get(range).unwrap_or_default();
        text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
    };
    let before = paths.iter().rfind(|(range, _)| range.end <= error.start);
    let after = paths.iter().find(|(range, _)| range.start >= error.end);
    let is_next =
        |(range, _): &&Found<'_>| words(range.end..error.start).all(|word| WORDS_OF_ERROR.contains(&word));
    let is_object = |(range, _): &&Found<'_>| {
        words(error.end..range.start).count() <= MAX_WORDS_AFTER
            && !words(error.end..range.start).any(|word| WORDS_BEFORE_SOURCES.contains(&word))
    };
    let found = before.filter(is_next).or_else(|| after.filter(is_object)).or(before);
    found.map(|(_, path)| *path)
}

/// Returns the absolute paths in a line.
fn paths(line: &str) -> Vec<Found<'_>> {
    let mut paths = Vec::new();
    let mut end = 0;
    for (start, _) in line.match_indices('/') {
        let last = line.get(..start).and_then(|text| text.chars().next_back());
        if start < end || last.is_some_and(|last| !is_boundary(last)) {
            continue;
        }
        let rest = line.get(start..).unwrap_or_default();
        let path = last
            .and_then(closing_quote)
            .and_then(|quote| Some(rest.split_once(quote)?.0))
            .unwrap_or_else(|| {
                let word = rest.split(|character: char| {
                    character.is_whitespace() || character.is_control() || "\"<>|".contains(character)
                });
                word.clone()
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches([':', ',', ';', '.', ')', ']', '}', '\'', '`'])
            });
        if path.len() > 1 && !path.starts_with("//") {
            end = start + path.len();
            paths.push((start..end, path));
        }
    }
    paths
}

/// Returns whether a path can begin after a character.
fn is_boundary(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || closing_quote(character).is_some()
        || "([{=:,<>|".contains(character)
}

/// Returns the quote that ends what another one begins.
fn closing_quote(opening: char) -> Option<char> {
    match opening {
        '"' | '\'' => Some(opening),
        '`' => Some('\''),
        '‘' => Some('’'),
        '“' => Some('”'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(line: &str, path: &str, place: Place) {
        assert_eq!(FailedWrite::in_line(line), Line::Failed(FailedWrite { path: path.to_owned(), place }));
    }

    #[test]
    fn lines_of_common_programs_are_understood() {
        for (line, path) in [
            ("open /run/app/x.sock: read-only file system", "/run/app/x.sock"),
            ("rename /a/x.tmp /b/x: read-only file system", "/b/x"),
            ("Error: failed to start: open /data/db: read-only file system, retrying in 3s", "/data/db"),
            (r#"{"level":"error","error":"open \"/data/x y\": read-only file system"}"#, "/data/x y"),
            ("OSError: [Errno 30] Read-only file system: '/srv/app/x.log'", "/srv/app/x.log"),
            ("OSError: [Errno 30] Read-only file system: '/srv/a' -> '/srv/b'", "/srv/a"),
            ("Error: EROFS: read-only file system, open '/app/x'", "/app/x"),
            ("java.nio.file.FileSystemException: /opt/x/y: Read-only file system", "/opt/x/y"),
            ("java.io.FileNotFoundException: /opt/logs/app.log (Read-only file system)", "/opt/logs/app.log"),
            (
                r#"2026/01/02 10:00:00 [emerg] 1#1: open() "/var/run/nginx.pid" failed (30: Read-only file system)"#,
                "/var/run/nginx.pid",
            ),
            (
                "/usr/lib/ruby/3.3.0/fileutils.rb:10:in 'initialize': Read-only file system @ rb_sysopen - /app/x.log (Errno::EROFS)",
                "/app/x.log",
            ),
            ("touch: cannot touch '/opt/a b/x': Read-only file system", "/opt/a b/x"),
            ("touch: cannot touch ‘/opt/x’: Read-only file system", "/opt/x"),
            ("/entrypoint.sh: line 12: /etc/app/x.conf: Read-only file system", "/etc/app/x.conf"),
            ("/docker-entrypoint.sh: 7: cannot create /data/x: Read-only file system", "/data/x"),
            ("Can't open /data/x: Read-only file system at /app/main.pl line 3.", "/data/x"),
            (
                "PHP Warning: file_put_contents(/data/x): Failed to open stream: Read-only file system in /app/x.php on line 3",
                "/data/x",
            ),
            (
                r#"FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.5432.lock": Read-only file system"#,
                "/var/run/postgresql/.s.PGSQL.5432.lock",
            ),
            (
                "mysqld: Can't create/write to file '/var/run/x' (OS errno 30 - Read-only file system)",
                "/var/run/x",
            ),
            (
                "(30)Read-only file system: AH00099: could not create /usr/local/apache2/logs/httpd.pid",
                "/usr/local/apache2/logs/httpd.pid",
            ),
            ("System.IO.IOException: Read-only file system : '/data/x'", "/data/x"),
            ("\u{1b}[31merror\u{1b}[0m open /data/x\u{1b}[0m: read-only file system", "/data/x"),
        ] {
            is(line, path, Place::Above);
        }
    }

    #[test]
    fn new_directories_can_be_volumes_themselves() {
        for line in [
            "mkdir /data/x: read-only file system",
            "mkdir: cannot create directory '/data/x': Read-only file system",
            "mkdir: can't create directory '/data/x': Read-only file system",
            r#"nginx: [emerg] mkdir() "/data/x" failed (30: Read-only file system)"#,
            "Error: EROFS: read-only file system, mkdir '/data/x'",
            "Read-only file system @ dir_s_mkdir - /data/x (Errno::EROFS)",
            "chown: changing ownership of '/data/x': Read-only file system",
            "chown: /data/x: Read-only file system",
        ] {
            is(line, "/data/x", Place::AboveOrAt);
        }
    }

    #[test]
    fn other_lines_are_ignored() {
        for line in [
            "",
            "listening on /run/app.sock",
            "zerofs mounted at /data",
            "info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)",
        ] {
            assert_eq!(FailedWrite::in_line(line), Line::Other, "{line}");
        }
    }

    #[test]
    fn lines_without_an_absolute_path_are_counted() {
        let relative = "mkdir: can't create directory 'logs': Read-only file system\n";
        let problem = evidence(format!("start\n{relative}").as_bytes()).unwrap_err();
        assert!(problem.to_string().contains("does not contain an absolute path"), "{problem}");
        let log = format!("{relative}mkdir /data/x: read-only file system\n{relative}");
        let evidence = evidence(log.as_bytes()).unwrap();
        assert_eq!(evidence.candidates.len(), 1);
        assert_eq!(
            evidence.warnings,
            ["2 lines about a read-only file system without an absolute path, such as line 1"]
        );
    }

    #[test]
    fn a_log_without_failed_writes_is_rejected() {
        for (log, message) in
            [("", "the file is empty"), ("\n\n", "the file is empty"), ("started\n", "no line says")]
        {
            let problem = evidence(log.as_bytes()).unwrap_err().to_string();
            assert!(problem.starts_with(message), "{problem}");
        }
    }
}
