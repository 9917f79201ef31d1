//! Images whose documentation, or whose sources, name the paths that they write to.

use std::collections::{BTreeMap, BTreeSet};

use immutable_pods_policy::kubernetes::image_reference::{ImageReference, Repository};
use serde::Deserialize;

use super::evidence::{Candidate, Evidence, Reason};

const TABLE: &str = include_str!("known_images.yaml");

/// An image, and the paths that it writes to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownImage {
    image: String,
    paths: Vec<String>,
    /// The address of the documentation or of the source.
    source: String,
}

impl Evidence {
    /// Sets the name of the image, in place of those in the inputs, and adds the paths that it is known to write to. Returns
    /// whether there are any.
    ///
    /// # Errors
    ///
    /// If the name is not that of an image. Contains the end of a sentence, such as `has an invalid tag`.
    pub fn set_image(&mut self, image: &str) -> Result<bool, &'static str> {
        ImageReference::parse(image)?;
        self.images = BTreeSet::from([image.to_owned()]);
        self.add_known_paths();
        Ok(self.candidates.iter().any(|candidate| candidate.reason.is_known()))
    }

    /// Adds the paths that images are known to write to, and shortens the names of images to those of their repositories.
    pub fn add_known_paths(&mut self) {
        let known = known_images();
        for image in std::mem::take(&mut self.images) {
            let Ok(reference) = ImageReference::parse(&image) else { continue };
            let name = name(&reference.repository);
            if let Some(KnownImage { paths, source, .. }) = known.get(&name) {
                for path in paths {
                    self.add(Candidate::at(path, Reason::Known(source.clone())));
                }
            }
            self.images.insert(name);
        }
    }
}

/// Returns the shortest name of a repository: `nginx`, not `docker.io/library/nginx`.
fn name(repository: &Repository<'_>) -> String {
    let Repository { host, folder, last } = *repository;
    let folder = folder.filter(|folder| host != "docker.io" || *folder != "library");
    let host = Some(host).filter(|host| *host != "docker.io");
    host.into_iter().chain(folder).chain([last]).collect::<Vec<_>>().join("/")
}

/// Returns the lines of the table by image. A test reads the table.
fn known_images() -> BTreeMap<String, KnownImage> {
    let lines: Vec<KnownImage> = serde_saphyr::from_str(TABLE).unwrap_or_default();
    lines.into_iter().map(|line| (line.image.clone(), line)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::proposal::refusal;
    use super::*;
    use crate::Policy;

    #[test]
    fn every_line_has_an_image_paths_and_a_source() {
        let lines: Vec<KnownImage> = serde_saphyr::from_str(TABLE).unwrap();
        assert!(lines.len() >= 20, "{} lines", lines.len());
        let policy = Policy::linked();
        for KnownImage { image, paths, source } in &lines {
            let reference = ImageReference::parse(image).unwrap();
            assert_eq!(name(&reference.repository), *image);
            assert!(reference.tag.is_none() && reference.digest.is_none(), "{image}");
            assert!(!paths.is_empty() && paths.is_sorted(), "{image}");
            assert!(source.starts_with("https://"), "{image}: {source}");
            for path in paths {
                assert_eq!(refusal(&policy, path).unwrap(), None, "{image}: {path}");
            }
        }
        let mut names: Vec<&str> = lines.iter().map(|line| &*line.image).collect();
        assert!(names.is_sorted(), "the lines are not in the order of their images");
        names.dedup();
        assert_eq!(names.len(), lines.len(), "an image has two lines");
    }

    #[test]
    fn names_of_one_image_are_equal() {
        for image in [
            "nginx",
            "nginx:1.27",
            "docker.io/library/nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            let mut evidence = Evidence::default();
            assert_eq!(evidence.set_image(image), Ok(true));
            assert_eq!(evidence.images, BTreeSet::from(["nginx".to_owned()]));
        }
        for (image, shortest) in [
            ("bitnami/nginx:1", "bitnami/nginx"),
            ("docker.io/bitnami/nginx", "bitnami/nginx"),
            ("registry.example.com:5000/shop/web:2", "registry.example.com:5000/shop/web"),
            ("localhost/web", "localhost/web"),
        ] {
            let mut evidence = Evidence::default();
            evidence.set_image(image).unwrap();
            assert_eq!(evidence.images, BTreeSet::from([shortest.to_owned()]));
        }
        assert!(Evidence::default().set_image("No Image").is_err());
    }
}
