//! `writable-paths`: proposes the volumes that a read-only root needs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Args;
use immutable_pods::Policy;
use immutable_pods::writable_paths::{self, Evidence, Platform, Proposal};

use super::engine::failure;
use super::streams::{Errors, print};

/// Propose `writablePaths` for an image: the volumes that a container with a read-only root needs
///
/// Each input is recognised by its content, and all of them are merged. For images that many people use, `--image` adds the paths
/// that their documentation names. Prints YAML for the settings, and warns about paths that are left out.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct WritablePaths {
    /// Images, diffs and logs, or `-` for stdin
    #[arg(value_name = "INPUT", required_unless_present = "image")]
    inputs: Vec<PathBuf>,

    /// The name of the image, as pods contain it; also adds known paths [default: the name in the archive]
    #[arg(long, value_name = "NAME")]
    image: Option<String>,

    /// The platform of an image with several, such as `linux/arm64` [default: the only one, or linux/amd64]
    #[arg(long)]
    platform: Option<Platform>,
}

const AFTER_HELP: &str = "\
Inputs:
  an image  an OCI layout as a folder, or an archive of `docker save`, `podman save` or `skopeo copy`:
            VOLUME, WORKDIR, HOME, and directories to which the user of the image can write
  a diff    the output of `docker diff` or `podman diff`: where a container has written
  a log     lines with `Read-only file system` or `EROFS`: where a container could not write

Examples:
  immutable-pods writable-paths --image nginx:1.27
  docker save registry.example.com/shop/web:2 | immutable-pods writable-paths -
  docker diff web | immutable-pods writable-paths --image registry.example.com/shop/web:2 -
  kubectl logs web | immutable-pods writable-paths --image registry.example.com/shop/web:2 web.tar -

Exit codes:
  0  the proposal is printed
  2  an input cannot be read, or shows no paths";

/// Returns what to do about an input that does not exist, if it is the name of an image.
fn hint(input: &Path) -> String {
    let name = input.to_str().filter(|_| !input.exists()).unwrap_or_default();
    match Evidence::default().set_image(name) {
        Ok(true) => format!("; for the image, pass `--image {name}`"),
        _ => String::new(),
    }
}

impl WritablePaths {
    /// Prints the proposal, or an error for each input that cannot be used.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        match self.proposal(&mut errors) {
            Ok(proposal) => {
                for left_out in &proposal.left_out {
                    errors.warn(left_out);
                }
                print(&proposal.to_yaml())
            }
            Err(reasons) => {
                errors.print_all(&reasons);
                ExitCode::from(2)
            }
        }
    }

    fn proposal(&self, errors: &mut Errors) -> Result<Proposal, Vec<String>> {
        let evidence = self.evidence()?;
        for warning in evidence.warnings() {
            errors.warn(&warning);
        }
        Proposal::of(&evidence, &Policy::linked()).map_err(|error| vec![failure(None, &error)])
    }

    fn evidence(&self) -> Result<Evidence, Vec<String>> {
        let mut evidence = Evidence::default();
        let mut reasons = Vec::new();
        for input in &self.inputs {
            match writable_paths::read(input, self.platform.as_ref()) {
                Ok(read) => evidence.merge(read),
                Err(error) => reasons.push(format!("{error}{}", hint(input))),
            }
        }
        if let Err(reason) = self.name(&mut evidence) {
            reasons.push(reason);
        }
        if reasons.is_empty() { Ok(evidence) } else { Err(reasons) }
    }

    /// Sets the name of the image, and adds what is known about it.
    fn name(&self, evidence: &mut Evidence) -> Result<(), String> {
        match &self.image {
            None => evidence.add_known_paths(),
            Some(name) => {
                let has_known_paths = evidence
                    .set_image(name)
                    .map_err(|reason| format!("--image {name}: the name {reason}"))?;
                if self.inputs.is_empty() && !has_known_paths {
                    return Err(format!(
                        "--image {name}: no paths are known for this image: add an archive of the image, the output of \
                         `docker diff`, or a log"
                    ));
                }
            }
        }
        Ok(())
    }
}
