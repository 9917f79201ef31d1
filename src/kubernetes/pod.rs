//! Pods as far as rules read them, and their containers with the path of each.
//!
//! A view contains the fields that a rule reads, and borrows them from the payload. All other fields are skipped. As for API
//! servers, `null`, an empty object and an absent field are equal. An absent string is empty.

use std::borrow::Cow;

use crate::kubernetes::container::{Container, ContainerList, Profile, SeLinuxOptions, WindowsOptions};
use crate::kubernetes::field_path;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::metadata::{Annotation, Metadata};
use crate::kubernetes::name_index::{NO_INDEX, NameIndex};
use crate::kubernetes::unread::Unread;
use crate::kubernetes::volume::{ClaimTemplate, Volume};
use crate::text::quoted;
use json_view::{self as json, Error, RawValue, ReadJson, Reader, Text, views};

/// A pod spec and its position in the object.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The path of the pod spec in the object, such as `spec.template.spec`.
    pub path: Cow<'static, str>,
    /// Whether a controller creates pods from the pod spec; otherwise the object is the pod.
    pub is_template: bool,
    /// The number of pod specs that precede it in the object.
    pub index: usize,
    /// The pod spec as it is written.
    pub json: RawValue<'a>,
    /// The fields of the pod spec. They are boxed because they are large: moving them would touch more pages of memory, and in a
    /// fresh instance, the first access to a page costs as much as a kilobyte of JSON.
    pub spec: Box<PodSpec<'a>>,
    /// The claim templates next to the pod template, as in `StatefulSets`. Each pod gets a volume for each of them, which replaces
    /// a volume of the same name in the pod spec.
    pub claim_templates: Vec<ClaimTemplate<'a>>,
    /// Whether the kind of the object is not built in, so that its schema is unknown.
    pub is_custom: bool,
    /// The metadata of the object; empty if its kind is not built in.
    pub metadata: Metadata<'a>,
    /// The metadata next to the pod spec of a template, which its pods get; empty if the object is the pod.
    pub template_metadata: Metadata<'a>,
    /// The `status` of the object as it is written; empty if it has none.
    pub status: RawValue<'a>,
}

views! {
    /// Fields that are read only if a verdict depends on them.
    struct RareFields<'a> {
        node_name "nodeName": Text<'a>,
        volumes "volumes": RawValue<'a>,
    }

    /// `PodSpec` of `k8s.io/api/core/v1`.
    pub struct PodSpec<'a> {
        /// Containers that run during the pod's lifetime, without sidecars.
        pub containers "containers": Vec<Container<'a>>,
        /// Containers added to the running pod for debugging.
        pub ephemeral_containers "ephemeralContainers": Vec<Container<'a>>,
        /// Whether the pod shares interprocess communication with its node.
        pub host_ipc "hostIPC": bool,
        /// Whether the pod shares the network of its node.
        pub host_network "hostNetwork": bool,
        /// Whether the pod sees the processes of its node.
        pub host_pid "hostPID": bool,
        /// Whether the pod shares the users of its node. If unset, it does.
        pub host_users "hostUsers": Option<bool>,
        /// Containers that start before the others, with sidecars.
        pub init_containers "initContainers": Vec<Container<'a>>,
        /// Operating system of the containers.
        pub os "os": PodOs<'a>,
        /// Security settings of the pod, and defaults for its containers.
        pub security_context "securityContext": PodSecurityContext<'a>,
        /// Whether all containers see each other's processes.
        pub share_process_namespace "shareProcessNamespace": bool,
        /// Volumes that containers can mount.
        pub volumes "volumes": Vec<Volume<'a>>,
    }

    /// `PodOS` of `k8s.io/api/core/v1`.
    pub struct PodOs<'a> {
        /// `linux`, `windows`, or empty if unknown.
        pub name "name": Text<'a>,
    }

    /// `PodSecurityContext` of `k8s.io/api/core/v1`.
    pub struct PodSecurityContext<'a> {
        /// Default for the AppArmor profile of containers.
        pub app_armor_profile "appArmorProfile": Unread<'a, Profile<'a>>,
        /// Group that owns volumes and is added to each process.
        pub fs_group "fsGroup": Option<i64>,
        /// Default for the primary group of containers.
        pub run_as_group "runAsGroup": Option<i64>,
        /// Default for `runAsNonRoot` of containers.
        pub run_as_non_root "runAsNonRoot": Option<bool>,
        /// Default for the user of containers.
        pub run_as_user "runAsUser": Option<i64>,
        /// Default for the SELinux context of containers.
        pub se_linux_options "seLinuxOptions": Unread<'a, SeLinuxOptions<'a>>,
        /// Default for the seccomp profile of containers.
        pub seccomp_profile "seccompProfile": Unread<'a, Profile<'a>>,
        /// Groups added to each process.
        pub supplemental_groups "supplementalGroups": Vec<i64>,
        /// Kernel parameters.
        pub sysctls "sysctls": Vec<Sysctl<'a>>,
        /// Settings that only Windows reads.
        pub windows_options "windowsOptions": WindowsOptions<'a>,
    }

    /// `Sysctl` of `k8s.io/api/core/v1`.
    pub struct Sysctl<'a> {
        /// Name of the kernel parameter, with dots or slashes.
        pub name "name": Text<'a>,
        /// The value that the parameter gets.
        pub value "value": Text<'a>,
    }
}

