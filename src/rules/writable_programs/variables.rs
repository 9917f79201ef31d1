//! Variables that make programs load code, and the paths in their values.

/// The variable with the directories in which programs are looked up.
pub(super) const PATH: &str = "PATH";

/// How a value is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Libraries: a name without a slash is looked up in the library path.
    Libraries(&'static [char]),
    /// Directories.
    Directories(&'static [char]),
    /// One file.
    File,
    /// Options of a program, some with paths.
    Options,
}

/// Source: `ld.so(8)`, `bash(1)`, `python(1)`, `perlrun(1)`, `ruby(1)`, `gconv` in the manual of glibc, the documentation of
/// Node.js and of the Java Virtual Machine.
const VARIABLES: [(&str, Syntax); 12] = [
    ("LD_PRELOAD", Syntax::Libraries(&[' ', ':'])),
    ("LD_AUDIT", Syntax::Libraries(&[':'])),
    ("LD_LIBRARY_PATH", Syntax::Directories(&[':', ';'])),
    (PATH, Syntax::Directories(&[':'])),
    ("BASH_ENV", Syntax::File),
    ("PYTHONPATH", Syntax::Directories(&[':'])),
    ("PERL5LIB", Syntax::Directories(&[':'])),
    ("RUBYLIB", Syntax::Directories(&[':'])),
    ("NODE_PATH", Syntax::Directories(&[':'])),
    ("GCONV_PATH", Syntax::Directories(&[':'])),
    ("NODE_OPTIONS", Syntax::Options),
    ("JAVA_TOOL_OPTIONS", Syntax::Options),
];

/// Options that name files to write.
const WRITING_OPTIONS: [&str; 8] = [
    "-Xlog",
    "-Xloggc:",
    "--diagnostic-dir=",
    "--report-directory=",
    "--redirect-warnings=",
    "--cpu-prof-dir=",
    "--heap-prof-dir=",
    "--trace-event-file-pattern=",
];

/// Options of the Java Virtual Machine after `-XX:` that name a program, options, or compiled classes.
const CODE_OPTIONS: [&str; 5] =
    ["Flags", "OnError", "OnOutOfMemoryError", "SharedArchiveFile", "VMOptionsFile"];

/// Returns how the value of a variable is split, if the variable makes programs load code.
pub(super) fn syntax_of(name: &str, is_windows: bool) -> Option<Syntax> {
    if is_windows {
        return name.eq_ignore_ascii_case(PATH).then_some(Syntax::Directories(&[';']));
    }
    VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, syntax)| *syntax)
}

/// Returns the first result of a function for the paths in a value, in their order.
pub(super) fn find_in<T>(value: &str, syntax: Syntax, find: &mut dyn FnMut(&str) -> Option<T>) -> Option<T> {
    match syntax {
        Syntax::Libraries(separators) => {
            value.split(separators).filter(|library| library.contains('/')).find_map(find)
        }
        Syntax::Directories(separators) => value.split(separators).find_map(find),
        Syntax::File => find(value),
        Syntax::Options => find_in_options(value, find),
    }
}

/// Words end at white space, except in quotes.
fn find_in_options<T>(options: &str, find: &mut dyn FnMut(&str) -> Option<T>) -> Option<T> {
    let (mut word, mut quote) = (String::new(), None);
    for character in options.chars() {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character.is_whitespace() => {
                if let found @ Some(_) = find_in_option(&word, find) {
                    return found;
                }
                word.clear();
            }
            _ => word.push(character),
        }
    }
    find_in_option(&word, find)
}

/// Returns whether an option can name code. Most system properties and options of the Java Virtual Machine name data.
fn may_name_code(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or_default();
    if let Some(property) = name.strip_prefix("-D") {
        return property.ends_with("path") || property.ends_with("dirs");
    }
    if let Some(name) = name.strip_prefix("-XX:") {
        return CODE_OPTIONS.contains(&name);
    }
    !WRITING_OPTIONS.iter().any(|prefix| option.starts_with(prefix))
}

fn find_in_option<T>(option: &str, find: &mut dyn FnMut(&str) -> Option<T>) -> Option<T> {
    if !may_name_code(option) {
        return None;
    }
    let is_path = |piece: &&str| ["/", "./", "../"].iter().any(|prefix| piece.starts_with(prefix));
    option.split(['=', ':', ',', ';', '@']).filter(is_path).find_map(find)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_load_code_are_read() {
        let names = VARIABLES.iter().map(|(name, _)| (*name).to_owned());
        for name in names.chain(["Path".to_owned(), r"PAT\u0048".to_owned()]) {
            let json = format!(r#"{{"env": [{{"name": "A"}}, {{"name": "{name}"}}]}}"#);
            let container: crate::kubernetes::container::Container<'_> =
                json_view::from_slice(json.as_bytes()).unwrap();
            assert_eq!(container.env.loading_code.len(), 2, "{name}");
        }
    }

    #[track_caller]
    fn paths(name: &str, value: &str) -> Vec<String> {
        let mut paths = Vec::new();
        let syntax = syntax_of(name, false).unwrap();
        find_in(value, syntax, &mut |path| -> Option<()> {
            paths.push(path.to_owned());
            None
        });
        paths
    }

    #[test]
    fn values_are_split_as_their_programs_do() {
        for (name, value, expected) in [
            ("LD_PRELOAD", "a.so /b.so:./c.so  d", &["/b.so", "./c.so"][..]),
            ("LD_AUDIT", "/a b:/c", &["/a b", "/c"]),
            ("LD_LIBRARY_PATH", "/a;/b::c", &["/a", "/b", "", "c"]),
            ("PATH", "/a:", &["/a", ""]),
            ("BASH_ENV", "a:b", &["a:b"]),
            (
                "NODE_OPTIONS",
                "--require /a --import=file:///b -r ./c ../d e/f",
                &["/a", "///b", "./c", "../d"],
            ),
            ("NODE_OPTIONS", "--require=\"/a b\"  '/c", &["/a b", "/c"]),
            ("JAVA_TOOL_OPTIONS", "-Xmx1g -javaagent:/a=/b,x \"-Djava.io.tmpdir=/c /d\"", &["/a", "/b"]),
            ("JAVA_TOOL_OPTIONS", "-XX:Flags=/a @/b -Xlog:gc:file=/c", &["/a", "/b"]),
        ] {
            assert_eq!(paths(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn only_some_variables_load_code() {
        for name in ["HOME", "ld_preload", "Path", "PATH_INFO", ""] {
            assert_eq!(syntax_of(name, false), None, "{name}");
        }
        assert_eq!(syntax_of("Path", true), Some(Syntax::Directories(&[';'])));
        assert_eq!(syntax_of("LD_PRELOAD", true), None);
    }
}
