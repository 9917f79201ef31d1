//! `cargo xtask cases`: writes every case as files for shell scripts.
//!
//! The case `every-container` of `tests/cases/privileged/denied.yaml` becomes the folder `privileged/denied/every-container`:
//!
//! - `request.json`: the admission request
//! - `settings.json`: the settings
//! - `deny.txt` and `warn.txt`: the findings of the denial and the warnings, empty if there are none
//! - `fixed.json`: the fixed object, if the policy fixes the requested object
//! - `recording.json`: the answers of the host, in kwctl's format
//!
//! The payload `bypass/json/twice.payload` becomes the folder `bypass/json/twice` with `payload` and `deny.txt`.

use std::fs;
use std::path::Path;

use immutable_pods::interactions::{Exchange, Request, Response};
use immutable_pods_testing::cases::{self, Case, Payload};
use serde_json::{Value, json};

use crate::{Result, in_repository};

/// Writes every case into a folder.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let cases = in_repository("tests/cases");
    for case in cases::read(&cases)? {
        write_case(&folder.join(&case.id), &case)?;
    }
    for payload in cases::payloads(&cases)? {
        write_payload(&folder.join(&payload.id), &payload)?;
    }
    Ok(())
}

fn write_case(folder: &Path, case: &Case) -> Result<()> {
    fs::create_dir_all(folder)?;
    let write = |name: &str, content: String| fs::write(folder.join(name), content);
    write("request.json", case.request.to_string())?;
    write("settings.json", case.settings.to_string())?;
    write("deny.txt", lines(&case.deny))?;
    write("warn.txt", lines(&case.warn))?;
    if let Some(fixed) = &case.fixed {
        write("fixed.json", fixed.to_string())?;
    }
    let recording: Vec<_> = case.exchanges.iter().map(recorded).collect();
    write("recording.json", Value::from(recording).to_string())?;
    Ok(())
}

fn write_payload(folder: &Path, payload: &Payload) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("deny.txt"), lines(&payload.deny))?;
    fs::write(folder.join("payload"), &payload.bytes)?;
    Ok(())
}

/// Returns an exchange with the host in kwctl's format. kwctl writes the request as YAML, with its type as a tag.
fn recorded(Exchange { request, response }: &Exchange) -> Value {
    let request = match request {
        Request::OciManifestAndConfig { image } => {
            format!("!OciManifestAndConfig\nimage: {}\n", json!(image))
        }
        Request::OciManifestDigest { image } => format!("!OciManifestDigest\nimage: {}\n", json!(image)),
    };
    let response = match response {
        Response::Success { payload } => json!({"type": "Success", "payload": payload}),
        Response::Error { message } => json!({"type": "Error", "message": message}),
    };
    json!({"type": "Exchange", "request": request, "response": response})
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| line.clone() + "\n").collect()
}
