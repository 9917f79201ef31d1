//! What rules read of a pod: thin views that borrow from the payload, and the way to every container with its path.
//!
//! A view names only the fields that a rule reads; everything else is skipped, unparsed. `null`, an empty
//! object and an absent field are the same thing, as they are to the API server. A string that is not given is
//! empty.

use std::borrow::Cow;

use crate::field_path;
use crate::text::{Text, quoted};
use crate::view::views;

/// A pod spec and where it was found.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The path from the object to the pod spec, such as `spec.template.spec`.
    pub path: Cow<'static, str>,
    /// The pod spec.
    pub spec: PodSpec<'a>,
}

impl<'a> Pod<'a> {
    /// The path of a field of the pod spec.
    #[must_use]
    pub fn path_to(&self, field: &str) -> String {
        let mut path = self.path.to_string();
        field_path::push_path(&mut path, field);
        path
    }

    /// Init containers and sidecars, containers, ephemeral containers.
    #[must_use]
    pub fn all_containers(&self) -> AllContainers<'_, 'a> {
        AllContainers { pod: self, list: ContainerList::Init, index: 0 }
    }

    /// Whether it says that it runs on Windows, where it may not set the fields that Linux alone has.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        &*self.spec.os.name == "windows"
    }
}

/// The lists of containers in a pod spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerList {
    /// `initContainers`, sidecars among them.
    Init,
    /// `containers`.
    Regular,
    /// `ephemeralContainers`.
    Ephemeral,
}

impl ContainerList {
    fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// Every container of a pod, in the order in which they start.
#[derive(Debug)]
pub struct AllContainers<'p, 'a> {
    pod: &'p Pod<'a>,
    list: ContainerList,
    index: usize,
}

impl<'p, 'a> Iterator for AllContainers<'p, 'a> {
    type Item = ContainerAt<'p, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (pod, list, index) = (self.pod, self.list, self.index);
            let (containers, following) = match list {
                ContainerList::Init => (&pod.spec.init_containers, Some(ContainerList::Regular)),
                ContainerList::Regular => (&pod.spec.containers, Some(ContainerList::Ephemeral)),
                ContainerList::Ephemeral => (&pod.spec.ephemeral_containers, None),
            };
            if let Some(container) = containers.get(index) {
                self.index += 1;
                return Some(ContainerAt { pod, list, index, container });
            }
            (self.list, self.index) = (following?, 0);
        }
    }
}

/// A container and where it stands in its pod.
#[derive(Clone, Copy, Debug)]
pub struct ContainerAt<'p, 'a> {
    pod: &'p Pod<'a>,
    /// The list it stands in.
    pub list: ContainerList,
    /// Its place in that list.
    pub index: usize,
    /// The container.
    pub container: &'p Container<'a>,
}

impl ContainerAt<'_, '_> {
    /// The path of a field of the container.
    #[must_use]
    pub fn path_to(&self, field: &str) -> String {
        let mut path = self.pod.path_to(self.list.field());
        field_path::push_index(&mut path, self.index);
        field_path::push_path(&mut path, field);
        path
    }

    /// The container as messages name it: `init container "setup"`.
    #[must_use]
    pub fn label(&self) -> String {
        let noun = match self.list {
            ContainerList::Init if self.container.is_sidecar() => "sidecar",
            ContainerList::Init => "init container",
            ContainerList::Regular => "container",
            ContainerList::Ephemeral => "ephemeral container",
        };
        format!("{noun} {}", quoted(&self.container.name))
    }
}

