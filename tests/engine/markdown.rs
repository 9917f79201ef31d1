//! A parser of Markdown documents: code blocks, tables, headings and links.

#![expect(clippy::panic, reason = "a test fails if a document is missing")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use walkdir::WalkDir;

use crate::cases::names_in;
use crate::module::in_repository;

/// A Markdown file of the repository.
#[derive(Default)]
pub(crate) struct Document {
    /// Path in the repository.
    pub(crate) name: String,
    /// The heading of level 1.
    pub(crate) title: String,
    /// Fenced code blocks, in order.
    pub(crate) blocks: Vec<Block>,
    /// Targets of links.
    pub(crate) links: Vec<String>,
    /// Anchors of headings.
    pub(crate) anchors: BTreeSet<String>,
    /// Inline code.
    pub(crate) codes: Vec<Code>,
    /// Rows of tables, without the headings.
    pub(crate) rows: Vec<Row>,
}

/// A fenced code block.
pub(crate) struct Block {
    /// The first line.
    pub(crate) line: usize,
    /// The words after the opening fence. Only the first word is visible.
    pub(crate) info: String,
    pub(crate) text: String,
}

/// Inline `code`.
pub(crate) struct Code {
    pub(crate) line: usize,
    pub(crate) text: String,
    /// Heading of the table column, in a table.
    pub(crate) column: Option<String>,
}

/// A row of a table.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) line: usize,
    /// The text of each cell, with the heading of its column.
    pub(crate) cells: Vec<(String, String)>,
}

impl Row {
    /// Returns the text in a column. Empty if the table does not have the column.
    pub(crate) fn cell(&self, column: &str) -> &str {
        self.cells.iter().find(|(heading, _)| heading == column).map_or("", |(_, text)| text)
    }
}

/// Returns every Markdown file, in the order of names.
pub(crate) fn documents() -> Vec<Document> {
    let is_markdown = |name: &String| Path::new(name).extension().is_some_and(|ending| ending == "md");
    let mut names: Vec<_> = names_in("").into_iter().filter(is_markdown).collect();
    let pages = ["charts", "docs"].map(|folder| WalkDir::new(in_repository(folder)).sort_by_file_name());
    let pages = pages.into_iter().flatten().flatten();
    let pages = pages.filter_map(|page| {
        let path = page.path().strip_prefix(in_repository("")).ok()?.to_string_lossy().replace('\\', "/");
        Some(path)
    });
    names.extend(pages.filter(is_markdown));
    names.into_iter().map(Document::read).collect()
}

/// Returns a document by its path in the repository.
#[track_caller]
pub(crate) fn document(name: &str) -> Document {
    documents().into_iter().find(|document| document.name == name).unwrap_or_else(|| panic!("missing {name}"))
}

impl Document {
    /// Returns the texts of the code blocks with an info string.
    pub(crate) fn blocks_of(&self, info: &str) -> Vec<&str> {
        let blocks = self.blocks.iter().filter(|block| block.info == info);
        blocks.map(|block| block.text.as_str()).collect()
    }

    #[track_caller]
    fn read(name: String) -> Self {
        let text = fs::read_to_string(in_repository(&name)).unwrap_or_default();
        Self::parse(name, &text)
    }

    fn parse(name: String, text: &str) -> Self {
        let mut reader = Reader { text, ..Reader::default() };
        reader.document.name = name;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            reader.event(event, &range);
        }
        reader.document
    }
}

/// The state of the parser.
#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    document: Document,
    /// Number of earlier headings with the same anchor.
    headings: BTreeMap<String, usize>,
    /// Text of the current heading or cell.
    words: String,
    /// Column headings of the current table.
    columns: Vec<String>,
    /// Index of the current cell in its row.
    cell: Option<usize>,
    in_block: bool,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_block => {
                if let Some(block) = self.document.blocks.last_mut() {
                    block.text.push_str(&text);
                }
            }
            Event::Text(text) => self.words.push_str(&text),
            Event::Code(text) => {
                self.words.push_str(&text);
                let column = self.cell.and_then(|cell| self.columns.get(cell)).cloned();
                let line = self.line(range);
                self.document.codes.push(Code { line, text: text.into_string(), column });
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                self.in_block = true;
                let line = self.line(range);
                self.document.blocks.push(Block { line, info: info.into_string(), text: String::new() });
            }
            Tag::Link { dest_url: link, .. } | Tag::Image { dest_url: link, .. } => {
                self.document.links.push(link.into_string());
            }
            Tag::TableHead => self.columns.clear(),
            Tag::TableRow => {
                self.cell = Some(0);
                let line = self.line(range);
                self.document.rows.push(Row { line, cells: Vec::new() });
            }
            Tag::Heading { .. } | Tag::TableCell => self.words.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => self.in_block = false,
            TagEnd::Heading(level) => {
                if level == HeadingLevel::H1 {
                    self.document.title.clone_from(&self.words);
                }
                let slug = slug(&self.words);
                let before = self.headings.entry(slug.clone()).or_default();
                let anchor = if *before == 0 { slug } else { format!("{slug}-{before}") };
                *before += 1;
                self.document.anchors.insert(anchor);
            }
            TagEnd::TableCell => match &mut self.cell {
                Some(cell) => {
                    let column = self.columns.get(*cell).cloned().unwrap_or_default();
                    if let Some(row) = self.document.rows.last_mut() {
                        row.cells.push((column, self.words.clone()));
                    }
                    *cell += 1;
                }
                None => self.columns.push(self.words.clone()),
            },
            TagEnd::TableRow => self.cell = None,
            _ => {}
        }
    }

    fn line(&self, range: &Range<usize>) -> usize {
        self.text.bytes().take(range.start).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// Returns the anchor that GitHub generates for a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.flat_map(char::to_lowercase)
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

#[test]
fn markdown_is_parsed() {
    let text = "# Fix, and `deny`\n\n[a](b.md#c) ![d](e.svg)\n\n## X\n\n## X\n\n| f `g` | h |\n| --- | --- |\n| `i` | `j` |\n\n```yaml denied\nk: 1\n```\n";
    let document = Document::parse("a.md".to_owned(), text);
    assert_eq!(document.links, ["b.md#c", "e.svg"]);
    assert_eq!(document.anchors, ["fix-and-deny", "x", "x-1"].map(str::to_owned).into());
    let codes = document.codes.iter().map(|code| (code.line, code.text.as_str(), code.column.as_deref()));
    let expected = [(1, "deny", None), (9, "g", None), (11, "i", Some("f g")), (11, "j", Some("h"))];
    assert_eq!(codes.collect::<Vec<_>>(), expected);
    let rows = document.rows.iter().map(|row| (row.line, row.cell("f g"), row.cell("h")));
    assert_eq!(rows.collect::<Vec<_>>(), [(11, "i", "j")]);
    assert_eq!(document.title, "Fix, and deny");
    let blocks = document.blocks.iter().map(|block| (block.line, block.info.as_str(), block.text.as_str()));
    assert_eq!(blocks.collect::<Vec<_>>(), [(13, "yaml denied", "k: 1\n")]);
}
