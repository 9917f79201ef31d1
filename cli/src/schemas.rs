//! The JSON Schemas that editors and scripts use.

/// The schema of the settings, which is generated from the declarations of the settings.
pub const SETTINGS: &str = include_str!("../../settings.schema.json");

/// The schema of the format `json` of reports.
pub const OUTPUT: &str = include_str!("../schemas/output.schema.json");
