//! Bypasses the proxy of the environment for clusters to which kubectl connects directly.

use std::net::IpAddr;

use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{Config, Kubeconfig};

/// Removes the proxy of the environment from a configuration, unless `NO_PROXY` lets the API server use it. A proxy in the
/// kubeconfig stays.
///
/// Until version 5.0, kube compares `NO_PROXY` with the address of the proxy.
pub(super) fn bypass(config: &mut Config, kubeconfig: &Kubeconfig, context: &str) {
    if !has_proxy(kubeconfig, context) && connects_directly(config, &Matcher::from_env()) {
        config.proxy_url = None;
    }
}

/// Returns whether the kubeconfig sets a proxy for the cluster of a context.
fn has_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let context = kubeconfig.contexts.iter().find(|known| known.name == context);
    let Some(context) = context.and_then(|known| known.context.as_ref()) else { return false };
    let cluster = kubeconfig.clusters.iter().find(|known| known.name == context.cluster);
    let proxy = cluster.and_then(|known| known.cluster.as_ref()?.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

/// Returns whether a client in Go connects to the API server without a proxy. It never uses a proxy for its own machine.
///
/// Source: `ProxyFromEnvironment` in `net/http`.
fn connects_directly(config: &Config, proxies: &Matcher) -> bool {
    let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_this_machine =
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    is_this_machine || proxies.intercept(&config.cluster_url).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_and_this_machine_are_reached_directly() {
        let proxies = Matcher::builder().https("http://proxy.example.com").no("10.0.0.0/8,.internal").build();
        for (url, is_direct) in [
            ("https://10.1.2.3:6443", true),
            ("https://api.internal", true),
            ("https://127.0.0.1:6443", true),
            ("https://[::1]:6443", true),
            ("https://localhost", true),
            ("https://192.0.2.1", false),
            ("https://api.example.com", false),
        ] {
            let config = Config::new(url.parse().unwrap());
            assert_eq!(connects_directly(&config, &proxies), is_direct, "{url}");
        }
    }

    #[test]
    fn a_proxy_in_the_kubeconfig_stays() {
        let kubeconfig = Kubeconfig::from_yaml(
            "{contexts: [{name: a, context: {cluster: a}}, {name: b, context: {cluster: b}}], \
             clusters: [{name: a, cluster: {proxy-url: 'http://proxy'}}, {name: b, cluster: {}}]}",
        )
        .unwrap();
        assert!(has_proxy(&kubeconfig, "a"));
        assert!(!has_proxy(&kubeconfig, "b"));
        assert!(!has_proxy(&kubeconfig, "c"));
    }
}
