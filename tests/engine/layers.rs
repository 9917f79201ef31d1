//! The layers of `src/`: each uses only the layers below it, modules do not use each other in circles, and no file is long.
//!
//! The tests read the paths that begin with `crate`, `super` or the name of a child module. Unit tests may use all layers.

#![expect(clippy::unwrap_used, reason = "a source file that cannot be read ends its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::module::in_repository;

/// The layers from bottom to top, each with its top-level modules. Modules of the same layer do not use each other.
const LAYERS: [&[&str]; 7] = [
    &["raw_object", "text"],
    &["kubernetes"],
    &["settings"],
    &["rules"],
    &["evaluation", "fix"],
    &["admission"],
    &["guest", "lib"],
];

/// Maximum number of lines of a file, without its tests.
const MAX_LINES: usize = 400;

/// The source of each module without its tests. The path of the crate is empty.
type Modules = BTreeMap<Vec<String>, String>;

fn modules() -> Modules {
    let mut modules = Modules::new();
    let root = in_repository("src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = without_tests(&fs::read_to_string(&path).unwrap());
                modules.insert(module_of(path.strip_prefix(&root).unwrap()), source);
            }
        }
    }
    modules
}

/// Returns the path of the module in a file: `kubernetes/mod.rs` contains `kubernetes`.
fn module_of(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    let mut module: Vec<_> = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    module.pop_if(|name| name == "mod" || name == "lib");
    module
}

/// Removes the test modules.
fn without_tests(source: &str) -> String {
    let mut kept = String::new();
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        let is_test = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with('{'));
        if is_test {
            lines.by_ref().find(|line| *line == "}");
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn name_of(module: &[String]) -> String {
    if module.is_empty() { "lib".to_owned() } else { module.join("::") }
}

/// Returns the modules that a module uses.
fn uses(module: &[String], source: &str, modules: &Modules) -> BTreeSet<Vec<String>> {
    let is_folder = module.is_empty() || in_repository("src").join(module.join("/")).is_dir();
    let parent = module.get(..module.len().saturating_sub(1)).unwrap_or_default();
    let mut used = BTreeSet::new();
    for line in statements(source) {
        let paths = [("crate::", &[][..]), ("super::", parent), ("use ", module)].into_iter();
        for (prefix, base) in paths.filter(|(prefix, _)| *prefix != "use " || is_folder) {
            for (start, _) in line.match_indices(prefix) {
                let before = line.get(..start).unwrap();
                if before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':')) {
                    continue;
                }
                let mut rest = line.get(start + prefix.len()..).unwrap();
                let mut paths = Vec::new();
                expand(&mut rest, base.to_vec(), &mut paths);
                used.extend(paths.iter().filter_map(|path| resolve(path, modules)));
            }
        }
    }
    used.retain(|other| other != module);
    used
}

/// Returns the statements of a source, each on one line and without comments.
fn statements(source: &str) -> Vec<String> {
    let code = source.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    code.collect::<Vec<_>>().join(" ").split(';').map(|statement| statement.trim().to_owned()).collect()
}

/// Returns all paths of a tree such as `a::{b, c::d}`.
fn expand(text: &mut &str, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) {
    loop {
        if let Some(list) = text.strip_prefix('{') {
            *text = list.trim_start();
            while !text.starts_with('}') && !text.is_empty() {
                expand(text, path.clone(), paths);
                let end = text.find([',', '}']).unwrap_or(text.len());
                *text = text.split_at(end).1.trim_start_matches(',').trim_start();
            }
            *text = text.strip_prefix('}').unwrap_or(text);
            return;
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        match name {
            "super" => _ = path.pop(),
            _ => path.push(name.to_owned()),
        }
        *text = rest.strip_prefix("::").unwrap_or(rest);
        if !rest.starts_with("::") {
            paths.push(path);
            return;
        }
    }
}

/// Returns the module that contains an item. A path that does not begin with a module is that of a crate or a local item.
fn resolve(path: &[String], modules: &Modules) -> Option<Vec<String>> {
    let prefixes = (1..=path.len()).rev().filter_map(|length| path.get(..length));
    prefixes.map(<[_]>::to_vec).find(|prefix| modules.contains_key(prefix))
}

/// Returns the rank of the layer of a module.
#[track_caller]
fn rank(module: &[String]) -> usize {
    let top = module.first().map_or("lib", String::as_str);
    let rank = LAYERS.iter().position(|names| names.contains(&top));
    assert!(rank.is_some(), "src/{top} is not in a layer: add it to LAYERS");
    rank.unwrap()
}

/// Returns every use of a module in another one.
fn edges() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let modules = modules();
    modules.iter().map(|(module, source)| (module.clone(), uses(module, source, &modules))).collect()
}

#[test]
fn a_layer_uses_only_the_layers_below_it() {
    for (from, used) in edges() {
        for to in &used {
            let is_same_folder = from.first() == to.first();
            assert!(
                is_same_folder || rank(to) < rank(&from),
                "{} must not use {}: its layer is not below (layers: {LAYERS:?})",
                name_of(&from),
                name_of(to)
            );
        }
    }
}

#[test]
fn modules_do_not_use_each_other_in_circles() {
    let mut edges = edges();
    // A module that uses no other module cannot be part of a circle.
    while let Some(leaf) = edges.iter().find(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()) {
        edges.remove(&leaf);
        for used in edges.values_mut() {
            used.remove(&leaf);
        }
    }
    if let Some(mut module) = edges.keys().next() {
        // All that are left lead into a circle.
        let mut path = vec![module];
        while let Some(next) = edges.get(module).and_then(BTreeSet::first) {
            path.push(next);
            if path.iter().filter(|other| **other == next).count() == 2 {
                break;
            }
            module = next;
        }
        let start = path.iter().position(|module| Some(module) == path.last()).unwrap();
        let circle: Vec<_> = path.iter().skip(start).map(|module| name_of(module)).collect();
        panic!("modules use each other in a circle: {}", circle.join(" -> "));
    }
}

#[test]
fn no_file_is_long() {
    for (module, source) in modules() {
        let (name, lines) = (name_of(&module), source.lines().count());
        assert!(lines <= MAX_LINES, "{name}: {lines} lines without tests (at most {MAX_LINES})");
    }
}

#[test]
fn paths_are_expanded_and_resolved() {
    let source = "use crate::a::{self, b::C, d::{E, f}};\n// crate::g\nlet x = super::h::i();\n\
                  #[cfg(test)]\nmod tests {\n    use crate::j;\n}\nfn k() { crate::l::M }\n";
    let names = ["a", "a::b", "a::d", "a::d::f", "g", "h", "j", "l", "n"];
    let path = |name: &str| name.split("::").map(str::to_owned).collect::<Vec<_>>();
    let modules: Modules = names.iter().map(|name| (path(name), String::new())).collect();
    let used = uses(&path("n"), &without_tests(source), &modules);
    assert_eq!(
        used.iter().map(|path| name_of(path)).collect::<Vec<_>>(),
        ["a", "a::b", "a::d", "a::d::f", "h", "l"]
    );
}
