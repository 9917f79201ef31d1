//! Reads a line of a finding: `path: message [rule]`.

/// The parts of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingLine<'l> {
    /// The path of the field.
    pub path: Option<&'l str>,
    /// The message.
    pub message: &'l str,
    /// The id of the rule.
    pub rule: Option<&'l str>,
}

impl<'l> FindingLine<'l> {
    /// Reads a line. Any text is a message, because other policies write other sentences.
    #[must_use]
    pub fn parse(line: &'l str) -> Self {
        let (path, rest) = match line.split_once(": ") {
            Some((path, rest)) if !path.is_empty() && !path.contains(' ') => (Some(path), rest),
            _ => (None, line),
        };
        let (message, rule) = match rest.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [")) {
            Some((message, rule)) if !rule.is_empty() && !rule.contains(' ') => (message, Some(rule)),
            _ => (rest, None),
        };
        Self { path, message, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, path: Option<&str>, message: &str, rule: Option<&str>) {
        assert_eq!(FindingLine::parse(line), FindingLine { path, message, rule });
    }

    #[test]
    fn a_line_has_a_path_a_message_and_a_rule() {
        check("spec.a: see b: c [d] [rule-a]", Some("spec.a"), "see b: c [d]", Some("rule-a"));
    }

    #[test]
    fn path_and_rule_are_optional() {
        check("no field here: true", None, "no field here: true", None);
        check("spec.a: one", Some("spec.a"), "one", None);
        check("one [a b]", None, "one [a b]", None);
        check(": one []", None, ": one []", None);
    }
}