impl<'a> Pod<'a> {
    /// Reads the pod spec at a path, as the first one in its object.
    ///
    /// # Errors
    /// If the next value is not a pod spec.
    pub fn read(path: Cow<'static, str>, is_template: bool, reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut spec = Box::<PodSpec>::default();
        let ((), json) = reader.with_raw(|reader| spec.read(reader))?;
        Ok(Self { path, is_template, json, ..Self::of(spec) })
    }

    /// Returns a pod template that is not part of an object.
    #[must_use]
    pub fn template(spec: PodSpec<'a>) -> Self {
        Self::of(Box::new(spec))
    }

    fn of(spec: Box<PodSpec<'a>>) -> Self {
        Self {
            path: Cow::Borrowed(""),
            is_template: true,
            index: 0,
            json: RawValue::default(),
            spec,
            claim_templates: Vec::new(),
            is_custom: false,
            metadata: Metadata::default(),
            template_metadata: Metadata::default(),
            status: RawValue::default(),
        }
    }

    /// Returns the name of the pod. A template has no name.
    #[must_use]
    pub fn name(&self) -> Option<Text<'a>> {
        (!self.is_template).then(|| self.metadata.name())
    }

    fn rare_fields(&self) -> RareFields<'a> {
        json::from_slice(self.json.0).unwrap_or_default()
    }

    /// Returns whether the pod is bound to a node.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.rare_fields().node_name.is_empty()
    }

    /// Returns whether a volume can be added. Custom kinds may keep volumes outside of the pod spec, and API servers drop a list
    /// that their schema lacks.
    #[must_use]
    pub fn takes_volumes(&self) -> bool {
        self.is_whole_pod_spec() || !self.rare_fields().volumes.0.is_empty()
    }

    /// Returns whether the pod spec is certain to accept every field of a pod spec. Custom kinds may have only some of them, and API
    /// servers drop a field that their schema lacks.
    #[must_use]
    pub fn is_whole_pod_spec(&self) -> bool {
        !self.is_custom || self.path == "template.spec" || self.path.ends_with(".template.spec")
    }

    /// Returns the annotations that set the AppArmor profiles of containers.
    ///
    /// # Errors
    /// If the metadata cannot be read.
    pub fn app_armor_annotations(&self) -> Result<Vec<Annotation<'a>>, Error> {
        if self.is_template { self.template_metadata } else { self.metadata }.app_armor_annotations()
    }

    /// Returns the path of an annotation of the pod, or of all its annotations if the key is empty.
    #[must_use]
    pub fn path_to_annotation(&self, key: &str) -> String {
        let mut path = self.path.strip_suffix("spec").unwrap_or(&self.path).to_owned();
        path.push_str("metadata.annotations");
        if !key.is_empty() {
            field_path::push_key(&mut path, key);
        }
        path
    }

    /// Returns the path of a field of the pod spec.
    #[must_use]
    pub fn path_to(&self, field: &str) -> String {
        // Nearly all paths fit into this capacity.
        let mut path = String::with_capacity(self.path.len() + 72);
        path.push_str(&self.path);
        field_path::push_path(&mut path, field);
        path
    }

    /// Returns all containers: init containers with sidecars, regular containers, ephemeral containers.
    pub fn all_containers(&self) -> impl Iterator<Item = ContainerAt<'_, 'a>> {
        let lists = [
            (ContainerList::Init, &self.spec.init_containers),
            (ContainerList::Regular, &self.spec.containers),
            (ContainerList::Ephemeral, &self.spec.ephemeral_containers),
        ];
        lists.into_iter().flat_map(move |(list, containers)| {
            let at = move |(index, container)| ContainerAt { pod: self, list, index, container };
            containers.iter().enumerate().map(at)
        })
    }

    /// Returns the containers that another version of the pod also has, in the same list and with the same name: each in this
    /// version and in the other.
    pub fn containers_kept_by<'p, 'b>(
        &'p self,
        other: &'p Pod<'b>,
    ) -> impl Iterator<Item = (ContainerAt<'p, 'a>, ContainerAt<'p, 'b>)> {
        let containers: Vec<_> = self.all_containers().collect();
        let lists = [ContainerList::Init, ContainerList::Regular, ContainerList::Ephemeral];
        let by_name = lists.map(|list| {
            let mut names = NameIndex::default();
            for (index, at) in containers.iter().enumerate().filter(|(_, at)| at.list == list) {
                names.add((&*at.container.name).into(), index);
            }
            (list, names)
        });
        other.all_containers().filter_map(move |at| {
            let (_, names) = by_name.iter().find(|(list, _)| *list == at.list)?;
            Some((*containers.get(names.get(&at.container.name)?)?, at))
        })
    }

    /// Returns whether the pod spec sets Windows as operating system. Such a pod must not set fields that only Linux has.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        &*self.spec.os.name == "windows"
    }

    /// Returns whether the pod has its own user namespace, so that root in a container is an unprivileged user on the node.
    #[must_use]
    pub fn has_user_namespace(&self) -> bool {
        self.spec.host_users == Some(false)
    }

    /// Parses a path in a container of the pod as the pod's operating system does.
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

    /// Returns the indices of the volumes by name. A volume from a claim template has [`NO_INDEX`].
    #[must_use]
    pub fn volumes_by_name(&self) -> NameIndex<'_> {
        let mut names = NameIndex::default();
        for claim in &self.claim_templates {
            names.add((&*claim.metadata.name).into(), NO_INDEX);
        }
        for (index, volume) in self.spec.volumes.iter().enumerate() {
            names.add((&*volume.name).into(), index);
        }
        names
    }
}

