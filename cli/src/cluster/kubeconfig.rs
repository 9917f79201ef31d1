//! Finds the configuration of a cluster, in the places where kubectl finds it.

use std::env;
use std::io;
use std::path::PathBuf;

use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::proxy;
use crate::printable::one_line;

/// The name of the cluster in which the program runs.
pub(super) const IN_CLUSTER: &str = "cluster";

/// Returns the name and the configuration of a cluster: of the context, of the current context, or of the cluster in which the
/// program runs. An error is a sentence.
pub(super) async fn load(context: Option<&str>) -> Result<(String, Config), String> {
    let kubeconfig = read().map_err(|error| sentence(&error))?;
    let current = kubeconfig.as_ref().and_then(|config| config.current_context.clone());
    let name = context.map(str::to_owned).or(current.filter(|name| !name.is_empty()));
    match (kubeconfig, name) {
        (Some(kubeconfig), Some(name)) => {
            let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
            let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options).await;
            let mut config = config.map_err(|error| sentence(&error))?;
            proxy::bypass(&mut config, &kubeconfig, &name);
            Ok((name, config))
        }
        (None, Some(_)) => Err("there is no kubeconfig with this context: set KUBECONFIG".to_owned()),
        (kubeconfig, None) => match Config::incluster() {
            Ok(config) => Ok((IN_CLUSTER.to_owned(), config)),
            Err(_) if kubeconfig.is_some() => {
                Err("the kubeconfig does not have a current context: pass --context".to_owned())
            }
            Err(_) => {
                Err("there is no kubeconfig, and the program does not run in a cluster: set KUBECONFIG"
                    .to_owned())
            }
        },
    }
}

/// Returns the merged files of `KUBECONFIG`, or the file in the home of the user. Missing files are ignored, like kubectl ignores
/// them.
fn read() -> Result<Option<Kubeconfig>, KubeconfigError> {
    let paths: Vec<PathBuf> = env::var_os("KUBECONFIG")
        .map(|paths| env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if paths.is_empty() {
        return match env::home_dir() {
            Some(home) => read_file(home.join(".kube").join("config")),
            None => Ok(None),
        };
    }
    merge(paths)
}

fn merge(paths: Vec<PathBuf>) -> Result<Option<Kubeconfig>, KubeconfigError> {
    let mut merged: Option<Kubeconfig> = None;
    for path in paths {
        let Some(next) = read_file(path)? else { continue };
        merged = Some(match merged {
            Some(first) => first.merge(next)?,
            None => next,
        });
    }
    Ok(merged)
}

fn read_file(path: PathBuf) -> Result<Option<Kubeconfig>, KubeconfigError> {
    match Kubeconfig::read_from(path) {
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn sentence(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::LoadContext(_) => "the kubeconfig does not have this context".to_owned(),
        other => format!("cannot use the kubeconfig: {}", one_line(&other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FIRST: &str = "{current-context: a, contexts: [{name: a, context: {cluster: a}}]}";
    const SECOND: &str = "{current-context: b, contexts: [{name: b, context: {cluster: b}}]}";

    #[test]
    fn the_files_of_kubeconfig_are_merged() {
        let folder = tempfile::tempdir().unwrap();
        let [first, missing, second] = ["first", "missing", "second"].map(|name| folder.path().join(name));
        fs::write(&first, FIRST).unwrap();
        fs::write(&second, SECOND).unwrap();
        let merged = merge(vec![missing.clone(), first, second]).unwrap().unwrap();
        assert_eq!(merged.current_context.as_deref(), Some("a"));
        assert_eq!(merged.contexts.len(), 2);
        assert!(merge(vec![missing]).unwrap().is_none());
    }

    #[test]
    fn a_wrong_kubeconfig_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "contexts: 1").unwrap();
        let error = read_file(file).unwrap_err();
        assert!(sentence(&error).starts_with("cannot use the kubeconfig: "), "{error}");
    }
}
