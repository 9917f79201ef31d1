//! The commands in documents work as written.

use std::os::unix::fs::symlink;
use std::path::Path;

use walkdir::WalkDir;

use super::*;

/// A block of commands, with the exit code of each.
struct Block {
    code: i32,
    commands: Vec<String>,
}

/// Returns the blocks of commands in a document: ```` ```sh ````, or ```` ```sh exits 1 ```` for commands with another exit code. Blocks
/// with another word need a cluster, and other tests run them.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for text in document.split("\n```sh").skip(1) {
        let (info, text) = text.split_once('\n').unwrap();
        let commands = text.split("\n```").next().unwrap();
        let code = match info.split_once(" exits ") {
            Some((_, code)) => code.parse().unwrap(),
            None if info.is_empty() => 0,
            None => continue,
        };
        blocks.push(Block { code, commands: commands.lines().map(str::to_owned).collect() });
    }
    blocks
}

#[test]
fn the_commands_of_pages_have_the_stated_exit_code() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    // Some commands write files beside the examples.
    let folder = Folder::with(&[]);
    symlink(repository.join("examples"), folder.0.path().join("examples")).unwrap();
    let mut count = 0;
    for page in WalkDir::new(repository.join("docs")).sort_by_file_name() {
        let page = page.unwrap();
        if page.path().extension().is_some_and(|extension| extension == "md") {
            count += run_commands_of(page.path(), folder.0.path());
        }
    }
    assert!(count >= 40, "{count} commands");
}

/// Runs the commands of a page in a folder, and returns their number.
fn run_commands_of(page: &Path, folder: &Path) -> usize {
    let document = fs::read_to_string(page).unwrap();
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let mut count = 0;
    for Block { code, commands } in blocks(&document) {
        for command in commands {
            let mut shell = Command::new("sh");
            let output =
                shell.args(["-c", &command]).current_dir(folder).env("PATH", &path).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{}: {command}\n{stderr}", page.display());
            count += 1;
        }
    }
    count
}
