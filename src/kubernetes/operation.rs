//! The operation of a request, as far as it concerns pods.

use crate::kubernetes::connect::Connection;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::Pod;

/// What a request does to pods.
#[derive(Debug, Default)]
pub enum Operation<'a> {
    /// An operation that cannot change what containers run.
    #[default]
    Nothing,
    /// Creates an object with these pod specs.
    Create(Vec<Pod<'a>>),
    /// Replaces an object.
    Update {
        /// The pod specs before the request.
        old: Vec<Pod<'a>>,
        /// The pod specs after the request.
        new: Vec<Pod<'a>>,
    },
    /// Connects to a running pod.
    Connect(Connection<'a>),
}

/// A borrowed [`Operation`], so that a fix can replace the new pod specs.
#[derive(Clone, Copy, Debug)]
pub enum OperationRef<'j> {
    /// An operation that cannot change what containers run.
    Nothing,
    /// Creates an object with these pod specs.
    Create(&'j [Pod<'j>]),
    /// Replaces an object.
    Update {
        /// The pod specs before the request.
        old: &'j [Pod<'j>],
        /// The pod specs after the request.
        new: &'j [Pod<'j>],
    },
    /// Connects to a running pod.
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
    /// Returns the same operation with other new pod specs.
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

    /// Returns whether there is anything to evaluate.
    #[must_use]
    pub fn has_target(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Connect(_) => true,
            Self::Create(pods) | Self::Update { new: pods, .. } => !pods.is_empty(),
        }
    }

    /// Returns, for each new pod of an update, the old pod at the same path.
    #[must_use]
    pub fn replaced_pods(self) -> Vec<Option<&'j Pod<'j>>> {
        let Self::Update { old, new } = self else { return Vec::new() };
        let by_path = NameIndex::of(old.iter().map(|pod| &*pod.path));
        new.iter().map(|pod| old.get(by_path.get(&pod.path)?)).collect()
    }
}
