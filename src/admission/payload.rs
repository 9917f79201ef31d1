//! Reads the payload of `validate`, in one pass.

use json_view::{self as json, Error, KnownKey, RawValue, ReadJson, Reader, Text, views};

use super::request::{MutableObject, Request, UserInfo};
use crate::kubernetes::connect::{Access, ConnectOptions, Connection};
use crate::kubernetes::object::Object;
use crate::kubernetes::operation::Operation;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::unreadable::describe;
use crate::kubernetes::workload::{GroupKind, MutableFields, Workload};
use crate::settings::value::UnparsedSettings;

/// The payload of `validate`: an admission request and the settings.
#[derive(Debug)]
pub struct Payload<'a> {
    /// The request to review.
    pub request: Request<'a>,
    /// The settings as they are written.
    pub settings: UnparsedSettings<'a>,
}

impl<'a> Payload<'a> {
    /// Reads the payload.
    ///
    /// # Errors
    /// If the payload is not JSON, lacks a required field of an admission request, or contains an invalid pod spec. The message is
    /// one sentence that begins with the path of the field.
    pub fn read(payload: &'a [u8]) -> Result<Self, String> {
        let raw: RawPayload = json::from_slice(payload).map_err(|error| describe(&error, ""))?;
        let request = raw.request.ok_or("request: missing")?;
        Ok(Self { request: request.into_request()?, settings: raw.settings })
    }
}

views! {
    struct RawPayload<'a> {
        request "request": Option<AdmissionRequest<'a>>,
        settings "settings": UnparsedSettings<'a>,
    }
}

/// The fields of an `AdmissionRequest` that a verdict can depend on.
///
/// Source: `k8s.io/api/admission/v1`.
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

/// The keys of an [`AdmissionRequest`].
const KEYS: [&str; 8] =
    ["kind", "subResource", "name", "namespace", "operation", "userInfo", "object", "oldObject"];

/// Reads an object in the same pass if its kind precedes it, as in the requests of API servers and policy servers. Otherwise the
/// object is kept as it is written until the kind is known.
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
                    // An object that is not evaluated must not cause an error.
                    let workload = self.workload().filter(|_| !self.changes_no_container());
                    (self.object, self.object_json) = fields
                        .read_with(|reader| reader.with_raw(|reader| Object::read(reader, workload)))?;
                }
                _ => {
                    let is_update =
                        self.operation.as_deref() == Some("UPDATE") && !self.changes_no_container();
                    let workload = self.workload().filter(|_| is_update);
                    self.old_object = fields.read_with(|reader| Object::read(reader, workload))?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> AdmissionRequest<'a> {
    /// Returns the built-in kind of the object, if the object has one and it is known already.
    fn workload(&self) -> Option<&'static Workload> {
        self.kind.as_ref().and_then(GroupKind::workload)
    }

    /// Returns whether it is known already that no container changes. These subresources accept no pod spec, or accept the whole
    /// object and ignore its spec.
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
            "CREATE" => Operation::Create(pods(&kind, self.object)?),
            "UPDATE" => {
                let new = pods(&kind, self.object)?;
                Operation::Update { old: old_pods(&kind, self.old_object)?, new }
            }
            "CONNECT" => match Access::find(&self.sub_resource) {
                Some(access) => Operation::Connect(Connection {
                    access,
                    to: self.name,
                    user: self.user_info.username.clone(),
                    options: connect_options(self.object.as_ref())?,
                }),
                None => Operation::Nothing,
            },
            _ => return Err("request.operation: expected CREATE, UPDATE, DELETE or CONNECT".to_owned()),
        };
        let mutable_object = mutable_fields(&operation, &kind)
            .map(|mutable_fields| MutableObject::new(kind.clone(), self.object_json, mutable_fields));
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

/// The path of the object that an update replaces. Messages omit the path of the other object.
const OLD_OBJECT: &str = "request.oldObject";

fn pods<'a>(kind: &GroupKind<'_>, object: Option<Object<'a>>) -> Result<Vec<Pod<'a>>, String> {
    object.ok_or("request.object: missing")?.into_pods(kind, "")
}

/// Returns the pods that an update replaces.
///
/// If an object of a custom kind cannot be read, it counts as empty, so that all findings of the update count: the update may
/// repair the object.
fn old_pods<'a>(kind: &GroupKind<'_>, object: Option<Object<'a>>) -> Result<Vec<Pod<'a>>, String> {
    let object = object.ok_or_else(|| format!("{OLD_OBJECT}: missing"))?;
    let pods = object.into_pods(kind, OLD_OBJECT);
    if kind.workload().is_none() { Ok(pods.unwrap_or_default()) } else { pods }
}

