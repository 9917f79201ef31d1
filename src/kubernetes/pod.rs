//! What rules read of a pod: thin views that borrow from the payload, and the way to every container with its path.
//!
//! A view names only the fields that a rule reads; everything else is skipped, unparsed. `null`, an empty
//! object and an absent field are the same thing, as they are to the API server. A string that is not given is
//! empty.

use std::borrow::Cow;

use crate::kubernetes::field_path;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::name_index::Places;
use crate::kubernetes::volume::{ClaimTemplate, Volume};
use crate::text::push_quoted;
use json_view::Text;
use json_view::views;
use json_view::{self as json, Error, RawValue, ReadJson, Reader};

/// A pod spec and where it was found.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The path from the object to the pod spec, such as `spec.template.spec`.
    pub path: Cow<'static, str>,
    /// Whether pods are made from it, rather than that it is one.
    pub is_template: bool,
    /// The number of pod specs before it in the object.
    pub index: usize,
    /// The pod spec as it is written.
    pub json: RawValue<'a>,
    /// The pod spec. It is large, and every page of memory that a fresh instance touches costs as much as a kilobyte of
    /// JSON: it is read where it stays.
    pub spec: Box<PodSpec<'a>>,
    /// The claim templates beside it, as `StatefulSets` have them. Each pod gets a volume for each of them, which takes the
    /// place of one of the same name in the pod spec.
    pub claim_templates: Vec<ClaimTemplate<'a>>,
    /// Whether it was found in an object of a kind that is not built in, whose schema the policy does not know.
    pub is_custom: bool,
    /// The `status` of its object as it is written; empty if it has none.
    pub status: RawValue<'a>,
}

views! {
    /// What is read of a pod spec only where a verdict depends on it.
    struct RareFields<'a> {
        node_name "nodeName": Text<'a>,
        volumes "volumes": RawValue<'a>,
    }
}

impl<'a> Pod<'a> {
    /// Reads a pod spec that stands at a path, the first one in its object.
    ///
    /// # Errors
    /// When what comes next is no pod spec.
    pub fn read(path: Cow<'static, str>, is_template: bool, reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut spec = Box::<PodSpec>::default();
        let ((), json) = reader.with_raw(|reader| spec.read(reader))?;
        let (claim_templates, status) = (Vec::new(), RawValue::default());
        Ok(Self { path, is_template, index: 0, json, spec, claim_templates, is_custom: false, status })
    }

    fn rare_fields(&self) -> RareFields<'a> {
        json::from_slice(self.json.0).unwrap_or_default()
    }

    /// Whether it is bound to a node.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.rare_fields().node_name.is_empty()
    }

    /// Whether a volume can be added to it. Kinds that are not built in may keep their volumes elsewhere, and an API server
    /// drops a list that their schema lacks.
    #[must_use]
    pub fn takes_volumes(&self) -> bool {
        let is_of_template = || self.path == "template.spec" || self.path.ends_with(".template.spec");
        !self.is_custom || is_of_template() || !self.rare_fields().volumes.0.is_empty()
    }

    /// The path of a field of the pod spec.
    #[must_use]
    pub fn path_to(&self, field: &str) -> String {
        // Few fields need more than this.
        let mut path = String::with_capacity(self.path.len() + 72);
        path.push_str(&self.path);
        field_path::push_path(&mut path, field);
        path
    }

    /// Init containers and sidecars, containers, ephemeral containers.
    #[must_use]
    pub fn all_containers(&self) -> AllContainers<'_, 'a> {
        AllContainers { pod: self, list: ContainerList::Init, index: 0 }
    }

    /// The containers that another version of the pod has as well, in the same list and of the same name: each as it is here,
    /// and as it is there.
    pub fn containers_kept_by<'p, 'b>(
        &'p self,
        other: &'p Pod<'b>,
    ) -> impl Iterator<Item = (ContainerAt<'p, 'a>, ContainerAt<'p, 'b>)> {
        let known: Vec<_> = self.all_containers().collect();
        let lists = [ContainerList::Init, ContainerList::Regular, ContainerList::Ephemeral];
        let places = lists.map(|list| {
            let mut places = Places::default();
            for (place, at) in known.iter().enumerate().filter(|(_, at)| at.list == list) {
                places.add((&*at.container.name).into(), place);
            }
            (list, places)
        });
        other.all_containers().filter_map(move |at| {
            let (_, places) = places.iter().find(|(list, _)| *list == at.list)?;
            Some((*known.get(places.get(&at.container.name)?)?, at))
        })
    }

    /// Whether it says that it runs on Windows, where it may not set the fields that Linux alone has.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        &*self.spec.os.name == "windows"
    }

    /// Whether root in its containers is nobody on the node: it has a user namespace of its own.
    #[must_use]
    pub fn has_user_namespace(&self) -> bool {
        self.spec.host_users == Some(false)
    }

    /// A path that stands in it, as its operating system reads it.
    #[must_use]
    pub fn file_path<'p>(&self, path: &'p str) -> FilePath<'p> {
        if self.is_windows() {
            FilePath::windows(path)
        } else if self.spec.os.name.is_empty() {
            FilePath::unknown(path)
        } else {
            FilePath::linux(path)
        }
    }

    /// The places of the volumes. One that comes from a claim template has none.
    #[must_use]
    pub fn volume_places(&self) -> Places<'_> {
        let mut places = Places::default();
        for claim in &self.claim_templates {
            places.add((&*claim.metadata.name).into(), NO_PLACE);
        }
        for (place, volume) in self.spec.volumes.iter().enumerate() {
            places.add((&*volume.name).into(), place);
        }
        places
    }
}

