//! The place to which a finding or an error belongs.

use std::fmt;

use crate::input::{InputError, Position, Problem, Source};

/// A place in a file that an author can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location<'a> {
    /// The file: the template of a chart, if the manifest was rendered.
    pub(super) file: &'a str,
    /// Whether there is such a file: stdin and clusters are not files.
    pub(super) is_file: bool,
    /// The position in the file. Positions in rendered text say nothing about the template.
    pub(super) position: Option<Position>,
}

impl<'a> Location<'a> {
    pub(super) fn of(source: &'a Source, position: Option<Position>) -> Self {
        match &source.template {
            Some(template) => Self { file: template, is_file: true, position: None },
            None => Self {
                file: &source.file,
                is_file: !source.is_in_cluster && source.file != "stdin",
                position,
            },
        }
    }

    pub(super) fn of_error(error: &'a InputError) -> Self {
        let position = match error.problem {
            Problem::Syntax { position, .. } => position,
            _ => None,
        };
        Self::of(&error.at, position)
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        match self.position {
            Some(Position { line, column }) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// Returns the place of an object for people: `pod.yaml, document 2`, or the template of a chart.
pub(super) fn place(source: &Source) -> String {
    source.template.clone().unwrap_or_else(|| source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Option<Position> = Some(Position { line: 3, column: 7 });

    #[test]
    fn a_finding_is_at_a_position_in_the_file() {
        let source = Source::file("pod.yaml");
        assert_eq!(Location::of(&source, POSITION).to_string(), "pod.yaml:3:7");
        assert_eq!(Location::of(&source, None).to_string(), "pod.yaml");
    }

    #[test]
    fn a_finding_in_a_rendered_chart_is_in_its_template() {
        let template = Some("chart/templates/pod.yaml".to_owned());
        let source = Source { template, ..Source::file("stdin") };
        let location = Location::of(&source, POSITION);
        assert_eq!(location.to_string(), "chart/templates/pod.yaml");
        assert!(location.is_file);
    }

    #[test]
    fn stdin_and_clusters_are_not_files() {
        assert!(!Location::of(&Source::file("stdin"), None).is_file);
        assert!(!Location::of(&Source::cluster("production"), None).is_file);
    }
}
