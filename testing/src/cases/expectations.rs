//! Writes verdicts into files of cases, without other changes to the files.

use serde_json::Value;

use super::payload::{self, DENY};

/// The expected verdict of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The findings of the denial.
    pub deny: Vec<String>,
    /// The warnings.
    pub warn: Vec<String>,
    /// The patch from the requested object to the fixed object.
    pub fix: Option<Value>,
}

/// The fields of a case that contain the verdict, in the order of the file.
const FIELDS: [&str; 4] = ["deny", "warn", "fix", "admit"];

impl Expectations {
    /// Returns the value of a field, if the verdict has that field.
    fn field(&self, field: &str) -> Option<Value> {
        let list = |lines: &[String]| Some(Value::from(lines)).filter(|_| !lines.is_empty());
        match field {
            "deny" => list(&self.deny),
            "warn" => list(&self.warn),
            "fix" => self.fix.clone(),
            _ => (*self == Self::default()).then_some(Value::Bool(true)),
        }
    }
}

/// Replaces the verdict of a case in the text of a file.
///
/// # Errors
///
/// If the file does not contain the case in the expected layout, or if the verdict cannot be written as YAML.
pub fn rewrite(text: &str, name: &str, old: &Expectations, new: &Expectations) -> Result<String, String> {
    let lines: Vec<_> = text.lines().collect();
    let start = lines.iter().position(|line| name_in(line) == Some(name));
    let start = start.ok_or_else(|| format!("missing line \"- name: {name}\""))?;
    let (before, rest) = lines.split_at(start);
    let next =
        rest.iter().skip(1).position(|line| line.starts_with("- ")).map_or(rest.len(), |next| next + 1);
    // Blank lines and comments before the next case belong to the next case.
    let is_between = |line: &&&str| line.is_empty() || line.starts_with('#');
    let length = next - rest.iter().take(next).rev().take_while(is_between).count();
    let (case, after) = rest.split_at(length);

    let mut written: Vec<_> = before.iter().map(|line| (*line).to_owned()).collect();
    let fields = fields(case);
    let is_verdict = |(field, _): &&(&str, Vec<&str>)| FIELDS.contains(field);
    let place = fields.iter().position(|field| is_verdict(&field)).unwrap_or(fields.len());
    let (first, last) = fields.split_at(place);
    let lines_of = |fields: &[(&str, Vec<&str>)]| -> Vec<String> {
        let kept = fields.iter().filter(|field| !is_verdict(field));
        kept.flat_map(|(_, lines)| lines.iter().map(|line| (*line).to_owned())).collect()
    };
    written.extend(lines_of(first));
    for field in FIELDS {
        let known = fields.iter().find(|(known, _)| *known == field);
        match (new.field(field), known) {
            (value, Some((_, lines))) if value == old.field(field) => {
                written.extend(lines.iter().map(|line| (*line).to_owned()));
            }
            (Some(value), _) => written.extend(rendered(field, &value)?),
            (None, _) => {}
        }
    }
    written.extend(lines_of(last));
    written.extend(after.iter().map(|line| (*line).to_owned()));
    Ok(written.join("\n") + "\n")
}

/// Returns the name in the first line of a case, without quotes. Names that YAML would parse as other values have quotes.
fn name_in(line: &str) -> Option<&str> {
    let name = line.strip_prefix("- name: ")?;
    let quoted = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
    Some(quoted.unwrap_or(name))
}

/// Returns the lines of a case by field. Comments between fields do not belong to a field.
fn fields<'t>(case: &[&'t str]) -> Vec<(&'t str, Vec<&'t str>)> {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in case {
        let content = line.strip_prefix("  ").unwrap_or_default();
        let begins =
            content.starts_with(|character: char| character.is_ascii_lowercase() || character == '#');
        match fields.last_mut() {
            Some((_, lines)) if !begins => lines.push(line),
            _ => fields.push((content.split(':').next().unwrap_or_default(), vec![line])),
        }
    }
    fields
}

/// Returns a field of a case as YAML.
fn rendered(field: &str, value: &Value) -> Result<Vec<String>, String> {
    if let Value::Array(lines) = value {
        let items = lines.iter().filter_map(Value::as_str).map(|line| format!("  - {}", quoted(line)));
        return Ok([format!("  {field}:")].into_iter().chain(items).collect());
    }
    if !value.is_object() {
        return Ok(vec![format!("  {field}: {value}")]);
    }
    let text = serde_saphyr::to_string(value).map_err(|error| error.to_string())?;
    let lines = text.lines().map(|line| format!("    {line}"));
    Ok([format!("  {field}:")].into_iter().chain(lines).collect())
}