/// What no list is long enough to have a place at.
pub const NO_PLACE: usize = usize::MAX;

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
    /// Its field in the pod spec.
    #[must_use]
    pub fn field(self) -> &'static str {
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

    #[inline(never)]
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
    /// The pod.
    pub pod: &'p Pod<'a>,
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
        let mut label = [self.kind(), " "].concat();
        push_quoted(&mut label, &self.container.name);
        label
    }

    /// The kind of container, in words: its list and its restart policy decide.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.list {
            ContainerList::Init if self.container.is_sidecar() => "sidecar",
            ContainerList::Init => "init container",
            ContainerList::Regular => "container",
            ContainerList::Ephemeral => "ephemeral container",
        }
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
        /// `hostUsers`
        pub host_users "hostUsers": Option<bool>,
        /// `initContainers`
        pub init_containers "initContainers": Vec<Container<'a>>,
        /// `os`
        pub os "os": PodOs<'a>,
        /// `securityContext`
        pub security_context "securityContext": PodSecurityContext<'a>,
        /// `shareProcessNamespace`
        pub share_process_namespace "shareProcessNamespace": bool,
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
        /// `fsGroup`
        pub fs_group "fsGroup": Option<i64>,
        /// `runAsGroup`
        pub run_as_group "runAsGroup": Option<i64>,
        /// `runAsNonRoot`
        pub run_as_non_root "runAsNonRoot": Option<bool>,
        /// `runAsUser`
        pub run_as_user "runAsUser": Option<i64>,
        /// `supplementalGroups`
        pub supplemental_groups "supplementalGroups": Vec<i64>,
        /// `sysctls`
        pub sysctls "sysctls": Vec<Sysctl<'a>>,
        /// `windowsOptions`
        pub windows_options "windowsOptions": WindowsOptions<'a>,
    }

    /// `Sysctl`
    pub struct Sysctl<'a> {
        /// `name`
        pub name "name": Text<'a>,
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
        /// `startupProbe`
        pub startup_probe "startupProbe": Probe<'a>,
        /// `volumeDevices`
        pub volume_devices "volumeDevices": Vec<VolumeDevice<'a>>,
        /// `volumeMounts`
        pub volume_mounts "volumeMounts": Vec<VolumeMount<'a>>,
    }

    /// `Probe`
    pub struct Probe<'a> {
        /// `exec`
        pub exec "exec": ExecAction<'a>,
    }

    /// `ExecAction`
    pub struct ExecAction<'a> {
        /// `command`
        pub command "command": Vec<Text<'a>>,
    }

    /// `VolumeDevice`
    pub struct VolumeDevice<'a> {
        /// `devicePath`
        pub device_path "devicePath": Text<'a>,
        /// `name`
        pub name "name": Text<'a>,
    }

    /// `VolumeMount`
    pub struct VolumeMount<'a> {
        /// `mountPath`
        pub mount_path "mountPath": Text<'a>,
        /// `name`
        pub name "name": Text<'a>,
        /// `readOnly`
        pub read_only "readOnly": bool,
    }

    /// `SecurityContext`
    pub struct SecurityContext<'a> {
        /// `allowPrivilegeEscalation`
        pub allow_privilege_escalation "allowPrivilegeEscalation": Option<bool>,
        /// `capabilities`
        pub capabilities "capabilities": Capabilities<'a>,
        /// `privileged`
        pub privileged "privileged": bool,
        /// `procMount`
        pub proc_mount "procMount": Text<'a>,
        /// `readOnlyRootFilesystem`
        pub read_only_root_filesystem "readOnlyRootFilesystem": Option<bool>,
        /// `runAsGroup`
        pub run_as_group "runAsGroup": Option<i64>,
        /// `runAsNonRoot`
        pub run_as_non_root "runAsNonRoot": Option<bool>,
        /// `runAsUser`
        pub run_as_user "runAsUser": Option<i64>,
        /// `windowsOptions`
        pub windows_options "windowsOptions": WindowsOptions<'a>,
    }

    /// `Capabilities`
    pub struct Capabilities<'a> {
        /// `add`
        pub add "add": Vec<Text<'a>>,
        /// `drop`
        pub drop "drop": Vec<Text<'a>>,
    }

    /// `WindowsSecurityContextOptions`
    pub struct WindowsOptions<'a> {
        /// `hostProcess`
        pub host_process "hostProcess": bool,
        /// `runAsUserName`
        pub run_as_user_name "runAsUserName": Text<'a>,
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

    #[test]
    fn finds_every_container_with_its_path_and_label() {
        let spec = br#"{"containers": [{"name": "web"}, {"name": "b"}],
            "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
            "ephemeralContainers": [{"name": "debug"}]}"#;
        let pod =
            json::read_with(spec, |reader| Pod::read("spec.template.spec".into(), true, reader)).unwrap();
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
            br#"{"containers": [{"name": null, "image": null, "restartPolicy": null, "securityContext": null,
                                "startupProbe": null, "volumeMounts": null, "volumeDevices": null},
                               {"securityContext": {"privileged": null, "windowsOptions": null, "runAsUser": null,
                                "capabilities": {"add": null, "drop": null}, "procMount": null}}],
                "initContainers": null, "ephemeralContainers": null, "hostPID": null, "hostIPC": null,
                "hostNetwork": null, "os": null, "securityContext": null, "volumes": null, "hostUsers": null,
                "shareProcessNamespace": null}"#,
        )
        .unwrap();
        let absent: PodSpec = json::from_slice(br#"{"containers": [{}, {"securityContext": {}}]}"#).unwrap();
        assert_eq!(format!("{nulls:?}"), format!("{absent:?}"));
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        let twice = br#"{"containers": [], "containers": [{"name": "hidden"}]}"#;
        let error = json::from_slice::<PodSpec>(twice).unwrap_err();
        assert_eq!(error.message(), "duplicate field `containers`");
    }
}
