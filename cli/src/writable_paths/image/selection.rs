//! Finds the image in a layout: the one of a platform, if there are several.

use std::collections::{BTreeMap, BTreeSet};

use super::blobs::Blobs;
use super::manifest::{Configuration, Descriptor, DockerImage, IndexOrManifest};
use super::parse;
use super::platform::Platform;

const INDEX: &str = "index.json";
const DOCKER_MANIFEST: &str = "manifest.json";

/// Maximum number of manifests that are read.
const MAX_MANIFESTS: usize = 1_000;

/// The files of an image in a layout.
#[derive(Debug, Clone, Default)]
pub(super) struct Selected {
    /// The names of the image, as the layout has them. Some are tags alone.
    pub(super) names: BTreeSet<String>,
    /// The name of the file with the configuration.
    pub(super) configuration: String,
    /// The names of the files with the layers, the lowest first.
    pub(super) layers: Vec<String>,
}

/// Returns the image for a platform. Without a platform, `linux/amd64` is preferred if there are several.
pub(super) fn select(blobs: &mut impl Blobs, platform: Option<&Platform>) -> Result<Selected, String> {
    let mut images = if blobs.has(INDEX) {
        in_layout(blobs)?
    } else if blobs.has(DOCKER_MANIFEST) {
        in_docker_archive(blobs)?
    } else {
        return Err(format!(
            "neither {INDEX} nor {DOCKER_MANIFEST} is there: expected an OCI layout, as `docker save` or `skopeo copy` write"
        ));
    };
    if images.is_empty() {
        return Err("there is no image in the layout".to_owned());
    }
    let platforms: BTreeSet<Platform> = images.iter().map(|(platform, _)| platform.clone()).collect();
    let preferred = Platform::preferred();
    let wanted = platform.or_else(|| Some(&preferred).filter(|_| platforms.len() > 1));
    images.retain(|(platform, _)| wanted.is_none_or(|wanted| wanted.includes(platform)));
    match (images.pop(), images.len()) {
        (Some((_, image)), 0) => Ok(image),
        (None, _) => {
            let wanted = wanted.map(ToString::to_string).unwrap_or_default();
            Err(format!("there is no image for {wanted}: choose one with --platform: {}", list(&platforms)))
        }
        (Some(last), _) => {
            images.push(last);
            let names: BTreeSet<String> = images.iter().flat_map(|(_, image)| image.names.clone()).collect();
            let several: BTreeSet<Platform> = images.into_iter().map(|(platform, _)| platform).collect();
            if several.len() > 1 {
                return Err(format!(
                    "there are images for several platforms: choose one with --platform: {}",
                    list(&several)
                ));
            }
            Err(format!("expected one image, got several: save or copy them one by one: {}", list(&names)))
        }
    }
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// Returns the images of an OCI layout whose files are there, each with its platform.
fn in_layout(blobs: &mut impl Blobs) -> Result<Vec<(Platform, Selected)>, String> {
    let index: IndexOrManifest = parse(INDEX, blobs)?;
    let mut left = index.manifests.unwrap_or_default();
    let mut images: BTreeMap<String, (Platform, Selected)> = BTreeMap::new();
    let mut is_missing = None;
    let mut read = 0;
    while let Some(descriptor) = left.pop() {
        if descriptor.is_attestation() {
            continue;
        }
        let file = file_of(&descriptor)?;
        // An index also names the platforms that were not saved.
        if !blobs.has(&file) {
            is_missing = Some(file);
            continue;
        }
        let names = descriptor.name().map(str::to_owned);
        if let Some((_, image)) = images.get_mut(&file) {
            image.names.extend(names);
            continue;
        }
        read += 1;
        if read > MAX_MANIFESTS {
            return Err(format!("the layout has more than {MAX_MANIFESTS} manifests"));
        }
        let content: IndexOrManifest = parse(&file, blobs)?;
        if let Some(manifests) = content.manifests {
            left.extend(manifests.into_iter().map(|inner| inner.within(&descriptor)));
        } else {
            let mut image = image(&content)?;
            image.names.extend(names);
            let platform = match descriptor.platform {
                Some(platform) => platform,
                None => platform_of(&image.configuration, blobs)?,
            };
            images.insert(file, (platform, image));
        }
    }
    match is_missing {
        Some(file) if images.is_empty() => Err(format!("{file}: the file is missing")),
        _ => Ok(images.into_values().collect()),
    }
}

fn image(manifest: &IndexOrManifest) -> Result<Selected, String> {
    let configuration = manifest.config.as_ref().ok_or("a manifest has neither `config` nor `manifests`")?;
    let layers = manifest.layers.iter().map(file_of).collect::<Result<_, _>>()?;
    Ok(Selected { names: BTreeSet::new(), configuration: file_of(configuration)?, layers })
}

fn file_of(descriptor: &Descriptor) -> Result<String, String> {
    descriptor.file().ok_or_else(|| format!("\"{}\" is not a digest", descriptor.digest))
}

/// Returns the images in an archive of `docker save`, each with its platform.
fn in_docker_archive(blobs: &mut impl Blobs) -> Result<Vec<(Platform, Selected)>, String> {
    let images: Vec<DockerImage> = parse(DOCKER_MANIFEST, blobs)?;
    let selected = images.into_iter().take(MAX_MANIFESTS).map(|image| {
        let platform = platform_of(&image.config, blobs)?;
        let names = image.repo_tags.unwrap_or_default().into_iter().collect();
        Ok((platform, Selected { names, configuration: image.config, layers: image.layers }))
    });
    selected.collect()
}

fn platform_of(configuration: &str, blobs: &mut impl Blobs) -> Result<Platform, String> {
    parse::<Configuration>(configuration, blobs).map(|configuration| configuration.platform)
}