/// Returns a text in quotes, if possible in quotes that the text does not contain.
fn quoted(text: &str) -> String {
    if text.contains(char::is_control) || (text.contains('\'') && !text.contains(['"', '\\'])) {
        Value::from(text).to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Replaces the findings in the comments of a payload.
#[must_use]
pub fn rewrite_payload(file: &[u8], deny: &[String]) -> Vec<u8> {
    let (comments, bytes) = payload::split(file);
    let comments = String::from_utf8_lossy(comments);
    let reasons = comments.lines().filter(|line| !line.starts_with(DENY)).map(str::to_owned);
    let lines = reasons.chain(deny.iter().map(|line| format!("{DENY}{line}")));
    let comments: String = lines.map(|line| line + "\n").collect();
    [comments.as_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "\
# A topic.

- name: first
  why: It is the first.
  # A comment stays.
  deny:
  - 'a: must not [privileged]'
  - 'b: must not [privileged]'

# Before the second.
- name: 'null'
  why: It is the second.
  admit: true
  settings: {privileged: warn}

- name: third
  why: It is the third.
  fix:
    spec: {hostPID: false}
";

    fn of(deny: &[&str], warn: &[&str], fix: Option<Value>) -> Expectations {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Expectations { deny: owned(deny), warn: owned(warn), fix }
    }

    /// Returns the file after a verdict is replaced.
    #[track_caller]
    fn rewritten(name: &str, old: &Expectations, new: &Expectations) -> String {
        rewrite(FILE, name, old, new).unwrap()
    }

    #[test]
    fn the_same_verdict_changes_nothing() {
        let first = of(&["a: must not [privileged]", "b: must not [privileged]"], &[], None);
        assert_eq!(rewritten("first", &first, &first), FILE);
        assert_eq!(rewritten("null", &of(&[], &[], None), &of(&[], &[], None)), FILE);
    }

    #[test]
    fn lines_are_replaced_in_place() {
        let first = of(&["a: must not [privileged]", "b: must not [privileged]"], &[], None);
        let new = of(&["c: it's \"web\" [privileged]", "d: the host's [privileged]"], &["e: x"], None);
        let expected = FILE.replace(
            "  - 'a: must not [privileged]'\n  - 'b: must not [privileged]'\n",
            "  - 'c: it''s \"web\" [privileged]'\n  - \"d: the host's [privileged]\"\n  warn:\n  - 'e: x'\n",
        );
        assert_eq!(rewritten("first", &first, &new), expected);
    }

    #[test]
    fn a_denial_replaces_an_admission() {
        let new = of(&["a: x"], &[], None);
        let expected = FILE.replace("  admit: true\n", "  deny:\n  - 'a: x'\n");
        assert_eq!(rewritten("null", &of(&[], &[], None), &new), expected);
    }

    #[test]
    fn an_admission_replaces_a_fix() {
        let old = of(&[], &[], Some(json!({"spec": {"hostPID": false}})));
        let expected = FILE.replace("  fix:\n    spec: {hostPID: false}\n", "  admit: true\n");
        assert_eq!(rewritten("third", &old, &of(&[], &[], None)), expected);
    }

    #[test]
    fn a_fix_survives_the_round_trip_through_yaml() {
        let fix = json!({"spec": {"mode": "off", "count": "1", "list": [{"name": "a b: c"}], "none": null}});
        let text = rewritten("null", &of(&[], &[], None), &of(&[], &[], Some(fix.clone())));
        let documents = immutable_pods::document::parse("cases.yaml", text.as_bytes());
        let cases = documents.into_iter().next().unwrap().unwrap().value;
        assert_eq!(cases[1]["fix"], fix, "{text}");
    }

    #[test]
    fn an_unknown_case_is_an_error() {
        let verdict = Expectations::default();
        let error = rewrite(FILE, "fourth", &verdict, &verdict).unwrap_err();
        assert_eq!(error, "missing line \"- name: fourth\"");
    }

    #[test]
    fn a_payload_keeps_its_reason_and_its_bytes() {
        let file = b"# Why.\n# deny: a\n# deny: b\n{\"# deny: c\"\xff";
        let rewritten = rewrite_payload(file, &["d".to_owned()]);
        assert_eq!(rewritten, b"# Why.\n# deny: d\n{\"# deny: c\"\xff");
    }
}
