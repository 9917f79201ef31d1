//! Payloads: bytes that YAML cannot express, such as a request with a duplicate key.

/// A payload, with the expected verdict.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The file in the folder of the cases, without its extension.
    pub id: String,
    /// The name of the file, without its extension.
    pub name: String,
    /// The findings of the denial.
    pub deny: Vec<String>,
    /// The payload: everything after the comments at the beginning of the file.
    pub bytes: Vec<u8>,
}

/// The prefix of a comment with a finding.
pub(super) const DENY: &str = "# deny: ";

impl Payload {
    pub(super) fn parse(id: &str, file: &[u8]) -> Result<Self, String> {
        let (comments, bytes) = split(file);
        let comments = String::from_utf8_lossy(comments);
        if !comments.starts_with("# ") || comments.starts_with(DENY) {
            return Err("expected a comment with the reason for the payload in the first line".to_owned());
        }
        let name = id.rsplit_once('/').map_or(id, |(_, name)| name);
        Ok(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            deny: comments.lines().filter_map(|line| line.strip_prefix(DENY)).map(str::to_owned).collect(),
            bytes: bytes.to_vec(),
        })
    }
}

/// Splits a file after the comments at its beginning.
pub(super) fn split(file: &[u8]) -> (&[u8], &[u8]) {
    let lines = file.split_inclusive(|byte| *byte == b'\n');
    let comments = lines.take_while(|line| line.starts_with(b"# ") && line.ends_with(b"\n"));
    file.split_at(comments.map(<[u8]>::len).sum())
}
