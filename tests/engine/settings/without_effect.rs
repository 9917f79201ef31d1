//! Settings that would have no effect, or another effect than they say.

use serde_json::{Value, json};

use super::{accepts, rejects};

/// Returns settings with one exemption of images.
fn images(pattern: &str) -> Value {
    json!({"exemptions": [{"reason": "a", "images": [pattern]}]})
}

#[test]
fn stars_are_rejected_in_paths_that_protect_everything_below_them() {
    for (pattern, path) in [("/opt/*", "/opt"), ("/opt/**", "/opt"), ("/*", "/")] {
        let reason = format!("\"*\" has no special meaning here, write {path:?} instead of {pattern:?}");
        for key in ["protectedPaths", "additionalProtectedPaths"] {
            rejects(
                &json!({"writableMounts": {key: [pattern]}}),
                &format!("writableMounts.{key}[0]: {reason}"),
            );
        }
        rejects(
            &json!({"hostPathVolumes": {"denied": [pattern]}}),
            &format!("hostPathVolumes.denied[0]: {reason}"),
        );
        rejects(
            &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": pattern}]}}),
            &format!("hostPathVolumes.allowed[0].pathPrefix: {reason}"),
        );
    }
    for pattern in ["/opt/*/bin", "/opt/web*", "/o*t"] {
        rejects(
            &json!({"writableMounts": {"additionalProtectedPaths": ["/srv", pattern]}}),
            &format!(
                "writableMounts.additionalProtectedPaths[1]: \"*\" has no special meaning here, got {pattern:?}"
            ),
        );
    }
    accepts(&json!({"writableMounts": {"allowedPaths": ["/opt/*", "/srv/**"]}}));
    accepts(&json!({"noexecMounts": {"allowedPaths": ["/opt/*", "/srv/**"]}}));
}

