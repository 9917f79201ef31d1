//! `cargo xtask workflow`: prints a workflow or an action as JSON for shell scripts. Jobs and steps keep their order.

use std::fs;
use std::path::Path;

use crate::Result;

/// Prints the YAML file as JSON.
pub(crate) fn print(file: &Path) -> Result<()> {
    // Its mappings have the order of the file.
    let workflow: serde_yaml::Value = serde_saphyr::from_str(&fs::read_to_string(file)?)?;
    println!("{}", serde_json::to_string_pretty(&workflow)?);
    Ok(())
}
