//! An API server for tests: it returns fixed responses, and remembers the requests.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use kube::config::Config;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::connection::Connection;

/// Responses by the path and query of their request. The last one of several is repeated.
type Responses = HashMap<String, VecDeque<(u16, Value)>>;

/// The plural name and the kind of a resource, and whether it belongs to a namespace.
pub(super) type ServedType = (&'static str, &'static str, bool);

/// A group and a version, and its resources.
pub(super) type ServedVersion = (&'static str, &'static [ServedType]);

/// A server on the loopback interface, which runs until the tests end.
pub(super) struct FakeServer {
    port: u16,
    responses: Arc<Mutex<Responses>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeServer {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            responses: Arc::default(),
            requests: Arc::default(),
        };
        let (responses, requests) = (Arc::clone(&server.responses), Arc::clone(&server.requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &responses, &requests);
            }
        });
        server
    }

    /// Adds a response to a request.
    pub(super) fn respond(self, target: &str, status: u16, body: Value) -> Self {
        self.responses.lock().unwrap().entry(target.to_owned()).or_default().push_back((status, body));
        self
    }

    /// Adds groups, their versions and resources.
    pub(super) fn serving(mut self, versions: &[ServedVersion]) -> Self {
        let mut groups: Vec<Value> = Vec::new();
        for (group_version, resources) in versions {
            let target = match group_version.split_once('/') {
                None => format!("/api/{group_version}"),
                Some((group, version)) => {
                    let version = json!({"groupVersion": group_version, "version": version});
                    match groups.iter_mut().find(|known| known["name"] == group) {
                        Some(known) => known["versions"].as_array_mut().unwrap().push(version),
                        None => groups.push(
                            json!({"name": group, "versions": [version.clone()], "preferredVersion": version}),
                        ),
                    }
                    format!("/apis/{group_version}")
                }
            };
            self = self.respond(&target, 200, resource_list(group_version, resources));
        }
        let versions = json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []});
        let groups = json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups});
        self.respond("/api", 200, versions).respond("/apis", 200, groups)
    }

    /// Connects to the server as the cluster `test`.
    pub(super) fn connect(&self) -> Arc<Connection> {
        let mut config = Config::new(format!("http://127.0.0.1:{}", self.port).parse().unwrap());
        config.default_retry = false;
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Arc::new(Connection::new("test".to_owned(), runtime, config).unwrap())
    }

    /// Returns all requests so far, as `GET /path?query`.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn resource_list(group_version: &str, resources: &[ServedType]) -> Value {
    let resources: Vec<Value> = resources
        .iter()
        .map(|(name, kind, namespaced)| {
            json!({"name": name, "kind": kind, "singularName": "", "namespaced": namespaced,
                "verbs": ["create", "get", "list"]})
        })
        .collect();
    json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources})
}

fn serve(mut stream: TcpStream, responses: &Mutex<Responses>, requests: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    // The requests do not have bodies.
    lines.by_ref().map(Result::unwrap).find(String::is_empty);
    let request = first.strip_suffix(" HTTP/1.1").unwrap().to_owned();
    let target = request.split_once(' ').unwrap().1.to_owned();
    requests.lock().unwrap().push(request);
    let (status, body) = match responses.lock().unwrap().get_mut(&target) {
        Some(queue) if queue.len() > 1 => queue.pop_front().unwrap(),
        Some(queue) => queue[0].clone(),
        None => (404, json!({"kind": "Status", "code": 404, "message": "not served by the test"})),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close");
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
}