/// A container and its position in the pod.
#[derive(Clone, Copy, Debug)]
pub struct ContainerAt<'p, 'a> {
    /// The pod of the container.
    pub pod: &'p Pod<'a>,
    /// The list that contains the container.
    pub list: ContainerList,
    /// The index in that list.
    pub index: usize,
    /// The container itself.
    pub container: &'p Container<'a>,
}

impl ContainerAt<'_, '_> {
    /// Returns the path of a field of the container.
    #[must_use]
    pub fn path_to(&self, field: &str) -> String {
        let mut path = self.pod.path_to(self.list.field());
        field_path::push_index(&mut path, self.index);
        field_path::push_path(&mut path, field);
        path
    }

    /// Returns whether two containers of a pod are the same one.
    #[must_use]
    pub fn is_same(&self, other: ContainerAt<'_, '_>) -> bool {
        (self.list, self.index) == (other.list, other.index)
    }

    /// Returns the container as messages name it, such as `init container "setup"`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.kind(), quoted(&self.container.name))
    }

    /// Returns the kind of container as messages name it, which depends on its list and its restart policy.
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
    fn a_duplicate_field_is_refused() {
        let twice = br#"{"containers": [], "containers": [{"name": "hidden"}]}"#;
        let error = json::from_slice::<PodSpec>(twice).unwrap_err();
        assert_eq!(error.message(), "duplicate field `containers`");
    }
}
