//! `docs/terminal.svg`: what the program prints in a terminal, for the README.

use std::path::Path;

use anstyle::RgbColor;
use anstyle_svg::{Palette, Term, VGA};

use super::*;
use crate::golden;

/// The commands in the picture: a denial, and a fix.
const COMMANDS: [&str; 2] = [
    "check examples/nginx/1-plain.yaml",
    "check --show-fixes --policy examples/policies/fix-mutating.yaml examples/fix/nginx.yaml",
];

#[test]
fn the_picture_shows_what_the_program_prints() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut terminal = String::new();
    for arguments in COMMANDS {
        let mut command = Command::new(PROGRAM);
        let output =
            command.args(arguments.split(' ')).current_dir(repository).env("CLICOLOR_FORCE", "1").output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        terminal += "$ immutable-pods ";
        terminal.extend([arguments, "\n", &printed, "\n"]);
    }
    golden::check(&repository.join("docs/terminal.svg"), &picture(terminal.trim_end()));
}

/// Returns colors that are readable on the dark background.
fn colors() -> Palette {
    let Palette(mut colors) = VGA;
    let [_, red, green, yellow, _, _, cyan, ..] = &mut colors;
    *red = RgbColor(0xff, 0x7b, 0x72);
    *green = RgbColor(0x56, 0xd3, 0x64);
    *yellow = RgbColor(0xe3, 0xb3, 0x41);
    *cyan = RgbColor(0x56, 0xd4, 0xdd);
    Palette(colors)
}

/// Returns a picture of a terminal, which scales.
fn picture(text: &str) -> String {
    let svg = Term::new()
        .fg_color(RgbColor(0xe6, 0xed, 0xf3).into())
        .bg_color(RgbColor(0x16, 0x1b, 0x22).into())
        .palette(colors())
        .render_svg(text);
    let (before, rest) = svg.split_once("width=\"").unwrap();
    let (width, rest) = rest.split_once("px\" height=\"").unwrap();
    let (height, after) = rest.split_once("px\"").unwrap();
    format!("{before}viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"{after}")
}