views! {
    /// `PodSpec`
    pub struct PodSpec<'a> {
        /// `containers`
        pub containers "containers": Vec<Container<'a>>,
        /// `ephemeralContainers`
        pub ephemeral_containers "ephemeralContainers": Vec<Container<'a>>,
        /// `hostIPC`
        pub host_ipc "hostIPC": bool,
        /// `hostNetwork`
        pub host_network "hostNetwork": bool,
        /// `hostPID`
        pub host_pid "hostPID": bool,
        /// `initContainers`
        pub init_containers "initContainers": Vec<Container<'a>>,
        /// `os`
        pub os "os": PodOs<'a>,
        /// `securityContext`
        pub security_context "securityContext": PodSecurityContext<'a>,
        /// `volumes`
        pub volumes "volumes": Vec<Volume<'a>>,
    }

    /// `PodOS`
    pub struct PodOs<'a> {
        /// `name`
        pub name "name": Text<'a>,
    }

    /// `PodSecurityContext`
    pub struct PodSecurityContext<'a> {
        /// `runAsNonRoot`
        pub run_as_non_root "runAsNonRoot": Option<bool>,
        /// `runAsUser`
        pub run_as_user "runAsUser": Option<i64>,
        /// `windowsOptions`
        pub windows_options "windowsOptions": WindowsOptions<'a>,
    }

    /// `Container`, and `EphemeralContainer` alike.
    pub struct Container<'a> {
        /// `image`
        pub image "image": Text<'a>,
        /// `name`
        pub name "name": Text<'a>,
        /// `restartPolicy`
        pub restart_policy "restartPolicy": Text<'a>,
        /// `securityContext`
        pub security_context "securityContext": SecurityContext<'a>,
    }

    /// `SecurityContext`
    pub struct SecurityContext<'a> {
        /// `allowPrivilegeEscalation`
        pub allow_privilege_escalation "allowPrivilegeEscalation": Option<bool>,
        /// `privileged`
        pub privileged "privileged": bool,
        /// `readOnlyRootFilesystem`
        pub read_only_root_filesystem "readOnlyRootFilesystem": Option<bool>,
        /// `runAsNonRoot`
        pub run_as_non_root "runAsNonRoot": Option<bool>,
        /// `runAsUser`
        pub run_as_user "runAsUser": Option<i64>,
        /// `windowsOptions`
        pub windows_options "windowsOptions": WindowsOptions<'a>,
    }

    /// `WindowsSecurityContextOptions`
    pub struct WindowsOptions<'a> {
        /// `hostProcess`
        pub host_process "hostProcess": bool,
        /// `runAsUserName`
        pub run_as_user_name "runAsUserName": Text<'a>,
    }

    /// `Volume`
    pub struct Volume<'a> {
        /// `image`, which makes it an image volume.
        pub image "image": Option<ImageVolumeSource<'a>>,
        /// `name`
        pub name "name": Text<'a>,
    }

    /// `ImageVolumeSource`
    pub struct ImageVolumeSource<'a> {
        /// `reference`
        pub reference "reference": Text<'a>,
    }
}

impl Container<'_> {
    /// Whether it is a sidecar, provided that it stands among the init containers.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn finds_every_container_with_its_path_and_label() {
        let pod = Pod {
            path: "spec.template.spec".into(),
            spec: json::from_slice(
                br#"{"containers": [{"name": "web"}, {"name": "b"}],
                    "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
                    "ephemeralContainers": [{"name": "debug"}]}"#,
            )
            .unwrap(),
        };
        let seen: Vec<_> =
            pod.all_containers().map(|c| format!("{}: {}", c.path_to("image"), c.label())).collect();
        assert_eq!(
            seen,
            [
                r#"spec.template.spec.initContainers[0].image: init container "setup""#,
                r#"spec.template.spec.initContainers[1].image: sidecar "proxy""#,
                r#"spec.template.spec.containers[0].image: container "web""#,
                r#"spec.template.spec.containers[1].image: container "b""#,
                r#"spec.template.spec.ephemeralContainers[0].image: ephemeral container "debug""#,
            ]
        );
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let nulls: PodSpec = json::from_slice(
            br#"{"containers": [{"name": null, "image": null, "restartPolicy": null, "securityContext": null},
                               {"securityContext": {"privileged": null, "windowsOptions": null, "runAsUser": null}}],
                "initContainers": null, "ephemeralContainers": null, "hostPID": null, "hostIPC": null,
                "hostNetwork": null, "os": null, "securityContext": null, "volumes": null}"#,
        )
        .unwrap();
        let absent: PodSpec = json::from_slice(br#"{"containers": [{}, {"securityContext": {}}]}"#).unwrap();
        assert_eq!(format!("{nulls:?}"), format!("{absent:?}"));
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        let twice = br#"{"containers": [], "containers": [{"name": "hidden"}]}"#;
        let error = json::from_slice::<PodSpec>(twice).unwrap_err();
        assert_eq!(error.message, "duplicate field `containers`");
    }
}
