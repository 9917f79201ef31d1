//! `writable-paths` proposes volumes.

mod hostile;
mod images;

use std::fs::File;
use std::process::Stdio;

use immutable_pods::Policy;
use immutable_pods::settings;
use serde_json::{Value, json};

use self::images::{Image, application, archive, database, docker, gzip, layout, web, write};
use super::*;

const WEB: &str = "\
writablePaths:
- images: [registry.example.com/shop/web]
  paths:
  - /tmp # writable by all users
  - /var/cache/web # owned by user 101
  - /var/lib/web # owned by user 101
";

const DATABASE: &str = "\
writablePaths:
- images: [db]
  paths:
  - /run/db # writable by all users
  - /tmp # writable by all users
  - /var/lib/db/data # VOLUME; owned by user 999; hides 2 files of the image, such as /var/lib/db/data/first
";

const APPLICATION: &str = "\
writablePaths:
- images: [shop/application]
  paths:
  - /app/cache # owned by user 1000
  - /app/uploads # owned by user 1000
  - /home/node # HOME; owned by user 1000
  - /tmp # writable by all users
";

#[track_caller]
fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    Outcome::of(&folder.command(&[&["writable-paths"], arguments].concat()).output().unwrap())
}

/// Returns a folder with `image.tar`.
fn with_archive(files: &images::Files) -> Folder {
    let folder = Folder::with(&[]);
    fs::write(folder.0.path().join("image.tar"), archive(files)).unwrap();
    folder
}

#[track_caller]
fn proposes(image: &Image, yaml: &str, warnings: &str) {
    let folder = with_archive(&layout(std::slice::from_ref(image)));
    assert_eq!(run(&folder, &["image.tar"]), Outcome::new(0, yaml, warnings));
    is_accepted(&folder, yaml);
}

/// Checks that the policy accepts the settings.
#[track_caller]
fn is_accepted(folder: &Folder, yaml: &str) {
    let file = folder.0.path().join("settings.yaml");
    fs::write(&file, format!("readOnlyRootFilesystem: fix\n{yaml}")).unwrap();
    let verdict = Policy::linked().validate_settings(&settings::read(&file).unwrap()).unwrap();
    assert!(verdict.valid, "{verdict:?}");
}

#[test]
fn a_web_server_writes_to_the_directories_of_its_user() {
    let warnings = "\
warning: image.tar: the image starts as root, which can write everywhere: add the output of `docker diff` or a log to find more paths
warning: /root: left out (HOME): writableMounts denies it: a container must mount \"/root\" read-only, or elsewhere: /root/.ssh is protected
";
    proposes(&web(), WEB, warnings);
}

#[test]
fn a_database_declares_its_volume() {
    let warnings = "\
warning: image.tar: the image starts as root, which can write everywhere: add the output of `docker diff` or a log to find more paths
warning: /etc/ssl/db: left out (VOLUME): writableMounts denies it: a container must mount \"/etc/ssl/db\" read-only, or elsewhere: /etc/ssl is protected
warning: /var/lib/db: left out (HOME; owned by user 999): a volume would hide 3 files of the image, such as /var/lib/db/data/first
";
    proposes(&database(), DATABASE, warnings);
}

#[test]
fn an_application_does_not_lose_its_files() {
    let warnings = "\
warning: /app: left out (WORKDIR; owned by user 1000): a volume would hide /app/server.js of the image
";
    proposes(&application(), APPLICATION, warnings);
}

#[test]
fn every_form_of_an_image_gives_the_same_proposal() {
    let image = application();
    let folder = with_archive(&layout(std::slice::from_ref(&image)));
    write(&folder, "layout", &layout(std::slice::from_ref(&image)));
    write(&folder, "unpacked", &docker(&image));
    let path = |name: &str| folder.0.path().join(name);
    fs::write(path("image.tar.gz"), gzip(&archive(&layout(std::slice::from_ref(&image))))).unwrap();
    fs::write(path("docker.tar"), archive(&docker(&image))).unwrap();
    for input in ["image.tar", "image.tar.gz", "docker.tar", "layout", "unpacked"] {
        let outcome = run(&folder, &[input]);
        assert_eq!((outcome.code, &*outcome.stdout), (Some(0), APPLICATION), "{input}: {}", outcome.stderr);
    }
    for input in ["image.tar", "image.tar.gz"] {
        let stdin = File::open(path(input)).unwrap();
        let output = folder.command(&["writable-paths", "-"]).stdin(Stdio::from(stdin)).output().unwrap();
        assert_eq!(Outcome::of(&output).stdout, APPLICATION, "{input}");
    }
}

