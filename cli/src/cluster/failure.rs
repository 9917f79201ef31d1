//! Explains requests that failed.

use std::error::Error;
use std::iter::successors;
use std::process::Output;

use kube::client::AuthError;
use kube::core::Status;

use crate::input::read_failure;
use crate::printable::one_line;

/// Returns why a request failed, on one line.
pub(super) fn reason(error: &kube::Error) -> String {
    let text = causes(error).find_map(plug_in_failure).unwrap_or_else(|| match error {
        kube::Error::Api(status) => message(status),
        kube::Error::Service(error) => root(&**error).to_string(),
        kube::Error::HyperError(error) => root(error).to_string(),
        kube::Error::SerdeError(error) => format!("unexpected response: {error}"),
        other => other.to_string(),
    });
    one_line(text.trim())
}

/// Returns why a credential plug-in has no token.
///
/// The errors of kube contain the environment of the plug-in and what it printed, which can be secret.
fn plug_in_failure(error: &(dyn Error + 'static)) -> Option<String> {
    match error.downcast_ref()? {
        AuthError::AuthExecStart(error) => {
            Some(format!("cannot start the credential plug-in: {}", read_failure(error)))
        }
        AuthError::AuthExecRun { out, .. } => {
            let Output { status, stderr, .. } = &**out;
            let text =
                format!("the credential plug-in failed: {status}: {}", String::from_utf8_lossy(stderr));
            Some(text.trim_end_matches([':', ' ', '\n']).to_owned())
        }
        AuthError::AuthExecParse(_) => {
            Some("the credential plug-in did not print an ExecCredential".to_owned())
        }
        _ => None,
    }
}

/// Returns the token that continues an expired list after the pages that were read.
pub(super) fn next_token(error: &kube::Error) -> Option<&str> {
    let kube::Error::Api(status) = error else { return None };
    let token = status.metadata.as_ref()?.continue_.as_deref()?;
    (status.code == 410 && !token.is_empty()).then_some(token)
}

/// Returns whether a request failed because the object does not exist.
pub(super) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

fn message(status: &Status) -> String {
    if status.message.is_empty() {
        return format!("HTTP status {}", status.code);
    }
    // API servers write `pods is forbidden: User …`.
    match status.message.split_once(" is forbidden: ") {
        Some((resource, why)) if !resource.contains(' ') => format!("forbidden: {why}"),
        _ => status.message.clone(),
    }
}

/// Returns the first cause of an error. The errors above it only say that a connection failed.
fn root<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

/// Returns an error and its causes.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn api(status: serde_json::Value) -> kube::Error {
        kube::Error::Api(serde_json::from_value(status).unwrap())
    }

    #[test]
    fn the_message_of_the_api_server_is_the_reason() {
        for (status, sentence) in [
            (
                json!({"code": 403, "message": "pods is forbidden: User \"web\" cannot list resource"}),
                "forbidden: User \"web\" cannot list resource",
            ),
            (json!({"code": 500, "message": "etcd\nis away"}), "etcd\\nis away"),
            (json!({"code": 503}), "HTTP status 503"),
        ] {
            assert_eq!(reason(&api(status)), sentence);
        }
    }

    #[test]
    fn only_an_expired_list_has_a_next_token() {
        let of = |code: u16, token: &str| {
            next_token(&api(json!({"code": code, "metadata": {"continue": token}}))).map(str::to_owned)
        };
        assert_eq!(of(410, "t"), Some("t".to_owned()));
        assert_eq!(of(410, ""), None);
        assert_eq!(of(500, "t"), None);
        assert_eq!(next_token(&api(json!({"code": 410}))), None);
    }
}
