//! What reaches into a running pod: `kubectl exec`, `attach`, `port-forward` and their like.

use crate::text::quoted;
use json_view::Text;
use json_view::views;

/// A CONNECT request to a subresource that gives access to what runs.
#[derive(Debug)]
pub struct Connection<'a> {
    /// How it is reached.
    pub access: Access,
    /// The name of the pod, or of what else has such a subresource.
    pub to: Text<'a>,
    /// The name of the user who asks.
    pub user: Text<'a>,
    /// What is asked of it.
    pub options: ConnectOptions<'a>,
}

/// A way into what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `exec`: run a command in a container.
    Exec,
    /// `attach`: take over the input and output of a container.
    Attach,
    /// `portforward`: connect to a port of a pod.
    PortForward,
    /// `proxy`: send HTTP requests to a pod, a service or a kubelet.
    Proxy,
}

/// The subresources that give access, by name.
pub const ACCESSES: &[(&str, Access)] = &[
    ("exec", Access::Exec),
    ("attach", Access::Attach),
    ("portforward", Access::PortForward),
    ("proxy", Access::Proxy),
];

impl Access {
    /// The way in that a subresource gives.
    #[must_use]
    pub fn find(sub_resource: &str) -> Option<Self> {
        ACCESSES.iter().find(|(name, _)| *name == sub_resource).map(|(_, access)| *access)
    }
}

views! {
    /// What the rules read of `PodExecOptions`, `PodAttachOptions` and the others.
    pub struct ConnectOptions<'a> {
        /// `command`
        pub command "command": Vec<Text<'a>>,
        /// `container`; empty for the pod's default one.
        pub container "container": Text<'a>,
        /// `tty`
        pub tty "tty": bool,
    }
}

impl Connection<'_> {
    /// The container as messages name it: `container "web" of "web-1"`.
    #[must_use]
    pub fn label(&self) -> String {
        let container = match &*self.options.container {
            "" => "the default container".to_owned(),
            name => format!("container {}", quoted(name)),
        };
        format!("{container} of {}", quoted(&self.to))
    }
}
