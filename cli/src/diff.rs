//! The difference of two objects, as a unified diff of YAML.

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Number of equal lines around a difference.
const CONTEXT: usize = 3;

/// A line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The kind of the line. The text does not show it: a removed `-- a` begins like a header.
    pub kind: LineKind,
    /// The line with its marker, without a line break.
    pub text: String,
}

/// The kind of a line of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// The name of a text.
    Header,
    /// The position of the lines below.
    Hunk,
    /// A line of both texts.
    Context,
    /// A line of the old text only.
    Removed,
    /// A line of the new text only.
    Added,
}

/// Returns the lines of a unified diff with the names of the two values. Equal values have no diff.
#[must_use]
pub fn unified(names: [String; 2], before: &Value, after: &Value) -> Vec<Line> {
    if before == after {
        return Vec::new();
    }
    let [old, new] = names;
    let mut lines = vec![header(format!("--- {old}")), header(format!("+++ {new}"))];
    let (before, after) = (yaml(before), yaml(after));
    for hunk in TextDiff::from_lines(&before, &after).unified_diff().context_radius(CONTEXT).iter_hunks() {
        lines.push(Line { kind: LineKind::Hunk, text: hunk.header().to_string() });
        lines.extend(hunk.iter_changes().map(|change| line(change.tag(), change.value())));
    }
    lines
}

fn header(text: String) -> Line {
    Line { kind: LineKind::Header, text }
}

fn line(tag: ChangeTag, text: &str) -> Line {
    let kind = match tag {
        ChangeTag::Equal => LineKind::Context,
        ChangeTag::Delete => LineKind::Removed,
        ChangeTag::Insert => LineKind::Added,
    };
    Line { kind, text: format!("{tag}{}", text.trim_end_matches('\n')) }
}

/// Returns a value in the YAML style of kubectl.
#[must_use]
pub fn yaml(value: &impl Serialize) -> String {
    // In a folded text, a new word in the first line changes all lines.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    // YAML can hold every value. If it could not, JSON would be readable too.
    serde_saphyr::to_string_with_options(value, options)
        .or_else(|_| serde_json::to_string_pretty(value).map(|text| text + "\n"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document;

    fn diff(before: &Value, after: &Value) -> Vec<(LineKind, String)> {
        let lines = unified(["a.yaml".to_owned(), "b.yaml".to_owned()], before, after);
        lines.into_iter().map(|line| (line.kind, line.text)).collect()
    }

    #[test]
    fn a_difference_is_between_three_equal_lines() {
        let before = json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": "x", "f": 1, "g": 1, "h": 1, "i": 1});
        let after = json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": "z", "f": 1, "g": 1, "h": 1, "i": 1});
        assert_eq!(
            diff(&before, &after),
            [
                (LineKind::Header, "--- a.yaml"),
                (LineKind::Header, "+++ b.yaml"),
                (LineKind::Hunk, "@@ -2,7 +2,7 @@"),
                (LineKind::Context, " b: 1"),
                (LineKind::Context, " c: 1"),
                (LineKind::Context, " d: 1"),
                (LineKind::Removed, "-e: x"),
                (LineKind::Added, "+e: z"),
                (LineKind::Context, " f: 1"),
                (LineKind::Context, " g: 1"),
                (LineKind::Context, " h: 1"),
            ]
            .map(|(kind, text)| (kind, text.to_owned()))
        );
    }

    #[test]
    fn distant_differences_are_separate() {
        let numbers = |first: u8, last: u8| json!([first, 2, 3, 4, 5, 6, 7, 8, last]);
        let hunks: Vec<_> = diff(&numbers(1, 9), &numbers(0, 0))
            .into_iter()
            .filter_map(|(kind, text)| (kind == LineKind::Hunk).then_some(text))
            .collect();
        assert_eq!(hunks, ["@@ -1,4 +1,4 @@", "@@ -6,4 +6,4 @@"]);
    }

    #[test]
    fn equal_values_have_no_diff() {
        assert_eq!(diff(&json!({"a": "-- b"}), &json!({"a": "-- b"})), []);
    }

    #[test]
    fn yaml_has_the_style_of_kubectl() {
        let long = ["word"; 20].join(" ");
        let pod = json!({
            "spec": {
                "containers": [{
                    "name": "web",
                    "image": "nginx:1.29",
                    "command": ["sh", "-c", "set -e\nexec nginx\n"],
                    "env": [{"name": "MODE", "value": "0644"}, {"name": "LONG", "value": long}],
                    "securityContext": {},
                }],
            },
            "metadata": {"name": "web", "annotations": {"on": "yes", "note": "a: b # c", "empty": ""}},
            "kind": "Pod",
        });
        assert_eq!(
            yaml(&pod).lines().collect::<Vec<_>>(),
            [
                "kind: Pod",
                "metadata:",
                "  annotations:",
                "    empty: \"\"",
                "    note: \"a: b # c\"",
                "    \"on\": \"yes\"",
                "  name: web",
                "spec:",
                "  containers:",
                "  - command:",
                "    - sh",
                "    - -c",
                "    - |",
                "      set -e",
                "      exec nginx",
                "    env:",
                "    - name: MODE",
                "      value: \"0644\"",
                "    - name: LONG",
                &format!("      value: {long}"),
                "    image: nginx:1.29",
                "    name: web",
                "    securityContext: {}",
            ]
        );
    }

    #[track_caller]
    fn round_trip(value: &Value) {
        let text = yaml(value);
        let read = document::parse("a.yaml", text.as_bytes()).remove(0).unwrap();
        assert_eq!(read.value, *value, "{text}");
    }

    /// Texts that would have another meaning without quotes.
    const MISLEADING: &str = r#"
        yes No on y null ~ true 1 0644 0o17 0x1f 1_000 1.5 1e3 12:30 2001-01-01 << =
        a: #a - *a &a !a | > %a @a `a` [a] {a} 'a' "a" a\b --- ...
    "#;

    const WITH_SPACES: [&str; 9] =
        ["", " ", " a ", "a: b", "a #b", "- a", "tab\there", "\u{2028}\u{feff}\u{7}", "a\r\nb"];

    const OF_SEVERAL_LINES: [&str; 8] = [
        "one\ntwo",
        "one\ntwo\n",
        "one\n\n\n",
        "\n",
        "\n\none",
        "  one\ntwo",
        "one \n  two\n",
        "key: a # b\n- c\n",
    ];

    #[test]
    fn written_yaml_has_the_same_value() {
        let long = ["long"; 40].join(" ");
        let texts = MISLEADING.split_whitespace().chain(WITH_SPACES).chain(OF_SEVERAL_LINES);
        for text in texts.chain([long.as_str()]) {
            round_trip(&json!({"a": text, "b": [text, {"c": text, "d": text}], text: 1}));
        }
        round_trip(&json!({"a": [], "b": {}, "c": null, "d": [[], {}, null, [1, [2]]]}));
        round_trip(&json!([true, -1, 0.5, u64::MAX, 1e300]));
    }
}
