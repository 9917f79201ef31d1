//! Inputs that are not what they seem: any bytes give a proposal or one error, without a panic.

use immutable_pods::Policy;
use immutable_pods::writable_paths::{Proposal, read_from};
use proptest::prelude::*;
use serde_json::json;
use tar::{EntryType, Header};

use super::images::{Files, Image, Layer, application, archive, docker, gzip, layout, web};

/// Reads an input, and returns the proposal or the error.
fn outcome(bytes: &[u8]) -> Result<String, String> {
    let mut evidence = read_from("input", bytes, None).map_err(|error| error.to_string())?;
    evidence.add_known_paths();
    let proposal = Proposal::of(&evidence, &Policy::linked()).map_err(|error| error.to_string())?;
    Ok(proposal.to_yaml())
}

#[track_caller]
fn fails(bytes: &[u8], error: &str) {
    let failure = outcome(bytes).unwrap_err();
    assert!(failure.contains(error), "{failure}");
}

/// Returns an archive of an image with one layer.
fn with_layer(layer: Vec<u8>) -> Vec<u8> {
    archive(&layout(&[Image { layers: vec![layer], ..application() }]))
}

/// Returns the header of an entry.
fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_path("file").unwrap();
    header.set_size(size);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header
}

#[test]
fn sizes_without_content_are_errors() {
    for kind in [EntryType::Regular, EntryType::GNULongName, EntryType::XHeader] {
        for size in [1 << 20, u64::MAX >> 1, u64::MAX - 511, u64::MAX] {
            let bytes = [header(kind, size).as_bytes(), &[0; 1024][..]].concat();
            assert!(outcome(&bytes).is_err(), "{kind:?}");
            assert!(outcome(&with_layer(bytes)).is_err(), "{kind:?}");
        }
    }
}

#[test]
fn long_names_are_not_kept() {
    let name = vec![b'a'; 4 << 20];
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let layer = [header(kind, name.len() as u64).as_bytes(), &*name].concat();
        fails(&with_layer(gzip(&layer)), "the headers of an entry are larger than 1 MiB");
    }
}

#[test]
fn sparse_files_are_refused() {
    let mut header = header(EntryType::GNUSparse, 0);
    let gnu = header.as_gnu_mut().unwrap();
    // 8 GiB of zeros, of which the archive contains nothing.
    gnu.realsize.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].offset.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    let layer = [header.as_bytes(), &[0; 1024][..]].concat();
    fails(&with_layer(layer), "sparse files are not supported");
}

#[test]
fn a_layer_that_is_cut_is_an_error() {
    let layer = Layer::default().directory("app/", 1000, 0o755).file("app/x", &"content ".repeat(100)).tar();
    for length in [513, 1100, 1500] {
        assert!(outcome(&with_layer(layer[..length].to_vec())).is_err(), "{length}");
    }
}

#[test]
fn paths_do_not_leave_the_image() {
    let mut header = header(EntryType::Directory, 0);
    // The library refuses to write such a name.
    header.as_old_mut().name[..16].copy_from_slice(b"../../../escaped");
    header.set_mode(0o777);
    header.set_cksum();
    let layer = [header.as_bytes(), &[0; 1024][..]].concat();
    let yaml = outcome(&with_layer(layer)).unwrap();
    assert!(yaml.contains("  - /escaped # writable by all users\n") && !yaml.contains(".."), "{yaml}");
}

#[test]
fn names_do_not_break_the_output() {
    let layer = Layer::default()
        .directory("a # b/", 0, 0o777)
        .directory("new\nline/", 0, 0o777)
        .directory("quote\"/", 0, 0o777)
        .directory("*star/", 0, 0o777)
        .tar();
    let yaml = outcome(&with_layer(layer)).unwrap();
    assert!(yaml.contains("  - \"/a # b\" # writable by all users\n"), "{yaml}");
    assert!(yaml.contains("  - \"/quote\\\"\" # writable by all users\n"), "{yaml}");
    assert!(!yaml.contains("star") && !yaml.contains("line"), "{yaml}");
}

#[test]
fn an_index_that_contains_itself_ends() {
    let mut files = layout(&[application()]);
    let index = json!({"manifests": [{"digest": "sha256:00"}]}).to_string().into_bytes();
    files.push(("blobs/sha256/00".to_owned(), index.clone()));
    files.retain(|(name, _)| name != "index.json");
    files.push(("index.json".to_owned(), index));
    fails(&archive(&files), "more than 1000 manifests");
}

#[test]
fn a_layer_that_is_named_often_is_applied_seldom() {
    let files: Files = docker(&Image { layers: vec![many_files()], ..web() });
    let mut files = files;
    for (name, content) in &mut files {
        if name == "manifest.json" {
            let layers = vec!["0/layer.tar"; 100_000];
            *content = json!([{"Config": "config.json", "Layers": layers}]).to_string().into_bytes();
        }
    }
    fails(&archive(&files), "the layers have more than 1000000 files");
}

fn many_files() -> Vec<u8> {
    (0..100).fold(Layer::default(), |layer, number| layer.file(&format!("file-{number}"), "")).tar()
}

#[test]
fn deep_documents_are_refused() {
    let mut files = layout(&[application()]);
    files.retain(|(name, _)| name != "index.json");
    files.push(("index.json".to_owned(), format!("{{\"manifests\": {}", "[".repeat(100_000)).into_bytes()));
    fails(&archive(&files), "index.json: ");
}

#[test]
fn every_truncation_is_an_error_or_a_proposal() {
    let image = archive(&layout(&[web()]));
    for length in (0..image.len()).step_by(97) {
        let _ = outcome(&image[..length]);
    }
    let compressed = gzip(&image);
    for length in (0..compressed.len()).step_by(13) {
        let is_cut_in_a_blob = length < compressed.len() / 2;
        assert!(outcome(&compressed[..length]).is_err() || !is_cut_in_a_blob, "{length}");
    }
}

/// Beginnings that lead into each reader.
const BEGINNINGS: [&[u8]; 8] = [
    b"",
    &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0],
    &[0x28, 0xb5, 0x2f, 0xfd],
    &[0x50, 0x2a, 0x4d, 0x18],
    b"A /",
    b"{\"added\": [",
    b"Read-only file system: '/",
    b"open \"/x\" failed (30: Read-only file system",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read(beginning in prop::sample::select(BEGINNINGS.to_vec()), bytes: Vec<u8>) {
        let _ = outcome(&[beginning, &*bytes].concat());
    }

    #[test]
    fn any_line_is_read(line in r#"(open|mkdir|'|"|/|\PC| |: |Read-only file system|EROFS){0,20}"#) {
        let _ = outcome(line.as_bytes());
    }

    #[test]
    fn any_change_of_an_image_is_read(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut image = archive(&layout(&[application()]));
        for (index, byte) in changes {
            let position = index.index(image.len());
            image[position] = byte;
        }
        let _ = outcome(&image);
    }

    #[test]
    fn any_layer_is_read(bytes: Vec<u8>, beginning in prop::sample::select(BEGINNINGS.to_vec())) {
        let _ = outcome(&with_layer([beginning, &*bytes].concat()));
    }
}
