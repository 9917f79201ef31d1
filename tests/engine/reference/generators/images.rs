//! Generators of image references.

use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use crate::generators::one_of;

/// The most frequent digest.
pub(super) const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Image names.
const NAMES: [&str; 45] = [
    "nginx",
    "docker.io/nginx",
    "docker.io/library/nginx",
    "index.docker.io/library/nginx",
    "istio/proxyv2",
    "library/nginx",
    "registry.example.com/mesh/proxy",
    "registry.example.com/mesh/proxy",
    "registry.example.com/mesh/deep/proxy",
    "registry.example.com:5000/mesh/proxy",
    "Registry.example.com/mesh/proxy",
    "docker.io/registry.example.com/mesh/proxy",
    "registry:5000/app",
    "localhost/app",
    "localhost:5000/app",
    "localhost",
    "Upper/app",
    "app--x/y__z/a.b_c-d",
    "[::1]:5000/app",
    "[2001:DB8::1]/app",
    "xn--bcher-kva.example/a",
    "a.b",
    "docker.io",
    // The following names are invalid.
    "Nginx",
    "registry.example.com/Web",
    "a//b",
    "/a",
    "a/",
    "-a",
    "a-",
    "_a",
    "a___b",
    "a..b",
    "a._b",
    "a.b/-c",
    "-host.example.com/a",
    "host-.example.com/a",
    "host..com/a",
    "host.com:/a",
    "host.com:http/a",
    "[::g]/a",
    "https://registry.example.com/a",
    " nginx",
    "ngin\u{445}",
    "",
];

/// Generates valid and invalid image references.
pub(super) fn image() -> BoxedStrategy<Value> {
    let long = |letters: usize| "a".repeat(letters);
    let names: Vec<String> = NAMES
        .map(str::to_owned)
        .into_iter()
        .chain([
            format!("r.io/{}", long(250)),
            format!("r.io/{}", long(256)),
            format!("{}/a", "b".repeat(60)),
        ])
        .collect();
    let versions: Vec<String> = [
        "",
        ":1.29",
        ":1.29",
        ":1.29",
        ":latest",
        ":LATEST",
        ":1.4-SNAPSHOT",
        ":SNAPSHOT",
        ":edge",
        ":edge-2",
    ]
    .into_iter()
    .chain([
        ":",
        ":.1",
        ":-1",
        ":_1",
        ":a b",
        ":1+2",
        ":1:2",
        ":1\n",
        " ",
        "@",
        "@sha256",
        "@sha256:",
        ":1@",
        "@sha256:zz",
    ])
    .map(str::to_owned)
    .chain([
        format!(":{}", long(128)),
        format!(":{}", long(129)),
        format!("@{DIGEST}"),
        format!("@{DIGEST}"),
        format!(":latest@{DIGEST}"),
        format!(":@{DIGEST}"),
        format!("@{DIGEST}0"),
        format!("@{}", DIGEST.trim_end_matches('8')),
        format!("@{}", DIGEST.to_uppercase().replace("SHA", "sha")),
        format!("@{}", DIGEST.replace("sha256", "sha384")),
        format!("@{}", DIGEST.replace("sha256", "sha512")),
        format!("@{}", DIGEST.replace("sha256", "SHA256")),
        format!("@md5:{}", long(32)),
        format!("@{}", DIGEST.replace("sha256", "blake3")),
        format!("@blake3:{}", long(63)),
        format!("@sha384:{}", long(96)),
        format!(":1@sha512:{}", long(128)),
        format!("@sha512:{}", long(127)),
        format!("@{DIGEST}:1"),
        format!("@{DIGEST}@{DIGEST}"),
    ])
    .collect();
    let made =
        (select(names), select(versions)).prop_map(|(name, version)| Value::from(name + &version)).boxed();
    let bare = DIGEST.trim_start_matches("sha256:");
    let odd = one_of(&json!([bare, format!("x/{bare}"), format!("x/{bare}:1"), null]));
    prop_oneof![6 => made, 6 => related_image(), 1 => odd].boxed()
}

/// Generates references with similar names, tags and digests.
pub(super) fn related_image() -> BoxedStrategy<Value> {
    let other = DIGEST.replace('9', "0");
    one_of(&json!([
        "nginx",
        "nginx:latest",
        "nginx:1.29",
        "nginx:1.30",
        "docker.io/library/nginx:1.29",
        format!("nginx@{DIGEST}"),
        format!("nginx:latest@{DIGEST}"),
        format!("app:7@{DIGEST}"),
        format!("nginx:1.29@{DIGEST}"),
        format!("nginx:1.29@{DIGEST}"),
        format!("registry.example.com/mesh/proxy:2.0@{DIGEST}"),
        format!("registry.example.com/mesh/proxy:2.0@{DIGEST}"),
        format!("registry.example.com/mesh/proxy:2.0@{DIGEST}"),
        format!("nginx:1.29@{other}"),
        format!("docker.io/nginx:1.29@{DIGEST}"),
        "registry.example.com/mesh/proxy:2.0",
        "registry.example.com/mesh/proxy:2.0.1",
        format!("registry.example.com/mesh/proxy:2.0@{DIGEST}"),
    ]))
}
