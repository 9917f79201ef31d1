//! The arguments that name a running cluster.

use clap::Args;
use immutable_pods::evaluator::Evaluator;
use immutable_pods::input::InputError;
use immutable_pods::manifest::Manifest;

/// The cluster to evaluate instead of files.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// Evaluate the objects of a running cluster, like the audit scanner; the program only reads
    ///
    /// The cluster is the current context of the kubeconfig, as for kubectl, or the cluster in which the program runs. Bare
    /// settings evaluate pods and the workloads that create pods. With manifests of policies, the resources in their `rules` are
    /// evaluated, and policies with `backgroundAudit: false` are skipped. A wildcard in `rules` does not name the built-in
    /// resources without pods, such as Secrets.
    #[arg(long)]
    pub(super) cluster: bool,

    /// The context of the kubeconfig [default: the current context]
    #[arg(long, value_name = "NAME", requires = "cluster", conflicts_with = "paths")]
    context: Option<String>,

    /// The namespace to evaluate [default: all, and objects without a namespace]
    #[arg(long, value_name = "NAME", requires = "cluster", conflicts_with = "paths")]
    namespace: Option<String>,
}

/// Objects that are read one by one.
pub(super) type Manifests = Box<dyn Iterator<Item = Result<Manifest, InputError>> + Send>;

/// Reads the objects of the cluster. Sets in the evaluator what the cluster says about namespaces and resources.
#[cfg(feature = "cluster")]
pub(super) fn read(arguments: &ClusterArgs, evaluator: &mut Evaluator) -> Result<Manifests, String> {
    let (context, namespace) = (arguments.context.clone(), arguments.namespace.clone());
    let options = immutable_pods::cluster::ClusterOptions { context, namespace };
    match immutable_pods::cluster::read(&options, evaluator) {
        Ok(manifests) => Ok(Box::new(manifests)),
        Err(error) => Err(error.to_string()),
    }
}

/// Refuses to read a cluster: the program is built without a client.
#[cfg(not(feature = "cluster"))]
pub(super) fn read(_: &ClusterArgs, _: &mut Evaluator) -> Result<Manifests, String> {
    Err("--cluster: this program is built without the feature `cluster`; \
         `cargo install --locked --path cli` installs a program with the feature"
        .to_owned())
}
