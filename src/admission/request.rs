//! The payload of `validate`, read once, into what the policy judges by; and the words for what cannot be read.

use crate::kubernetes::connect::{Access, ConnectOptions, Connection};
use crate::kubernetes::discovery;
use crate::kubernetes::field_path;
use crate::kubernetes::metadata::Metadata;
use crate::kubernetes::operation::Operation;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::workload::{self, MutableFields, Workload};
use crate::settings::value::UnparsedSettings;
use json_view::Text;
use json_view::views;
use json_view::{self as json, Error, ErrorKind, KnownKey, RawValue, ReadJson, Reader};

/// The most characters that a message about unreadable input has: paths and numbers are as long as users make them.
const SHOWN: usize = 400;

/// What `validate` receives: an admission request, and the settings as they are.
#[derive(Debug)]
pub struct Payload<'a> {
    /// What is to be judged.
    pub request: Request<'a>,
    /// The settings as they are written.
    pub settings: UnparsedSettings<'a>,
}

/// An admission request, as far as the policy judges it.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// The namespace of the object; empty where it belongs to none.
    pub namespace: Text<'a>,
    /// Who asks.
    pub user: UserInfo<'a>,
    /// What the request does to pods.
    pub operation: Operation<'a>,
    /// The metadata of the object.
    pub metadata: Metadata<'a>,
    /// The metadata of the object that an update replaces.
    pub old_metadata: Metadata<'a>,
    /// The kind of the object.
    pub kind: GroupKind<'a>,
    /// The object, if a fix can change it before it is admitted.
    pub mutable_object: Option<MutableObject<'a>>,
}

/// What decides what an object is, instead of the author of the request. No fix may change the object then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// A controller, which compares the object with what it wants: a Deployment whose `ReplicaSet` differs from its template
    /// creates another `ReplicaSet`, without end.
    Controller,
    /// A file on a node, from which the kubelet runs the pod whatever the API server says.
    File,
}

impl Request<'_> {
    /// What decides what the object is, if that is not the author of the request.
    #[must_use]
    pub fn manager(&self) -> Option<Manager> {
        let workload = self.kind.workload();
        if workload.is_some_and(Workload::is_pod) {
            return self.is_mirror_pod().then_some(Manager::File);
        }
        let is_compared = workload.is_none_or(Workload::is_compared_by_its_controller);
        (is_compared && self.metadata.has_controller()).then_some(Manager::Controller)
    }

    fn is_mirror_pod(&self) -> bool {
        let (Operation::Create(new) | Operation::Update { new, .. }) = &self.operation else { return false };
        self.metadata.has_mirror_annotation() && new.iter().all(Pod::is_bound)
    }
}

/// An object that a fix can change before it is admitted.
#[derive(Debug)]
pub struct MutableObject<'a> {
    /// The kind of the object.
    kind: GroupKind<'a>,
    /// The object as it is written.
    pub json: RawValue<'a>,
    /// What a fix can change in it.
    pub mutable_fields: MutableFields,
}

impl MutableObject<'_> {
    /// The pod specs of another text of the object.
    ///
    /// # Errors
    /// When it cannot be read: one sentence that begins with the path of the field in question.
    pub fn pods_of<'b>(&self, json: &'b [u8]) -> Result<Vec<Pod<'b>>, String> {
        pods(&self.kind, Object::Unread(RawValue(json)))
    }
}

impl<'a> Payload<'a> {
    /// Reads the payload.
    ///
    /// # Errors
    /// When it is not JSON, lacks what an admission request must have, or holds a pod spec that is not one. The
    /// message is one sentence that begins with the path of the field in question.
    pub fn read(payload: &'a [u8]) -> Result<Self, String> {
        let raw: RawPayload = json::from_slice(payload).map_err(|error| describe(&error, ""))?;
        let request = raw.request.ok_or("request: missing")?;
        Ok(Self { request: request.into_request()?, settings: raw.settings })
    }
}

views! {
    /// `UserInfo` of `k8s.io/api/authentication/v1`.
    pub struct UserInfo<'a> {
        /// `username`
        pub username "username": Text<'a>,
        /// `groups`
        pub groups "groups": Vec<Text<'a>>,
    }

    struct RawPayload<'a> {
        request "request": Option<AdmissionRequest<'a>>,
        settings "settings": UnparsedSettings<'a>,
    }

    /// `GroupVersionKind` of `k8s.io/apimachinery/pkg/apis/meta/v1`, but for the version.
    #[derive(Clone)]
    pub struct GroupKind<'a> {
        /// `group`; empty for the core group.
        pub group "group": Text<'a>,
        /// `kind`
        pub kind "kind": Text<'a>,
    }
}

