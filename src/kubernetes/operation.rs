//! What a request does to pods.

use crate::kubernetes::connect::Connection;
use crate::kubernetes::name_index::Places;
use crate::kubernetes::pod::Pod;

/// What a request does to pods.
#[derive(Debug, Default)]
pub enum Operation<'a> {
    /// Nothing that can change what a container runs.
    #[default]
    Nothing,
    /// It creates an object with these pod specs.
    Create(Vec<Pod<'a>>),
    /// It replaces an object.
    Update {
        /// The pod specs before the request.
        old: Vec<Pod<'a>>,
        /// The pod specs after the request.
        new: Vec<Pod<'a>>,
    },
    /// It connects to a running pod.
    Connect(Connection<'a>),
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum OperationRef<'j> {
    /// Nothing that can change what a container runs.
    Nothing,
    /// It creates an object with these pod specs.
    Create(&'j [Pod<'j>]),
    /// It replaces an object.
    Update {
        /// The pod specs before the request.
        old: &'j [Pod<'j>],
        /// The pod specs after the request.
        new: &'j [Pod<'j>],
    },
    /// It connects to a running pod.
    Connect(&'j Connection<'j>),
}

impl<'j> From<&'j Operation<'j>> for OperationRef<'j> {
    fn from(operation: &'j Operation<'j>) -> Self {
        match operation {
            Operation::Nothing => Self::Nothing,
            Operation::Create(pods) => Self::Create(pods),
            Operation::Update { old, new } => Self::Update { old, new },
            Operation::Connect(connection) => Self::Connect(connection),
        }
    }
}

impl<'j> OperationRef<'j> {
    /// The same operation with other pod specs after it.
    #[must_use]
    pub fn with_pods<'k>(self, pods: &'k [Pod<'k>]) -> OperationRef<'k>
    where
        'j: 'k,
    {
        match self {
            Self::Create(_) => OperationRef::Create(pods),
            Self::Update { old, .. } => OperationRef::Update { old, new: pods },
            Self::Nothing => OperationRef::Nothing,
            Self::Connect(connection) => OperationRef::Connect(connection),
        }
    }

    /// Whether there is anything to evaluate.
    #[must_use]
    pub fn has_target(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Connect(_) => true,
            Self::Create(pods) | Self::Update { new: pods, .. } => !pods.is_empty(),
        }
    }

    /// The pod that each new pod of an update replaces: the one at the same path, if there is one.
    #[must_use]
    pub fn replaced_pods(self) -> Vec<Option<&'j Pod<'j>>> {
        let Self::Update { old, new } = self else { return Vec::new() };
        let places = Places::of(old.iter().map(|pod| &*pod.path));
        new.iter().map(|pod| old.get(places.get(&pod.path)?)).collect()
    }
}