#[test]
fn equal_layers_of_an_old_archive_are_links() {
    let mut image = application();
    image.layers.push(image.layers[2].clone());
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in docker(&image).iter().filter(|(name, _)| name != "3/layer.tar") {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, &**content).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "3/layer.tar", "../2/layer.tar").unwrap();
    let folder = Folder::with(&[]);
    fs::write(folder.0.path().join("image.tar"), builder.into_inner().unwrap()).unwrap();
    assert_eq!(run(&folder, &["image.tar"]).stdout, APPLICATION);
}

#[test]
fn the_platform_selects_an_image() {
    let arm = Image { platform: "linux/arm64", ..web() };
    let folder = with_archive(&layout(&[application(), arm.clone()]));
    assert_eq!(run(&folder, &["image.tar"]).stdout, APPLICATION);
    assert_eq!(run(&folder, &["--platform", "linux/arm64", "image.tar"]).stdout, WEB);
    let missing = "error: image.tar: there is no image for linux/s390x: choose one with --platform: linux/amd64, linux/arm64\n";
    assert_eq!(run(&folder, &["--platform", "linux/s390x", "image.tar"]), Outcome::new(2, "", missing));
    let folder = with_archive(&layout(std::slice::from_ref(&arm)));
    assert_eq!(run(&folder, &["image.tar"]).stdout, WEB);
    let folder = with_archive(&layout(&[arm, Image { platform: "linux/riscv64", ..web() }]));
    let several = "error: image.tar: there is no image for linux/amd64: choose one with --platform: linux/arm64, linux/riscv64\n";
    assert_eq!(run(&folder, &["image.tar"]), Outcome::new(2, "", several));
}

#[test]
fn several_images_are_not_one() {
    let folder = with_archive(&layout(&[application(), web()]));
    let error = "error: image.tar: expected one image, got several: save or copy them one by one: \
                 docker.io/shop/application:3, registry.example.com/shop/web:2\n";
    assert_eq!(run(&folder, &["image.tar"]), Outcome::new(2, "", error));
}

#[test]
fn a_tag_is_not_the_name_of_an_image() {
    let tagged = Image { name: Some("latest"), ..application() };
    let outcome = run(&with_archive(&layout(std::slice::from_ref(&tagged))), &["image.tar"]);
    assert!(outcome.stdout.starts_with("writablePaths:\n# Add `images`"), "{}", outcome.stdout);
    let folder = with_archive(&layout(&[tagged, Image { name: Some("old"), ..web() }]));
    let error =
        "error: image.tar: expected one image, got several: save or copy them one by one: latest, old\n";
    assert_eq!(run(&folder, &["image.tar"]), Outcome::new(2, "", error));
}

#[test]
fn a_diff_shows_what_a_container_has_written() {
    let diff = "C /run\nA /run/nginx.pid\nC /var\nC /var/cache\nC /var/cache/nginx\nA /var/cache/nginx/client_temp\n\
                C /etc\nC /etc/nginx\nC /etc/nginx/conf.d\nC /etc/nginx/conf.d/default.conf\n";
    let yaml = "\
writablePaths:
# Add `images` or `containers`: without them, every container gets the paths.
- paths:
  - /run # written: A /run/nginx.pid
  - /var/cache/nginx # written: A /var/cache/nginx/client_temp
";
    let warnings = "\
warning: /etc/nginx/conf.d: left out (written: C /etc/nginx/conf.d/default.conf): a volume would hide /etc/nginx/conf.d/default.conf of the image
";
    let folder = Folder::with(&[("web.diff", diff)]);
    assert_eq!(run(&folder, &["web.diff"]), Outcome::new(0, yaml, warnings));
    assert_eq!(folder.given(&["writable-paths", "-"], diff), Outcome::new(0, yaml, warnings));
    is_accepted(&folder, yaml);
    let podman = json!({"added": ["/run/nginx.pid", "/var/cache/nginx/client_temp"], "changed": ["/etc/nginx/conf.d/default.conf"]});
    assert_eq!(folder.given(&["writable-paths", "-"], &podman.to_string()), Outcome::new(0, yaml, warnings));
}