/// What decides how an `AdmissionRequest` is judged.
///
/// Source of its fields: `k8s.io/api/admission/v1`.
#[derive(Debug, Default)]
struct AdmissionRequest<'a> {
    kind: Option<GroupKind<'a>>,
    sub_resource: Text<'a>,
    name: Text<'a>,
    namespace: Text<'a>,
    operation: Option<Text<'a>>,
    user_info: UserInfo<'a>,
    object: Option<Object<'a>>,
    object_json: RawValue<'a>,
    old_object: Option<Object<'a>>,
}

#[derive(Debug)]
enum Object<'a> {
    /// An object of a built-in kind.
    Workload(&'static Workload, WorkloadParts<'a>),
    /// An object whose kind was not known yet when it was met, or is none of the built-in ones.
    Unread(RawValue<'a>),
}

/// What counts of an object of a built-in kind.
#[derive(Debug, Default)]
struct WorkloadParts<'a> {
    metadata: Metadata<'a>,
    /// Its pod spec, if there is one.
    pod: Option<Pod<'a>>,
}

impl<'a> Object<'a> {
    fn metadata(&self) -> Metadata<'a> {
        match self {
            Self::Workload(_, parts) => parts.metadata,
            Self::Unread(raw) => Metadata::Of(*raw),
        }
    }
}

impl<'a> AdmissionRequest<'a> {
    /// The built-in kind of the object, if it is of one and that is known yet.
    fn workload(&self) -> Option<&'static Workload> {
        self.kind.as_ref().and_then(GroupKind::workload)
    }

    /// Whether it is known already that no container changes, whatever the object is: subresources like these take no pod
    /// spec, or take the whole object and ignore its spec.
    fn changes_no_container(&self) -> bool {
        self.operation.as_deref() == Some("DELETE")
            || matches!(&*self.sub_resource, "status" | "scale" | "binding" | "eviction")
    }

    fn into_request(self) -> Result<Request<'a>, String> {
        let changes_no_container = self.changes_no_container();
        let kind = self.kind.ok_or("request.kind: missing")?;
        let operation = self.operation.ok_or("request.operation: missing")?;
        let metadata =
            |object: &Option<Object<'a>>| object.as_ref().map(Object::metadata).unwrap_or_default();
        let (metadata, old_metadata) = (metadata(&self.object), metadata(&self.old_object));
        let operation = match &*operation {
            "CREATE" | "UPDATE" | "DELETE" | "CONNECT" if changes_no_container => Operation::Nothing,
            "CREATE" => Operation::Create(pods(&kind, self.object.ok_or("request.object: missing")?)?),
            "UPDATE" => {
                let new = pods(&kind, self.object.ok_or("request.object: missing")?)?;
                let old = old_pods(&kind, self.old_object.ok_or("request.oldObject: missing")?)?;
                Operation::Update { old, new }
            }
            "CONNECT" => match Access::find(&self.sub_resource) {
                Some(access) => Operation::Connect(Connection {
                    access,
                    to: self.name,
                    user: self.user_info.username.clone(),
                    options: self
                        .object
                        .as_ref()
                        .map_or_else(|| Ok(ConnectOptions::default()), connect_options)?,
                }),
                None => Operation::Nothing,
            },
            _ => return Err("request.operation: expected CREATE, UPDATE, DELETE or CONNECT".to_owned()),
        };
        let mutable_fields = match &operation {
            Operation::Create(_) => Some(MutableFields::Unset),
            Operation::Update { .. } => {
                kind.workload().map_or(Some(MutableFields::Unset), Workload::mutable_fields_in_updates)
            }
            Operation::Nothing | Operation::Connect(_) => None,
        };
        let mutable_object = mutable_fields.map(|mutable_fields| MutableObject {
            kind: kind.clone(),
            json: self.object_json,
            mutable_fields,
        });
        Ok(Request {
            namespace: self.namespace,
            user: self.user_info,
            operation,
            metadata,
            old_metadata,
            kind,
            mutable_object,
        })
    }
}

impl GroupKind<'_> {
    fn workload(&self) -> Option<&'static Workload> {
        workload::find(&self.group, &self.kind)
    }
}

