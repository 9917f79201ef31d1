//! Links in documents: to files and headings of the repository, also by the addresses of the site and of GitHub.

use immutable_pods::{REPOSITORY, SITE};

use crate::markdown::{Document, documents};
use crate::module::in_repository;

/// Addresses of files on GitHub, before the name of a branch or tag.
const FILES: [&str; 3] = [
    concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/"),
    concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/"),
    "https://raw.githubusercontent.com/immutable-pods/immutable-pods-policy/",
];

/// The branch and the tag that links may name.
const REVISIONS: [&str; 2] = ["main/", concat!("v", env!("CARGO_PKG_VERSION"), "/")];

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// Another site.
    Elsewhere,
    /// A file or folder of the repository. The anchor is empty if there is none.
    File { path: String, anchor: String },
    /// A file at another branch or tag.
    Unknown,
}

impl Target {
    fn of(document: &str, link: &str) -> Self {
        let (address, anchor) = link.split_once('#').unwrap_or((link, ""));
        let file = |path: String| Self::File { path, anchor: anchor.to_owned() };
        if let Some(page) = address.strip_prefix(SITE) {
            return file(page_at(page));
        }
        if let Some(rest) = FILES.iter().find_map(|prefix| address.strip_prefix(prefix)) {
            let path = REVISIONS.iter().find_map(|revision| rest.strip_prefix(revision));
            return path.map_or(Self::Unknown, |path| file(path.trim_end_matches('/').to_owned()));
        }
        if address.contains("://") {
            return Self::Elsewhere;
        }
        if address.is_empty() {
            return file(document.to_owned());
        }
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        file(resolved(folder, address))
    }
}

/// Returns the file of a page of the site, whose address ends in a slash if the page is that of a folder.
fn page_at(path: &str) -> String {
    match path.trim_start_matches('/') {
        path if path.is_empty() || path.ends_with('/') => format!("docs/{path}README.md"),
        path => format!("docs/{path}.md"),
    }
}

/// Returns the path in the repository of a link target.
fn resolved(folder: &str, path: &str) -> String {
    let mut segments: Vec<_> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            ".." => drop(segments.pop()),
            "." => {}
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

#[test]
fn every_link_has_a_target() {
    let documents = documents();
    for Document { name, links, .. } in &documents {
        for link in links {
            let (path, anchor) = match Target::of(name, link) {
                Target::Elsewhere => continue,
                Target::File { path, anchor } => (path, anchor),
                Target::Unknown => panic!("{name}: {link}: expected one of {REVISIONS:?}"),
            };
            assert!(in_repository(&path).exists(), "{name}: {link}: missing file {path}");
            let target = documents.iter().find(|document| document.name == path);
            let has_anchor = target.is_some_and(|target| target.anchors.contains(&anchor));
            assert!(anchor.is_empty() || has_anchor, "{name}: {link}: missing heading");
        }
    }
}

#[test]
fn addresses_are_resolved() {
    let file = |path: &str, anchor: &str| Target::File { path: path.to_owned(), anchor: anchor.to_owned() };
    for (link, expected) in [
        ("../README.md#a", file("README.md", "a")),
        ("#a", file("docs/fix.md", "a")),
        ("rules/", file("docs/rules/", "")),
        ("https://kubernetes.io", Target::Elsewhere),
        (SITE, file("docs/README.md", "")),
        (&format!("{SITE}/migrate/"), file("docs/migrate/README.md", "")),
        (&format!("{SITE}/rules/hostPorts#fix"), file("docs/rules/hostPorts.md", "fix")),
        (&format!("{REPOSITORY}/blob/main/LICENSE"), file("LICENSE", "")),
        (&format!("{REPOSITORY}/blob/old/LICENSE"), Target::Unknown),
    ] {
        assert_eq!(Target::of("docs/fix.md", link), expected, "{link}");
    }
}