/// Returns the options of a connection. They have a kind of their own, which is not a workload.
fn connect_options<'a>(object: Option<&Object<'a>>) -> Result<ConnectOptions<'a>, String> {
    match object {
        None => Ok(ConnectOptions::default()),
        Some(Object::Raw(RawValue(json))) => {
            json::from_slice(json).map_err(|error| describe(&error, "request.object"))
        }
        Some(Object::Workload(..)) => Err("request.object: must be the options of a connection".to_owned()),
    }
}

/// Returns the fields of the object that a fix may change, if a fix may change it at all.
fn mutable_fields(operation: &Operation<'_>, kind: &GroupKind<'_>) -> Option<MutableFields> {
    match operation {
        Operation::Create(_) => Some(MutableFields::Unset),
        Operation::Update { .. } => {
            kind.workload().map_or(Some(MutableFields::Unset), Workload::mutable_fields_in_updates)
        }
        Operation::Nothing | Operation::Connect(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::unreadable::MAX_MESSAGE_CHARS;

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
    fn the_kind_may_follow_the_object() {
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
    fn pod_specs_in_custom_kinds_are_found() {
        let request = r#"{"kind": {"group": "argoproj.io", "kind": "Rollout"}, "operation": "CREATE",
            "object": {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}}"#;
        assert_eq!(read(request).unwrap(), ["spec.template.spec.containers[0].image"]);
    }

    #[test]
    fn requests_that_change_no_container_have_no_pods() {
        let count = |operation: &str, sub_resource: &str| {
            read(&format!(
                r#"{{"kind": {{"group": "", "kind": "Pod"}}, "operation": "{operation}", "subResource": {sub_resource},
                    "object": {{"spec": {{"containers": [{{}}]}}}}, "oldObject": {{"spec": {{}}}}}}"#
            ))
            .unwrap()
            .len()
        };
        assert_eq!(count("DELETE", "null"), 0);
        for sub_resource in ["\"status\"", "\"binding\"", "\"eviction\"", "\"scale\""] {
            assert_eq!(count("UPDATE", sub_resource), 0, "{sub_resource}");
        }
        for sub_resource in ["null", "\"\"", "\"ephemeralcontainers\"", "\"resize\""] {
            assert_eq!(count("UPDATE", sub_resource), 1, "{sub_resource}");
        }
        let connect =
            r#"{"kind": {"group": "", "kind": "PodExecOptions"}, "operation": "CONNECT", "object": null}"#;
        assert_eq!(read(connect).unwrap(), [""; 0]);
    }

    #[test]
    fn missing_fields_of_the_request_are_named() {
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
    fn errors_in_the_object_begin_with_the_path() {
        let error = |object: &str| {
            let before = read(&format!("{{{POD},\n \"object\": {object}}}")).unwrap_err();
            let after = read(&format!("{{\"object\": {object}, {POD}}}")).unwrap_err();
            assert_eq!(before, after);
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
    fn duplicate_keys_are_refused() {
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
    fn errors_in_the_syntax_say_the_position() {
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
    fn long_messages_are_truncated() {
        let object = format!(r#"{{"spec": {{"securityContext": {{"runAsUser": {}}}}}}}"#, "9".repeat(10_000));
        let error = read(&format!("{{{POD}, \"object\": {object}}}")).unwrap_err();
        assert_eq!(error.chars().count(), MAX_MESSAGE_CHARS + 1);
    }

    #[test]
    fn the_old_object_of_an_update_is_read() {
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
    fn an_old_object_that_is_not_needed_cannot_deny_a_request() {
        let delete =
            r#"{"kind": {"group": "", "kind": "Pod"}, "operation": "DELETE", "oldObject": {"spec": 1}}"#;
        assert_eq!(read(delete).unwrap(), [""; 0]);
        let status = r#"{"kind": {"group": "", "kind": "Pod"}, "subResource": "status", "operation": "UPDATE",
            "object": {"spec": 1}, "oldObject": {"spec": 1}}"#;
        assert_eq!(read(status).unwrap(), [""; 0]);
        let repair = r#"{"kind": {"group": "x", "kind": "Fleet"}, "operation": "UPDATE",
            "oldObject": {"pod": {"containers": [{"name": 1}]}}, "object": {"pod": {"containers": [{"name": "a"}]}}}"#;
        assert_eq!(read(repair).unwrap(), ["pod.containers[0].image"]);
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
    fn connections_are_read() {
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