fn pods<'a>(kind: &GroupKind<'_>, object: Object<'a>) -> Result<Vec<Pod<'a>>, String> {
    match object {
        Object::Workload(workload, parts) => pod_of(workload, parts.pod, ""),
        Object::Unread(raw) => match kind.workload() {
            Some(workload) => read_object(raw, workload, ""),
            None => discovery::find(raw),
        },
    }
}

/// The pods that an update replaces.
///
/// What cannot be read of a kind that is not built in counts as nothing, so that the update is judged in full: it may
/// be the one that mends the object.
fn old_pods<'a>(kind: &GroupKind<'_>, object: Object<'a>) -> Result<Vec<Pod<'a>>, String> {
    match object {
        Object::Workload(workload, parts) => pod_of(workload, parts.pod, OLD_OBJECT),
        Object::Unread(raw) => match kind.workload() {
            Some(workload) => read_object(raw, workload, OLD_OBJECT),
            None => Ok(discovery::find(raw).unwrap_or_default()),
        },
    }
}

/// Where the object stands that an update replaces. The path of the other one is left out of messages.
const OLD_OBJECT: &str = "request.oldObject";

fn read_object<'a>(
    RawValue(json): RawValue<'a>,
    workload: &'static Workload,
    base: &str,
) -> Result<Vec<Pod<'a>>, String> {
    let parts = json::read_with(json, |reader| read_parts(reader, workload))
        .map_err(|error| describe(&error, base))?;
    pod_of(workload, parts.pod, base)
}

fn pod_of<'a>(workload: &Workload, pod: Option<Pod<'a>>, base: &str) -> Result<Vec<Pod<'a>>, String> {
    let pod = pod.ok_or_else(|| {
        let mut path = base.to_owned();
        field_path::push_path(&mut path, workload.pod_spec);
        format!("{path}: missing")
    })?;
    Ok(vec![pod])
}

/// The options of a connection belong to a kind of their own, which is none of the built-in ones.
fn connect_options<'a>(object: &Object<'a>) -> Result<ConnectOptions<'a>, String> {
    match object {
        Object::Unread(RawValue(json)) => {
            json::from_slice(json).map_err(|error| describe(&error, "request.object"))
        }
        Object::Workload(..) => Err("request.object: must be the options of a connection".to_owned()),
    }
}

/// The key that claim templates stand at, beside the template of pods.
pub(crate) const CLAIM_TEMPLATES: &str = "volumeClaimTemplates";

/// The keys of an admission request that count.
const KEYS: [&str; 8] =
    ["kind", "subResource", "name", "namespace", "operation", "userInfo", "object", "oldObject"];

/// Reads the object in passing when its kind stands before it, as it does in what API servers and policy
/// servers send. Should it stand behind, the object is kept until the kind is known.
impl<'a> ReadJson<'a> for AdmissionRequest<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let known = KEYS.map(KnownKey::new);
        let mut fields = reader.fields(&known)?;
        while let Some(index) = fields.next_field()? {
            match KEYS.get(index).copied().unwrap_or_default() {
                "kind" => fields.read(&mut self.kind)?,
                "subResource" => fields.read(&mut self.sub_resource)?,
                "name" => fields.read(&mut self.name)?,
                "namespace" => fields.read(&mut self.namespace)?,
                "operation" => fields.read(&mut self.operation)?,
                "userInfo" => fields.read(&mut self.user_info)?,
                "object" => {
                    // Nobody is held up by what need not be read.
                    let workload = self.workload().filter(|_| !self.changes_no_container());
                    (self.object, self.object_json) = fields
                        .read_with(|reader| reader.with_raw(|reader| read_or_keep(reader, workload)))?;
                }
                _ => {
                    let is_update =
                        self.operation.as_deref() == Some("UPDATE") && !self.changes_no_container();
                    let workload = self.workload().filter(|_| is_update);
                    self.old_object = fields.read_with(|reader| read_or_keep(reader, workload))?;
                }
            }
        }
        Ok(())
    }
}

/// Reads an object of a built-in kind, and keeps any other.
fn read_or_keep<'a>(
    reader: &mut Reader<'a>,
    workload: Option<&'static Workload>,
) -> Result<Option<Object<'a>>, Error> {
    match workload {
        Some(workload) => Ok(Some(Object::Workload(workload, read_parts(reader, workload)?))),
        None => Ok(Some(Object::Unread(reader.raw()?))),
    }
}