#[test]
fn a_log_shows_where_a_container_could_not_write() {
    let log = "\
starting
nginx: [emerg] mkdir() \"/var/cache/nginx/client_temp\" failed (30: Read-only file system)
open /etc/app/state: read-only file system
open /etc/ssl/x: read-only file system
mkdir /data: read-only file system
";
    let yaml = "\
writablePaths:
- images: [shop/web]
  paths:
  - /data # read-only: /data
  - /var/cache/nginx # read-only: /var/cache/nginx/client_temp
";
    let warnings = "\
warning: /etc/app: left out (read-only: /etc/app/state): a volume would hide what the image has there: pass the image too
warning: /etc/ssl: left out (read-only: /etc/ssl/x): writableMounts denies it: a container must mount \"/etc/ssl\" read-only, or elsewhere: /etc/ssl is protected
";
    let folder = Folder::with(&[("web.log", log)]);
    assert_eq!(run(&folder, &["--image", "shop/web:2", "web.log"]), Outcome::new(0, yaml, warnings));
}

#[test]
fn an_image_shows_what_a_log_does_not() {
    let folder = with_archive(&layout(&[application()]));
    let log = "open /app/server.log: read-only file system\nmkdir /app/data: read-only file system\nopen /opt/reports/x: read-only file system\n";
    fs::write(folder.0.path().join("app.log"), log).unwrap();
    let outcome = run(&folder, &["image.tar", "app.log"]);
    // The directory of the new one contains the program, and /opt/reports is empty.
    assert!(outcome.stdout.contains("  - /app/data # read-only: /app/data\n"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("  - /opt/reports # read-only: /opt/reports/x\n"), "{}", outcome.stdout);
    let warning = "/app: left out (read-only: /app/server.log; WORKDIR; owned by user 1000): a volume would hide /app/server.js of the image\n";
    assert!(outcome.stderr.ends_with(warning), "{}", outcome.stderr);
}

#[test]
fn a_volume_at_run_does_not_replace_prepared_directories() {
    let folder = with_archive(&layout(&[database()]));
    fs::write(folder.0.path().join("db.log"), "open /var/run/db.pid: read-only file system\n").unwrap();
    let outcome = run(&folder, &["image.tar", "db.log"]);
    let paths = "  - /run # read-only: /var/run/db.pid\n  - /run/db # writable by all users\n";
    assert!(outcome.stdout.contains(paths), "{}", outcome.stdout);
}

#[test]
fn known_images_need_no_input() {
    let folder = Folder::with(&[]);
    let source = "known: https://github.com/docker-library/docs/blob/master/nginx/content.md";
    let yaml = format!(
        "writablePaths:\n- images: [nginx]\n  paths:\n  - /var/cache/nginx # {source}\n  - /var/run # {source}\n"
    );
    assert_eq!(run(&folder, &["--image", "docker.io/library/nginx:1.27"]), Outcome::new(0, &yaml, ""));
    is_accepted(&folder, &yaml);
    let named = with_archive(&layout(&[Image { name: Some("nginx:1.27"), ..web() }]));
    let outcome = run(&named, &["image.tar"]);
    // The image has a link at /var/run.
    assert!(outcome.stdout.contains(&format!("  - /run # {source}\n")), "{}", outcome.stdout);
    for (name, error) in [
        (
            "shop/web",
            "error: --image shop/web: no paths are known for this image: add an archive of the image, the output of `docker diff`, or a log\n",
        ),
        ("Shop", "error: --image Shop: the name has a repository name with upper case letters\n"),
    ] {
        assert_eq!(run(&folder, &["--image", name]), Outcome::new(2, "", error));
    }
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let printed = run(&Folder::with(&[]), &["--image", "nginx:1.27"]).stdout;
    let page = include_str!("../../../docs/writable-paths.md");
    assert!(page.contains(&format!("```yaml\n{printed}```\n")), "{printed}");
}

#[test]
fn an_image_that_writes_nowhere_gets_no_paths() {
    let image = Image { config: json!({"User": "65532"}), layers: vec![], ..web() };
    let folder = with_archive(&layout(&[image]));
    assert_eq!(run(&folder, &["image.tar"]), Outcome::new(0, "writablePaths: []\n", ""));
}

#[test]
fn a_fix_uses_the_proposal() {
    let folder = with_archive(&layout(&[database()]));
    let proposal = run(&folder, &["image.tar"]).stdout;
    let settings = format!("enforcement: warn\nreadOnlyRootFilesystem: fix\n{proposal}");
    fs::write(folder.0.path().join("settings.yaml"), settings).unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec:\n  containers:\n  - name: db\n    image: db:1\n";
    fs::write(folder.0.path().join("pod.yaml"), pod).unwrap();
    let fixed = folder.command(&["fix", "--diff", "--policy", "settings.yaml", "pod.yaml"]).output().unwrap();
    let fixed = String::from_utf8(fixed.stdout).unwrap();
    for path in ["/run/db", "/tmp", "/var/lib/db/data"] {
        assert!(fixed.contains(&format!("mountPath: {path}\n")), "{fixed}");
    }
}

/// Returns the files of a layout after a change of a document.
fn changed(files: &images::Files, name: &str, change: impl FnOnce(&mut Value)) -> images::Files {
    let mut files = files.clone();
    let (_, content) = files.iter_mut().find(|(file, _)| file == name).unwrap();
    let mut document = serde_json::from_slice(content).unwrap();
    change(&mut document);
    *content = document.to_string().into_bytes();
    files
}

#[test]
fn bad_inputs_are_one_line_and_exit_code_2() {
    let good = layout(&[application()]);
    let without = |part: &str| good.iter().filter(|(name, _)| !name.contains(part)).cloned().collect();
    let escaping = changed(&good, "index.json", |index| {
        index["manifests"][0]["digest"] = json!("sha256:../../../etc/passwd");
    });
    let leading_out = docker(&application());
    let leading_out = changed(&leading_out, "manifest.json", |images| {
        images[0]["Layers"][0] = json!("../../../etc/passwd");
    });
    let truncated = |files: &images::Files| {
        let mut files = files.clone();
        let (_, layer) = files.iter_mut().find(|(_, content)| content.starts_with(&[0x1f, 0x8b])).unwrap();
        layer.truncate(100);
        files
    };
    for (files, error) in [
        (
            without("index.json"),
            "neither index.json nor manifest.json is there: expected an OCI layout, as `docker save` or `skopeo copy` write",
        ),
        (without("blobs"), "the file is missing"),
        (escaping, "\"sha256:../../../etc/passwd\" is not a digest"),
        (leading_out, "../../../etc/passwd: the file is missing"),
        (truncated(&good), "the file ends too early"),
        (
            changed(&good, "index.json", |index| index["manifests"] = json!([])),
            "there is no image in the layout",
        ),
        (
            changed(&good, "index.json", |index| index["manifests"] = json!(1)),
            "index.json: invalid type: integer `1`, expected a sequence",
        ),
        (layout(&[Image { layers: vec![b"no tar".to_vec()], ..application() }]), "not a tar archive"),
        (layout(&[Image { platform: "windows/amd64", ..application() }]), "the image is for Windows"),
    ] {
        let folder = with_archive(&files);
        write(&folder, "layout", &files);
        for input in ["image.tar", "layout"] {
            let outcome = run(&folder, &[input]);
            assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""), "{error}");
            let is_named = outcome.stderr.starts_with(&format!("error: {input}: "));
            assert!(is_named && outcome.stderr.contains(error), "{error}: {}", outcome.stderr);
            assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        }
    }
}

