//! The commands in documents work as written.

use std::path::Path;

use walkdir::WalkDir;

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

#[test]
fn the_commands_of_pages_have_the_stated_exit_code() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut count = 0;
    for page in WalkDir::new(repository.join("docs")).sort_by_file_name() {
        let page = page.unwrap();
        if page.path().extension().is_some_and(|extension| extension == "md") {
            count += run_commands_of(repository, page.path());
        }
    }
    assert!(count >= 20, "{count} commands");
}

/// Runs the commands of a page, and returns their number.
fn run_commands_of(repository: &Path, page: &Path) -> usize {
    let document = fs::read_to_string(page).unwrap();
    let folder = Path::new(PROGRAM).parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let mut count = 0;
    for Block { code, commands } in blocks(&document) {
        for command in commands {
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(repository)
                .env("PATH", &path)
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{}: {command}\n{stderr}", page.display());
            count += 1;
        }
    }
    count
}