/// Reads what counts of an object: its pod spec, and what lies at the top besides.
fn read_parts<'a>(reader: &mut Reader<'a>, workload: &'static Workload) -> Result<WorkloadParts<'a>, Error> {
    let (key, rest) = workload.pod_spec.split_once('.').unwrap_or((workload.pod_spec, ""));
    let known = [KnownKey::new(key), KnownKey::new("metadata"), KnownKey::new("status")];
    let mut parts = WorkloadParts::default();
    let mut status = RawValue::default();
    let mut fields = reader.fields(&known)?;
    while let Some(index) = fields.next_field()? {
        match index {
            0 => parts.pod = fields.read_with(|reader| read_pod(reader, workload, rest))?,
            1 => parts.metadata = Metadata::Own(fields.read_with(Reader::raw)?),
            _ => fields.read(&mut status)?,
        }
    }
    if let Some(pod) = &mut parts.pod {
        pod.status = status;
    }
    Ok(parts)
}

/// Reads the pod spec at the rest of its path of keys, if there is one, and skips everything else.
fn read_pod<'a>(reader: &mut Reader<'a>, workload: &Workload, path: &str) -> Result<Option<Pod<'a>>, Error> {
    if path.is_empty() {
        return Pod::read(workload.pod_spec.into(), workload.is_template(), reader).map(Some);
    }
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut found = None;
    let mut claim_templates = Vec::new();
    let has_claim_templates = key == "template" && workload.has_claim_templates();
    let (pod, claims) = ([KnownKey::new(key)], [KnownKey::new(key), KnownKey::new(CLAIM_TEMPLATES)]);
    let mut fields = if has_claim_templates { reader.fields(&claims)? } else { reader.fields(&pod)? };
    while let Some(index) = fields.next_field()? {
        if index == 0 {
            found = fields.read_with(|reader| read_pod(reader, workload, rest))?;
        } else {
            fields.read(&mut claim_templates)?;
        }
    }
    if has_claim_templates && let Some(pod) = &mut found {
        pod.claim_templates = claim_templates;
    }
    Ok(found)
}

/// What is wrong with an object that has more list items than are evaluated.
pub(crate) const TOO_MANY_ITEMS: &str =
    "too many list items: at most 50000 are evaluated per object, fewer when they are deeply nested";

/// Describes in one sentence why JSON at a path of the object cannot be read, beginning with the path of the field.
pub(crate) fn describe(error: &Error, base: &str) -> String {
    let message = match error.kind() {
        ErrorKind::Syntax => return shorten(&format!("the request cannot be read as JSON: {error}")),
        ErrorKind::TooManyItems => TOO_MANY_ITEMS,
        ErrorKind::Shape => error.message(),
    };
    let inner = field_path::of_segments(error.path());
    let mut path = base.to_owned();
    field_path::push_path(&mut path, inner.strip_prefix("request.object.").unwrap_or(&inner));
    let path = if path.is_empty() { "the payload" } else { &path };
    shorten(&format!("{path}: {message}"))
}

