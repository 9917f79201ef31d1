//! The commands in documents work as written.

use std::path::Path;

use super::*;

/// A block of commands, with the exit code of each.
struct Block {
    code: i32,
    commands: Vec<String>,
}

/// Returns the blocks of commands in a document: ```` ```sh ````, or ```` ```sh exits 1 ```` for commands with another exit code.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for text in document.split("\n```sh").skip(1) {
        let (info, text) = text.split_once('\n').unwrap();
        let commands = text.split("\n```").next().unwrap();
        let code = info.strip_prefix(" exits ").map_or(0, |code| code.parse().unwrap());
        blocks.push(Block { code, commands: commands.lines().map(str::to_owned).collect() });
    }
    blocks
}

/// Runs the commands of a document, and checks their exit codes.
#[track_caller]
fn commands_work(document: &str, at_least: usize) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(repository.join(document)).unwrap();
    let folder = Path::new(PROGRAM).parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let blocks = blocks(&document);
    assert!(blocks.len() >= at_least, "{} blocks", blocks.len());
    for Block { code, commands } in blocks {
        for command in commands {
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(repository)
                .env("PATH", &path)
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{command}\n{stderr}");
        }
    }
}

#[test]
fn the_commands_of_the_page_about_checks_have_the_stated_exit_code() {
    commands_work("docs/check.md", 4);
}

#[test]
fn the_commands_of_the_page_about_writable_paths_have_the_stated_exit_code() {
    commands_work("docs/writable-paths.md", 3);
}
