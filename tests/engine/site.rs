//! The pages of the site: its sidebar names every document in `docs/`.

use std::collections::BTreeSet;

use crate::documents::read;
use crate::markdown::documents;

/// The order of the pages.
const SIDEBAR: &str = "site/sidebar.json";

/// The page that the name of the site leads to.
const HOME: &str = "docs/README.md";

#[test]
fn the_sidebar_names_every_page() {
    let sidebar = read(SIDEBAR);
    let groups = sidebar.as_array().into_iter().flatten();
    let named = groups.flat_map(|group| group["pages"].as_array().into_iter().flatten());
    let named: Vec<_> = named.filter_map(|page| page.as_str()).map(|page| format!("docs/{page}")).collect();
    let is_named = |page: &str| {
        // A pattern names all pages of a folder but the first.
        let pattern = page.rsplit_once('/').map(|(folder, _)| format!("{folder}/*.md"));
        let by_pattern =
            !page.ends_with("/README.md") && pattern.is_some_and(|pattern| named.contains(&pattern));
        u8::from(named.iter().any(|name| name == page)) + u8::from(by_pattern)
    };
    let pages: BTreeSet<_> = documents().into_iter().map(|document| document.name).collect();
    for page in pages.iter().filter(|page| page.starts_with("docs/") && *page != HOME) {
        assert_eq!(is_named(page), 1, "{page}: must be once in {SIDEBAR}");
    }
    for name in named.iter().filter(|name| !name.ends_with("/*.md")) {
        assert!(pages.contains(name), "{SIDEBAR}: {name} does not exist");
    }
}
