//! The files of an image: its layers, applied in their order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::layer::{Change, Layer, Node};
use super::tar::normalized;

/// Maximum number of symbolic links that a path follows, as in Linux.
const MAX_LINKS: usize = 40;

/// The files of an image by their absolute paths. Directories of which no layer has an entry are missing.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: BTreeMap<Box<[u8]>, Node>,
    passwd: Option<Vec<u8>>,
}

impl Tree {
    /// Applies a layer. Its removals affect the layers below only, wherever they are in its archive.
    pub(super) fn apply(&mut self, layer: &Layer) {
        for change in &layer.changes {
            match change {
                Change::Remove(path) => self.remove(path),
                Change::Clear(path) => self.clear(path),
                Change::Add(..) => {}
            }
        }
        for change in &layer.changes {
            if let Change::Add(path, node) = change {
                if !matches!(node, Node::Directory(_)) {
                    self.clear(path);
                }
                self.nodes.insert(path.clone(), node.clone());
            }
        }
        if layer.passwd.is_some() {
            self.passwd.clone_from(&layer.passwd);
        }
    }

    fn remove(&mut self, path: &[u8]) {
        self.clear(path);
        self.nodes.remove(path);
    }

    /// Removes everything below a path.
    fn clear(&mut self, path: &[u8]) {
        let below: Vec<Box<[u8]>> = self.below(path).map(|(path, _)| path.clone()).collect();
        for path in below {
            self.nodes.remove(&path);
        }
    }

    /// Returns everything below a path. The root can be written as `/`, or empty.
    fn below(&self, path: &[u8]) -> impl Iterator<Item = (&Box<[u8]>, &Node)> {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        // The byte after the slash ends the range.
        let bounds = [[path, b"/"].concat(), [path, b"0"].concat()].map(Vec::into_boxed_slice);
        let [start, end] = bounds;
        self.nodes.range((Bound::Excluded(start), Bound::Excluded(end)))
    }

    /// Returns all files and directories, by path. Paths that are not UTF-8 are missing.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().filter_map(|(path, node)| Some((str::from_utf8(path).ok()?, node)))
    }

    /// Returns what a path is, without following links.
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path.as_bytes())
    }

    /// Returns whether the image has a directory at a path.
    pub(crate) fn has_directory(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Node::Directory(_))) || self.below(path.as_bytes()).next().is_some()
    }

    /// Returns whether the image has a file at a path that is not a directory.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Node::File | Node::Link(_)))
    }

    /// Returns the paths of files below a directory.
    pub(crate) fn files_below(&self, path: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let files = self.below(path.as_bytes()).filter(|(_, node)| !matches!(node, Node::Directory(_)));
        files.map(|(path, _)| String::from_utf8_lossy(path))
    }

    /// Returns the content of `/etc/passwd`, if the image has this file.
    pub(super) fn passwd(&self) -> Option<&[u8]> {
        self.passwd.as_deref().filter(|_| self.get("/etc/passwd") == Some(&Node::File))
    }

    /// Follows the symbolic links of a path. A path with too many of them stays as it is.
    pub(crate) fn resolve(&self, path: &str) -> String {
        let mut resolved: Vec<u8> = Vec::new();
        let mut left: Vec<Vec<u8>> = names(path.as_bytes());
        let mut links = 0;
        while let Some(name) = left.pop() {
            let step = [&*resolved, b"/", &*name].concat();
            let Some(Node::Link(target)) = self.nodes.get(&*step) else {
                resolved = step;
                continue;
            };
            links += 1;
            let target =
                if target.starts_with(b"/") { target.to_vec() } else { [&*resolved, b"/", target].concat() };
            let Some(target) = normalized(&target).filter(|_| links <= MAX_LINKS) else {
                return path.to_owned();
            };
            left.extend(names(&target));
            resolved.clear();
        }
        String::from_utf8(resolved).ok().filter(|path| !path.is_empty()).unwrap_or_else(|| path.to_owned())
    }
}

/// Returns the names in a path, the last one first.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
    names.rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tar::Owner;
    use super::*;

    const OWNER: Owner = Owner { uid: 0, gid: 0, mode: 0o755 };

    fn layer(changes: &[(&str, &str)]) -> Layer {
        let path = |path: &str| path.as_bytes().into();
        let change = |(kind, at): &(&str, &str)| match *kind {
            "directory" => Change::Add(path(at), Node::Directory(OWNER)),
            "file" => Change::Add(path(at), Node::File),
            "remove" => Change::Remove(path(at)),
            "clear" => Change::Clear(path(at)),
            target => Change::Add(path(at), Node::Link(path(target))),
        };
        Layer { changes: changes.iter().map(change).collect(), passwd: None }
    }

    fn tree(layers: &[&[(&str, &str)]]) -> Tree {
        let mut tree = Tree::default();
        for changes in layers {
            tree.apply(&layer(changes));
        }
        tree
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.nodes().map(|(path, _)| path).collect()
    }

    #[test]
    fn removals_affect_the_layers_below_only() {
        let base: &[_] =
            &[("directory", "/a"), ("file", "/a/b"), ("file", "/a/c/d"), ("file", "/a-b"), ("file", "/ab")];
        assert_eq!(paths(&tree(&[base, &[("remove", "/a")]])), ["/a-b", "/ab"]);
        assert_eq!(paths(&tree(&[base, &[("clear", "/a")]])), ["/a", "/a-b", "/ab"]);
        assert_eq!(
            paths(&tree(&[base, &[("file", "/a/e"), ("clear", "/a")]])),
            ["/a", "/a-b", "/a/e", "/ab"]
        );
        assert_eq!(paths(&tree(&[base, &[("clear", "")]])), [""; 0]);
        assert_eq!(paths(&tree(&[base, &[("remove", "/a/b"), ("file", "/a/b")]])).len(), 5);
    }

    #[test]
    fn a_file_replaces_a_directory() {
        let base: &[_] = &[("directory", "/a"), ("file", "/a/b")];
        assert_eq!(paths(&tree(&[base, &[("file", "/a")]])), ["/a"]);
        assert_eq!(paths(&tree(&[base, &[("/b", "/a")]])), ["/a"]);
        assert_eq!(paths(&tree(&[base, &[("directory", "/a")]])), ["/a", "/a/b"]);
    }

    #[test]
    fn links_are_followed_within_the_root() {
        let tree = tree(&[&[
            ("/run", "/var/run"),
            ("../run/lock", "/var/lock"),
            ("../../../../etc", "/var/out"),
            ("loop", "/loop"),
            ("/var", "/v"),
        ]]);
        for (path, expected) in [
            ("/var/run", "/run"),
            ("/var/run/nginx", "/run/nginx"),
            ("/var/lock", "/run/lock"),
            ("/v/run/x", "/run/x"),
            ("/var/out/x", "/etc/x"),
            ("/loop/x", "/loop/x"),
            ("/none/x", "/none/x"),
            ("/", "/"),
        ] {
            assert_eq!(tree.resolve(path), expected, "{path}");
        }
    }

    #[test]
    fn directories_without_an_entry_are_found() {
        let tree = tree(&[&[("file", "/a/b")]]);
        assert!(tree.has_directory("/a") && !tree.has_directory("/a/b") && !tree.has_directory("/c"));
        assert_eq!(tree.files_below("/a").collect::<Vec<_>>(), ["/a/b"]);
        assert_eq!(tree.files_below("/").collect::<Vec<_>>(), ["/a/b"]);
    }
}