fn shorten(message: &str) -> String {
    match message.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &str) -> Result<Vec<String>, String> {
        let payload = format!(r#"{{"request": {request}, "settings": {{}}}}"#);
        let payload = Payload::read(payload.as_bytes())?;
        let pods = match payload.request.operation {
            Operation::Create(pods) => pods,
            Operation::Update { new, .. } => new,
            Operation::Nothing | Operation::Connect(_) => Vec::new(),
        };
        let images = |pod: &Pod<'_>| pod.all_containers().map(|at| at.path_to("image")).collect::<Vec<_>>();
        Ok(pods.iter().flat_map(images).collect())
    }

    const POD: &str = r#""kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE""#;

    #[test]
    fn reads_the_object_wherever_the_kind_stands() {
        let kind = r#""kind": {"group": "apps", "kind": "Deployment"}"#;
        let object =
            r#""object": {"spec": {"x": [{}], "template": {"spec": {"containers": [{"image": "a"}]}}}}"#;
        let operation = r#""operation": "CREATE""#;
        for request in [
            format!("{{{kind}, {object}, {operation}}}"),
            format!("{{{operation}, {object}, {kind}}}"),
            format!("{{{object}, {kind}, {operation}}}"),
        ] {
            assert_eq!(read(&request).unwrap(), ["spec.template.spec.containers[0].image"], "{request}");
        }
    }

    #[test]
    fn finds_pod_specs_in_foreign_kinds() {
        let request = r#"{"kind": {"group": "argoproj.io", "kind": "Rollout"}, "operation": "CREATE",
            "object": {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}}"#;
        assert_eq!(read(request).unwrap(), ["spec.template.spec.containers[0].image"]);
    }

    #[test]
    fn judges_nothing_where_no_container_can_change() {
        let judged = |operation: &str, sub_resource: &str| {
            read(&format!(
                r#"{{"kind": {{"group": "", "kind": "Pod"}}, "operation": "{operation}", "subResource": {sub_resource},
                    "object": {{"spec": {{"containers": [{{}}]}}}}, "oldObject": {{"spec": {{}}}}}}"#
            ))
            .unwrap()
            .len()
        };
        assert_eq!(judged("DELETE", "null"), 0);
        for sub_resource in ["\"status\"", "\"binding\"", "\"eviction\"", "\"scale\""] {
            assert_eq!(judged("UPDATE", sub_resource), 0, "{sub_resource}");
        }
        for sub_resource in ["null", "\"\"", "\"ephemeralcontainers\"", "\"resize\""] {
            assert_eq!(judged("UPDATE", sub_resource), 1, "{sub_resource}");
        }
        let connect =
            r#"{"kind": {"group": "", "kind": "PodExecOptions"}, "operation": "CONNECT", "object": null}"#;
        assert_eq!(read(connect).unwrap(), [""; 0]);
    }

    #[test]
    fn says_what_the_request_lacks() {
        let error = |request: &str| read(request).unwrap_err();
        assert_eq!(error("null"), "request: missing");
        assert_eq!(error("{}"), "request.kind: missing");
        assert_eq!(error(r#"{"kind": {"group": "", "kind": "Pod"}}"#), "request.operation: missing");
        assert_eq!(error(&format!("{{{POD}}}")), "request.object: missing");
        assert_eq!(error(&format!("{{{POD}, \"object\": null}}")), "request.object: missing");
        assert_eq!(error(&format!("{{\"object\": null, {POD}}}")), "request.object: missing");
        assert_eq!(
            error(r#"{"kind": {"group": "", "kind": "Pod"}, "operation": "PATCH"}"#),
            "request.operation: expected CREATE, UPDATE, DELETE or CONNECT"
        );
        assert_eq!(error("[1]"), "request: expected an object, got a list");
        assert_eq!(error(&format!("{{{POD}, {POD}}}")), "request: duplicate field `kind`");
    }

    #[test]
    fn says_where_an_object_cannot_be_read() {
        let error = |object: &str| {
            let before = read(&format!("{{{POD},\n \"object\": {object}}}")).unwrap_err();
            let behind = read(&format!("{{\"object\": {object}, {POD}}}")).unwrap_err();
            assert_eq!(before, behind);
            before
        };
        assert_eq!(error("{}"), "spec: missing");
        assert_eq!(error(r#"{"spec": null}"#), "spec: missing");
        assert_eq!(error(r#"{"spec": "x"}"#), "spec: expected an object, got a string");
        assert_eq!(
            error(r#"{"spec": {"containers": [{}, {"securityContext": {"privileged": "yes"}}]}}"#),
            "spec.containers[1].securityContext.privileged: expected a boolean, got a string"
        );
        assert_eq!(
            error(r#"{"spec": {"securityContext": {"runAsUser": 1.5}}}"#),
            "spec.securityContext.runAsUser: expected an integer, got 1.5"
        );
        assert_eq!(
            error(r#"{"spec": {"containers": {"web": {}}}}"#),
            "spec.containers: expected a list, got an object"
        );
        assert_eq!(
            error(r#"{"spec": {"containers": [null]}}"#),
            "spec.containers[0]: expected an object, got null"
        );
        assert_eq!(
            error(r#"{"spec": {"os": {"name": 1}}}"#),
            "spec.os.name: expected a string, got a number"
        );
    }

    #[test]
    fn refuses_keys_that_stand_twice() {
        let error = |request: &str| read(request).unwrap_err();
        assert_eq!(
            error(&format!(r#"{{{POD}, "object": {{"spec": {{}}, "spec": {{}}}}}}"#)),
            "request.object: duplicate field `spec`"
        );
        assert_eq!(
            error(&format!(r#"{{{POD}, "object": null, "object": {{"spec": {{}}}}}}"#)),
            "request: duplicate field `object`"
        );
        assert_eq!(
            error(&format!(r#"{{{POD}, "object": {{"spec": {{"hostPID": null, "hostPID": true}}}}}}"#)),
            "spec: duplicate field `hostPID`"
        );
    }

    #[test]
    fn says_that_a_payload_is_not_json() {
        let error = |payload: &[u8]| Payload::read(payload).unwrap_err();
        assert_eq!(error(b""), "the request cannot be read as JSON: expected a value at byte 0");
        assert_eq!(
            error(b"{\"request\": {]"),
            "the request cannot be read as JSON: expected a key at byte 13"
        );
        assert_eq!(error(b"{} x"), "the request cannot be read as JSON: expected nothing more at byte 3");
        assert_eq!(error(b"{}"), "request: missing");
        assert_eq!(error(b"1"), "the payload: expected an object, got a number");
    }

    #[test]
    fn never_repeats_more_than_a_message_bears() {
        let object = format!(r#"{{"spec": {{"securityContext": {{"runAsUser": {}}}}}}}"#, "9".repeat(10_000));
        let error = read(&format!("{{{POD}, \"object\": {object}}}")).unwrap_err();
        assert_eq!(error.chars().count(), SHOWN + 1);
    }

    #[test]
    fn reads_what_an_update_replaces() {
        let error = |old: &str| {
            let update =
                r#""kind": {"group": "", "kind": "Pod"}, "operation": "UPDATE", "object": {"spec": {}}"#;
            let in_passing = read(&format!("{{{update}{old}}}")).unwrap_err();
            let kept = format!(
                "{{{}{update}}}",
                old.strip_prefix(", ").map_or(String::new(), |old| format!("{old}, "))
            );
            assert_eq!(read(&kept).unwrap_err(), in_passing);
            in_passing
        };
        assert_eq!(error(""), "request.oldObject: missing");
        assert_eq!(error(r#", "oldObject": {}"#), "request.oldObject.spec: missing");
        assert_eq!(
            error(r#", "oldObject": {"spec": {"hostPID": 1}}"#),
            "request.oldObject.spec.hostPID: expected a boolean, got a number"
        );
    }

    #[test]
    fn nobody_is_held_up_by_the_old_object() {
        let delete =
            r#"{"kind": {"group": "", "kind": "Pod"}, "operation": "DELETE", "oldObject": {"spec": 1}}"#;
        assert_eq!(read(delete).unwrap(), [""; 0]);
        let status = r#"{"kind": {"group": "", "kind": "Pod"}, "subResource": "status", "operation": "UPDATE",
            "object": {"spec": 1}, "oldObject": {"spec": 1}}"#;
        assert_eq!(read(status).unwrap(), [""; 0]);
        let mend = r#"{"kind": {"group": "x", "kind": "Fleet"}, "operation": "UPDATE",
            "oldObject": {"pod": {"containers": [{"name": 1}]}}, "object": {"pod": {"containers": [{"name": "a"}]}}}"#;
        assert_eq!(read(mend).unwrap(), ["pod.containers[0].image"]);
    }

    fn connection(sub_resource: &str, object: &str) -> Result<Option<String>, String> {
        let payload = format!(
            r#"{{"request": {{"kind": {{"group": "", "kind": "PodExecOptions"}}, "operation": "CONNECT",
                "subResource": "{sub_resource}", "name": "web-1", "userInfo": {{"username": "jane"}}, "object": {object}}}}}"#
        );
        match Payload::read(payload.as_bytes())?.request.operation {
            Operation::Connect(connection) => {
                Ok(Some(format!("{:?} {}", connection.access, connection.label())))
            }
            _ => Ok(None),
        }
    }

    #[test]
    fn reads_how_somebody_reaches_into_a_pod() {
        let found = |sub_resource, object| connection(sub_resource, object).unwrap();
        assert_eq!(found("exec", r#"{"container": "web"}"#).unwrap(), r#"Exec container "web" of "web-1""#);
        assert_eq!(found("attach", "null").unwrap(), r#"Attach the default container of "web-1""#);
        assert_eq!(
            found("portforward", r#"{"ports": [80]}"#).unwrap(),
            r#"PortForward the default container of "web-1""#
        );
        assert_eq!(found("proxy", r#"{"path": "/"}"#).unwrap(), r#"Proxy the default container of "web-1""#);
        assert_eq!(found("console", r#"{"command": 3}"#), None);
        assert_eq!(
            connection("exec", r#"{"command": "sh"}"#).unwrap_err(),
            "request.object.command: expected a list, got a string"
        );
    }
}