#[test]
fn paths_that_can_never_be_allowed_are_rejected() {
    rejects(
        &json!({"writableMounts": {"additionalProtectedPaths": ["/opt"], "allowedPaths": ["/tmp", "/opt/web/**"]}}),
        "writableMounts.allowedPaths: \"/opt/web/**\" can never be allowed: /opt is protected",
    );
    rejects(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/run/web"}], "denied": ["/var/run"]}}),
        "hostPathVolumes.allowed[0].pathPrefix: \"/run/web\" can never be allowed: denied has \"/var/run\"",
    );
    for path in ["/proc/1/root", "/proc/self", "/proc/1/root/srv"] {
        rejects(
            &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": path}]}}),
            &format!(
                "hostPathVolumes.allowed[0].pathPrefix: {path:?} can never be allowed: links in /proc lead to other \
                 files of the node"
            ),
        );
    }
    accepts(&json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/proc"}, {"pathPrefix": "/proc/1"}]}}));
}

#[test]
fn options_that_depend_on_another_option_are_rejected_without_it() {
    rejects(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/var/log", "recursive": true}]}}),
        "hostPathVolumes.allowed[0].recursive: has no effect without readOnly",
    );
    accepts(&json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/var/log", "recursive": false}]}}));
    rejects(
        &json!({"interactiveAccess": {"subresources": ["attach"], "allowedCommands": [["nginx", "-t"]]}}),
        "interactiveAccess.allowedCommands: has no effect without exec in subresources",
    );
    rejects(
        &json!({"interactiveAccess": {"allowStdin": true}}),
        "interactiveAccess.allowStdin: has no effect without allowedCommands",
    );
    accepts(&json!({"interactiveAccess": {"allowStdin": true, "allowedCommands": [["psql"]]}}));
    accepts(&json!({"interactiveAccess": {"subresources": ["attach"], "allowedCommands": []}}));
}

#[test]
fn required_options_of_mounts_are_known_and_not_empty() {
    rejects(&json!({"noexecMounts": {"required": []}}), "noexecMounts.required: must not be empty");
    rejects(
        &json!({"noexecMounts": {"required": ["ro"]}}),
        "noexecMounts.required[0]: unknown value \"ro\" (allowed: noexec, nosuid, nodev)",
    );
    rejects(
        &json!({"writableMounts": {"liveVolumes": "alow"}}),
        "writableMounts.liveVolumes: unknown value \"alow\", did you mean \"allow\"?",
    );
}

#[test]
fn capabilities_that_are_allowed_and_must_be_dropped_are_rejected() {
    rejects(
        &json!({"capabilities": {"allowedAdd": ["CAP_NET_RAW"], "requiredDrop": ["net_raw"]}}),
        "capabilities.allowedAdd: \"CAP_NET_RAW\" can never be added: requiredDrop has it too",
    );
    accepts(&json!({"capabilities": {"allowedAdd": ["*"], "requiredDrop": ["NET_RAW"]}}));
    accepts(&json!({"capabilities": {"allowedAdd": ["CHOWN"], "requiredDrop": ["ALL"]}}));
    accepts(&json!({"capabilities": {"deniedAdd": ["ALL"]}}));
}

#[test]
fn exemptions_that_match_everything_are_rejected() {
    for key in ["containers", "namespaces", "users", "groups", "images"] {
        for pattern in ["*", "**"] {
            rejects(
                &json!({"exemptions": [{"reason": "a", "rules": ["privileged"], key: ["web", pattern]}]}),
                &format!(
                    "exemptions[0].{key}[1]: {pattern:?} matches everything, write a narrower pattern or remove {key}"
                ),
            );
        }
    }
    accepts(&json!({"exemptions": [{"reason": "a", "containers": ["mesh-*"], "users": ["ci:*"]}]}));
}

#[test]
fn exemptions_that_never_match_a_request_are_rejected() {
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let starred = format!("nginx@sha256:{}*", &digest[..63]);
    rejects(
        &images(&starred),
        &format!(
            "exemptions[0].images[0]: {starred:?} can never match an image: it has a \"*\" in its digest"
        ),
    );
    accepts(&images(&format!("nginx@sha256:{digest}")));
    rejects(
        &json!({"exemptions": [{"reason": "a", "rules": ["interactiveAccess"], "images": ["nginx"]}]}),
        "exemptions[0].images: can never match interactiveAccess, whose requests do not contain images",
    );
    accepts(&json!({"exemptions": [
        {"reason": "a", "rules": ["interactiveAccess", "privileged"], "images": ["nginx"]},
        {"reason": "a", "images": ["nginx"]},
    ]}));
}

#[test]
fn patterns_of_registries_name_their_owner() {
    let owner = "also matches registries of other owners: \"*\" must be the first label of at least three, \
                 as in \"*.example.com/web\"";
    for pattern in [
        "registry.example.com*/a",
        "*registry.example.com/a",
        "regis*.example.com/a",
        "*.io/a",
        "*:5000/a",
        "*.io:5000/a",
        "registry.*.com/a",
        "*.*.com/a",
        "registry.example.*/a",
        "registry.example.com:*/a",
    ] {
        rejects(&images(pattern), &format!("exemptions[0].images[0]: {pattern:?} {owner}"));
        rejects(
            &json!({"imageReference": {"allowedRepositories": [pattern]}}),
            &format!("imageReference.allowedRepositories[0]: {pattern:?} {owner}"),
        );
    }
    for pattern in ["*.example.com/a", "*.example.com:5000/a", "registry.example.com/*/a", "istio/*", "*/web"]
    {
        accepts(&images(pattern));
        accepts(&json!({"imageReference": {"allowedRepositories": [pattern]}}));
    }
}

#[test]
fn allowed_repositories_are_not_empty_and_can_match() {
    rejects(
        &json!({"imageReference": {"allowedRepositories": []}}),
        "imageReference.allowedRepositories: must not be empty",
    );
    rejects(
        &json!({"imageReference": {"allowedRepositories": ["*"]}}),
        "imageReference.allowedRepositories[0]: \"*\" matches everything, write a narrower pattern or remove \
         allowedRepositories",
    );
    rejects(
        &json!({"imageReference": {"allowedRepositories": ["Nginx"]}}),
        "imageReference.allowedRepositories[0]: \"Nginx\" can never match an image: it has a repository name with \
         upper case letters",
    );
    accepts(&json!({"imageReference": {"allowedRepositories": null}}));
}

#[test]
fn writable_paths_that_break_every_container_are_rejected() {
    for path in ["/dev", "/dev/", "/dev/termination-log", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"] {
        rejects(
            &json!({"writablePaths": [{"paths": ["/tmp", path]}]}),
            &format!("writablePaths[0].paths[1]: container runtimes mount their own files at {path:?}"),
        );
        rejects(
            &json!({"writablePaths": [{"paths": [{"path": path}]}]}),
            &format!("writablePaths[0].paths[0].path: container runtimes mount their own files at {path:?}"),
        );
    }
    let long_name = format!("/tmp/{}", "a".repeat(256));
    rejects(
        &json!({"writablePaths": [{"paths": [long_name]}]}),
        "writablePaths[0].paths[0]: a name in a path has at most 255 bytes, got 256",
    );
    let long_path = "/abcdefghi".repeat(410);
    rejects(
        &json!({"writablePaths": [{"paths": [long_path]}]}),
        "writablePaths[0].paths[0]: a path has at most 4096 bytes, got 4100",
    );
    accepts(&json!({"writablePaths": [{"paths": [
        "/dev/shm", "/dev/web", "/etc/hosts.d", "/var/run", format!("/tmp/{}", "a".repeat(255)),
    ]}]}));
}