#[test]
fn other_files_are_rejected() {
    let folder = Folder::with(&[
        ("empty", ""),
        ("image.xz", "\u{7f}7zXZ\0Read-only file system"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\n"),
        ("web.log", "started\n"),
        ("relative.log", "open x: read-only file system\n"),
        ("web.diff", "A /run\nE /run/x\n"),
        ("podman.json", "{\"added\": 1}"),
        ("folder/readme", ""),
    ]);
    for (input, error) in [
        ("none", "none: no such file or folder\n"),
        ("nginx:1.27", "nginx:1.27: no such file or folder; for the image, pass `--image nginx:1.27`\n"),
        ("empty", "empty: the file is empty"),
        (
            "image.xz",
            "image.xz: neither a tar archive, which can be compressed with gzip or zstd, nor a text",
        ),
        ("pod.yaml", "pod.yaml: no line says"),
        ("web.log", "web.log: no line says"),
        (
            "relative.log",
            "relative.log, line 1 column 1: a write failed, but the line does not contain an absolute path",
        ),
        ("web.diff", "web.diff, line 2 column 1: expected A, C or D"),
        ("podman.json", "podman.json: invalid type"),
        ("folder", "folder: neither index.json nor manifest.json is there"),
    ] {
        let outcome = run(&folder, &[input]);
        assert_eq!((outcome.code, &*outcome.stdout), (Some(2), ""), "{input}");
        assert!(outcome.stderr.starts_with(&format!("error: {error}")), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    }
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, Some(2));
}
