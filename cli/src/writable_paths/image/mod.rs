//! What an image shows about the paths that its containers write to: an OCI layout, or an archive of one.

mod blobs;
mod budget;
mod layer;
mod manifest;
mod platform;
mod selection;
pub(super) mod stream;
mod tar;
mod tree;
mod user;
mod zstd;

use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use self::blobs::{Archive, Blobs, Folder};
use self::budget::Budget;
use self::layer::Node;
use self::manifest::{Configuration, ContainerConfiguration};
use self::selection::Selected;
use self::stream::Meter;
use self::user::User;
use super::evidence::{Candidate, Evidence, Reason};

pub use self::platform::Platform;
pub(super) use self::tree::Tree;

/// File systems that container runtimes mount. What a layer has there is hidden.
const MOUNTED_BY_RUNTIMES: [&str; 3] = ["/dev", "/proc", "/sys"];

/// The home of users without one.
///
/// Source: <https://www.debian.org/doc/debian-policy/ch-opersys.html#non-existent-home-directories>
const NO_HOME: &str = "/nonexistent";

const STARTS_AS_ROOT: &str = "the image starts as root, which can write everywhere: add the output of `docker diff` or a log to \
                              find more paths";

/// Reads the image in a folder with an OCI layout, or with an unpacked archive of `docker save`.
pub(super) fn in_folder(root: &Path, platform: Option<&Platform>) -> Result<Evidence, String> {
    let mut folder = Folder { root: root.to_owned(), meter: Meter::default(), budget: Budget::default() };
    evidence(&mut folder, platform)
}

/// Reads the image in an archive that is not compressed any more.
pub(super) fn in_archive(
    reader: impl Read,
    meter: &Meter,
    platform: Option<&Platform>,
) -> Result<Evidence, String> {
    let mut archive = Archive::read(reader, meter).map_err(|error| message(&error))?;
    evidence(&mut archive, platform)
}

fn evidence(blobs: &mut impl Blobs, platform: Option<&Platform>) -> Result<Evidence, String> {
    let Selected { names, configuration, layers } = selection::select(blobs, platform)?;
    let configuration: Configuration = parse(&configuration, blobs)?;
    if configuration.platform.os == "windows" {
        return Err("the image is for Windows, where containers cannot have a read-only root".to_owned());
    }
    let mut tree = Tree::default();
    let mut budget = Budget::default();
    for name in layers {
        let layer = blobs.layer(&name).map_err(|error| in_file(&name, &error))?;
        budget.take_changes(layer.changes.len()).map_err(|error| message(&error))?;
        tree.apply(&layer);
    }
    // A tag alone does not say which image it is.
    let images = names.into_iter().filter(|name| name.contains(['/', ':'])).collect();
    let mut evidence = Evidence { images, ..Evidence::default() };
    add_candidates(&configuration.config.unwrap_or_default(), &tree, &mut evidence);
    evidence.trees.push(tree);
    Ok(evidence)
}

fn add_candidates(configuration: &ContainerConfiguration, tree: &Tree, evidence: &mut Evidence) {
    let passwd = tree.passwd().unwrap_or_default();
    let field = configuration.user.as_deref().unwrap_or_default();
    for volume in configuration.volumes.iter().flatten() {
        evidence.add(Candidate::at(volume.0, Reason::Volume));
    }
    let user = User::of_image(field, passwd);
    match &user {
        None => evidence.warnings.push(format!(
            "the user \"{field}\" of the image is not in its /etc/passwd: directories of the user are not known"
        )),
        Some(user) if user.is_root() => evidence.started_as_root.push(STARTS_AS_ROOT.to_owned()),
        Some(_) => {}
    }
    let places = [
        (configuration.working_dir.clone(), Reason::WorkingDirectory),
        (home(configuration, user.as_ref(), tree), Reason::Home),
    ];
    for (path, reason) in places {
        if let Some(path) = path.filter(|path| can_write(user.as_ref(), path, tree)) {
            evidence.add(Candidate::at(&path, reason));
        }
    }
    for (path, node) in tree.nodes() {
        let Node::Directory(owner) = node else { continue };
        if let Some(access) = user::access(user.as_ref(), *owner).filter(|_| !is_mounted_by_runtimes(path)) {
            evidence.add(Candidate::at(path, Reason::Access(access)));
        }
    }
}

/// Returns the home of the user: `HOME`, or what `/etc/passwd` says if the image has the directory.
fn home(configuration: &ContainerConfiguration, user: Option<&User>, tree: &Tree) -> Option<String> {
    let mut variables = configuration.env.iter().flatten();
    let home = variables.find_map(|variable| variable.strip_prefix("HOME=")).map(str::to_owned);
    let of_user = || user?.home.clone().filter(|home| tree.has_directory(home));
    home.or_else(of_user).filter(|home| home != NO_HOME)
}

/// Returns whether the user of an image can write to a directory, if the image has it. Root can write everywhere.
fn can_write(user: Option<&User>, path: &str, tree: &Tree) -> bool {
    let is_usable = path.starts_with('/') && path != "/";
    is_usable
        && match tree.get(&tree.resolve(path)) {
            Some(Node::Directory(owner)) => {
                user.is_some_and(User::is_root) || user::access(user, *owner).is_some()
            }
            Some(Node::File | Node::Link(_)) => false,
            None => true,
        }
}

fn is_mounted_by_runtimes(path: &str) -> bool {
    MOUNTED_BY_RUNTIMES.iter().any(|mounted| Path::new(path).starts_with(mounted))
}

/// Reads a document of an image.
fn parse<T: DeserializeOwned>(name: &str, blobs: &mut impl Blobs) -> Result<T, String> {
    let document = blobs.document(name).map_err(|error| in_file(name, &error))?;
    serde_json::from_slice(&document).map_err(|error| format!("{name}: {error}"))
}

fn in_file(name: &str, error: &io::Error) -> String {
    format!("{name}: {}", message(error))
}

fn message(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        _ => error.to_string(),
    }
}
