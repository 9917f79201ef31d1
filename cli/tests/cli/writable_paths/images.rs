//! Images for these tests, as OCI layouts and as archives.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::Folder;

/// An image: its configuration, and its layers as they are stored.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) name: Option<&'static str>,
    pub(super) platform: &'static str,
    pub(super) config: Value,
    pub(super) layers: Vec<Vec<u8>>,
}

/// The files of a layer.
pub(super) struct Layer(Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Layer {
    pub(super) fn directory(self, path: &str, uid: u64, mode: u32) -> Self {
        self.entry(path, EntryType::Directory, (uid, mode), b"", None)
    }

    pub(super) fn file(self, path: &str, content: &str) -> Self {
        self.entry(path, EntryType::Regular, (0, 0o644), content.as_bytes(), None)
    }

    pub(super) fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Symlink, (0, 0o777), b"", Some(target))
    }

    fn entry(
        mut self,
        path: &str,
        kind: EntryType,
        (uid, mode): (u64, u32),
        content: &[u8],
        target: Option<&str>,
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_uid(uid);
        header.set_gid(uid);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        match target {
            Some(target) => self.0.append_link(&mut header, path, target).unwrap(),
            None => self.0.append_data(&mut header, path, content).unwrap(),
        }
        self
    }

    pub(super) fn tar(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    pub(super) fn gzip(self) -> Vec<u8> {
        gzip(&self.tar())
    }

    pub(super) fn zstd(self) -> Vec<u8> {
        compress_to_vec(&*self.tar(), CompressionLevel::Fastest)
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Files with their names.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// Returns the files of an OCI layout with images.
pub(super) fn layout(images: &[Image]) -> Files {
    let mut files = vec![("oci-layout".to_owned(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec())];
    let mut manifests = Vec::new();
    for image in images {
        let layers: Vec<Value> = image.layers.iter().map(|layer| add_blob(&mut files, layer)).collect();
        let config = add_blob(&mut files, &image.configuration());
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
        let Value::Object(mut descriptor) = add_blob(&mut files, manifest.as_bytes()) else { continue };
        let (os, architecture) = image.platform.split_once('/').unwrap();
        descriptor.insert("platform".to_owned(), json!({"os": os, "architecture": architecture}));
        if let Some(name) = image.name {
            let annotations = json!({"org.opencontainers.image.ref.name": name});
            descriptor.insert("annotations".to_owned(), annotations);
        }
        manifests.push(Value::Object(descriptor));
    }
    let index = json!({"schemaVersion": 2, "manifests": manifests}).to_string();
    files.push(("index.json".to_owned(), index.into_bytes()));
    files
}

/// Adds a blob, and returns its descriptor.
fn add_blob(files: &mut Files, content: &[u8]) -> Value {
    let digest = format!("{:x}", Sha256::digest(content));
    files.push((format!("blobs/sha256/{digest}"), content.to_vec()));
    json!({"digest": format!("sha256:{digest}"), "size": content.len(), "mediaType": "application/octet-stream"})
}

/// Returns the files of an archive of `docker save`, before Docker wrote OCI layouts.
pub(super) fn docker(image: &Image) -> Files {
    let mut files = vec![("config.json".to_owned(), image.configuration())];
    let mut layers = Vec::new();
    for (index, layer) in image.layers.iter().enumerate() {
        layers.push(format!("{index}/layer.tar"));
        files.push((format!("{index}/layer.tar"), layer.clone()));
    }
    let manifest = json!([{"Config": "config.json", "RepoTags": [image.name], "Layers": layers}]).to_string();
    files.push(("manifest.json".to_owned(), manifest.into_bytes()));
    files
}

/// Returns an archive with files.
pub(super) fn archive(files: &Files) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &**content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Writes files below a folder.
pub(super) fn write(folder: &Folder, root: &str, files: &Files) {
    for (name, content) in files {
        let path = folder.0.path().join(root).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

impl Image {
    fn configuration(&self) -> Vec<u8> {
        let (os, architecture) = self.platform.split_once('/').unwrap();
        json!({"os": os, "architecture": architecture, "config": self.config}).to_string().into_bytes()
    }
}

/// A base with what all Debian images have.
fn debian(passwd: &str) -> Layer {
    Layer::default()
        .directory("etc/", 0, 0o755)
        .file(
            "etc/passwd",
            &format!("root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/x\n{passwd}"),
        )
        .directory("root/", 0, 0o700)
        .file("root/.bashrc", "# bash")
        .directory("run/", 0, 0o755)
        .directory("tmp/", 0, 0o1777)
        .directory("usr/bin/", 0, 0o755)
        .file("usr/bin/env", "program")
        .directory("var/cache/apt/archives/partial/", 42, 0o700)
        .link("var/run", "/run")
}

/// A web server that starts as root and continues as another user.
pub(super) fn web() -> Image {
    Image {
        name: Some("registry.example.com/shop/web:2"),
        platform: "linux/amd64",
        config: json!({"Env": ["PATH=/usr/bin"], "WorkingDir": ""}),
        layers: vec![
            debian("web:x:101:101::/nonexistent:/x\n").gzip(),
            Layer::default()
                .directory("var/cache/web/", 101, 0o755)
                .directory("var/lib/web/", 101, 0o755)
                .file("var/lib/web/index.html", "<html>")
                .directory("srv/old/", 101, 0o755)
                .zstd(),
            // The directory is empty after this layer, and the other one is gone.
            Layer::default().file("var/lib/web/.wh.index.html", "").file("srv/.wh.old", "").gzip(),
        ],
    }
}

/// A database that declares its volume.
pub(super) fn database() -> Image {
    Image {
        name: Some("db:1"),
        platform: "linux/amd64",
        config: json!({"Volumes": {"/var/lib/db/data": {}, "/etc/ssl/db": {}}, "Env": ["HOME=/var/lib/db"]}),
        layers: vec![
            debian("db:x:999:999::/var/lib/db:/x\n").tar(),
            Layer::default()
                .directory("run/db/", 999, 0o3777)
                .directory("var/lib/db/", 999, 0o755)
                .file("var/lib/db/template", "data")
                .directory("var/lib/db/data/", 999, 0o700)
                .file("var/lib/db/data/first", "data")
                .file("var/lib/db/data/second", "data")
                .zstd(),
        ],
    }
}

/// An application that runs as a user who owns its files.
pub(super) fn application() -> Image {
    Image {
        name: Some("docker.io/shop/application:3"),
        platform: "linux/amd64",
        config: json!({"User": "node", "WorkingDir": "/app", "Volumes": null}),
        layers: vec![
            debian("node:x:1000:1000::/home/node:/bin/bash\n")
                .directory("home/node/", 1000, 0o755)
                .file("home/node/.bashrc", "# bash")
                .gzip(),
            Layer::default()
                .directory("app/", 1000, 0o755)
                .file("app/server.js", "program")
                .directory("app/uploads/", 1000, 0o755)
                .file("app/uploads/example.png", "png")
                .directory("app/cache/", 1000, 0o755)
                .file("app/cache/.gitkeep", "")
                .directory("opt/reports/", 0, 0o755)
                .zstd(),
            // Hides what the layer below has in the directory.
            Layer::default()
                .directory("app/uploads/", 1000, 0o755)
                .file("app/uploads/.wh..wh..opq", "")
                .tar(),
        ],
    }
}
