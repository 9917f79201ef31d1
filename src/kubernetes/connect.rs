//! Connections to running pods: `kubectl exec`, `attach`, `port-forward` and similar.

use crate::text::quoted;
use json_view::Text;
use json_view::views;

/// A CONNECT request to a subresource that gives access to running containers.
#[derive(Debug)]
pub struct Connection<'a> {
    /// The kind of access.
    pub access: Access,
    /// The name of the pod, service or node.
    pub to: Text<'a>,
    /// The name of the user who connects.
    pub user: Text<'a>,
    /// The object of the request.
    pub options: ConnectOptions<'a>,
}

/// A kind of access to running containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `exec` runs a command in a container.
    Exec,
    /// `attach` connects to input and output of a container.
    Attach,
    /// `portforward` connects to a port of a pod.
    PortForward,
    /// `proxy` sends HTTP requests to a pod, a service or a kubelet.
    Proxy,
}

/// The subresources that give access, with their kind of access.
pub const ACCESSES: &[(&str, Access)] = &[
    ("exec", Access::Exec),
    ("attach", Access::Attach),
    ("portforward", Access::PortForward),
    ("proxy", Access::Proxy),
];

impl Access {
    /// Returns the kind of access that a subresource gives.
    #[must_use]
    pub fn find(sub_resource: &str) -> Option<Self> {
        ACCESSES.iter().find(|(name, _)| *name == sub_resource).map(|(_, access)| *access)
    }
}

views! {
    /// Fields that rules read of `PodExecOptions`, `PodAttachOptions` and similar kinds of `k8s.io/api/core/v1`.
    pub struct ConnectOptions<'a> {
        /// Program and arguments, of an `exec`.
        pub command "command": Vec<Text<'a>>,
        /// Name of the container; empty for the default container.
        pub container "container": Text<'a>,
        /// Whether the command gets the input of the user.
        pub stdin "stdin": bool,
        /// Whether the command gets a terminal.
        pub tty "tty": bool,
    }
}

impl Connection<'_> {
    /// Returns the container as messages name it, such as `container "web" of "web-1"`.
    #[must_use]
    pub fn label(&self) -> String {
        let container = match &*self.options.container {
            "" => "the default container".to_owned(),
            name => format!("container {}", quoted(name)),
        };
        format!("{container} of {}", quoted(&self.to))
    }
}
