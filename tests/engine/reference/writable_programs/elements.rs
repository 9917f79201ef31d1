//! Paths in the values of variables that make a program load code.

/// Options for files that a program writes. Words that begin with one of them do not name code.
const WRITTEN: [&str; 8] = [
    "-Xlog",
    "-Xloggc:",
    "--diagnostic-dir=",
    "--report-directory=",
    "--redirect-warnings=",
    "--cpu-prof-dir=",
    "--heap-prof-dir=",
    "--trace-event-file-pattern=",
];

/// Whether a word can name code.
fn may_be_code(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let is_property = name.starts_with("-D") && !name.ends_with("path") && !name.ends_with("dirs");
    let of_machine = ["Flags", "OnError", "OnOutOfMemoryError", "SharedArchiveFile", "VMOptionsFile"];
    let is_other_option =
        name.starts_with("-XX:") && !of_machine.iter().any(|option| name == format!("-XX:{option}"));
    !is_property && !is_other_option && !WRITTEN.iter().any(|option| word.starts_with(option))
}

/// Returns the paths of a variable, in order. An empty path means the working directory.
pub(super) fn elements(windows: bool, name: &str, value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let split = |separators: &[char]| value.split(separators).map(str::to_owned).collect::<Vec<_>>();
    if windows {
        // Names of variables are not case-sensitive on Windows.
        return if name.eq_ignore_ascii_case("PATH") { split(&[';']) } else { Vec::new() };
    }
    // A library name without a slash is looked up in the library path.
    let libraries = |separators: &[char]| {
        split(separators).into_iter().filter(|library| library.contains('/')).collect::<Vec<_>>()
    };
    match name {
        "LD_PRELOAD" => libraries(&[' ', ':']),
        "LD_AUDIT" => libraries(&[':']),
        "LD_LIBRARY_PATH" => split(&[':', ';']),
        "BASH_ENV" => vec![value.to_owned()],
        "PATH" | "PYTHONPATH" | "PERL5LIB" | "RUBYLIB" | "NODE_PATH" | "GCONV_PATH" => split(&[':']),
        "NODE_OPTIONS" | "JAVA_TOOL_OPTIONS" => paths_in_options(value),
        _ => Vec::new(),
    }
}

/// Returns the paths in the options of a program.
fn paths_in_options(value: &str) -> Vec<String> {
    let is_path = |piece: &&str| ["/", "./", "../"].iter().any(|start| piece.starts_with(start));
    let words = value.split(|letter: char| letter.is_whitespace() || "\"'".contains(letter));
    let words = words.filter(|word| may_be_code(word));
    words.flat_map(|word| word.split(['=', ':', ',', ';', '@'])).filter(is_path).map(str::to_owned).collect()
}
