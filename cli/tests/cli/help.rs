//! `docs/cli.md`: the help of every command.

use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::golden;

const INTRODUCTION: &str = "\
<!-- Generated from the help of the program: UPDATE_EXPECT=1 cargo test -p immutable-pods --test cli -->

# Command line

What `immutable-pods COMMAND --help` prints. [Check manifests](check.md) describes the commands with examples.

| command | purpose |
| --- | --- |
";

/// Returns what the program prints with these arguments.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let outcome = Outcome::of(&Folder::with(&[]).command(arguments).output().unwrap());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    outcome.stdout
}

/// Returns the commands in the help of the program, each with its purpose.
fn commands(help: &str) -> Vec<(&str, &str)> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let commands = lines.filter_map(|line| line.trim_start().split_once(' '));
    commands.map(|(name, purpose)| (name, purpose.trim())).filter(|(name, _)| *name != "help").collect()
}

#[test]
fn the_page_contains_the_help_of_every_command() {
    let help = printed(&["--help"]);
    let commands = commands(&help);
    assert!(commands.len() > 5, "{help}");
    let (mut table, mut sections) = (String::new(), String::new());
    for (name, purpose) in commands {
        let _ = writeln!(table, "| [`{name}`](#{name}) | {purpose} |");
        let help = printed(&[name, "--help"]);
        let lines: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
        let _ = write!(sections, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n"));
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    golden::check(&repository.join("docs/cli.md"), &format!("{INTRODUCTION}{table}{sections}"));
}
