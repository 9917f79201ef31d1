//! Generated pods: nearly good ones, with a few changes of one topic and few others.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::{BoxedStrategy, Union, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::bases::{LISTS, containers, hardened_container, plain, plain_container, put};
use super::topics::{Change, Target, topics};
use crate::fixes;
use crate::generators::one_of;

/// Names of containers in each list.
const NAMES: [[&str; 2]; 3] = [["web", "metrics"], ["setup", "proxy"], ["debugger", "tracer"]];

/// Where a good value is set.
#[derive(Clone, Copy, Debug)]
struct Placement {
    on_pod: bool,
    on_containers: bool,
}

/// What a pod has before it is changed.
#[derive(Clone, Debug)]
struct Base {
    /// The number of containers in each list.
    sizes: [usize; 3],
    is_sidecar: bool,
    is_hardened: bool,
    non_root: Placement,
    seccomp: Placement,
    host_users: Value,
    os: Value,
}

/// Generates pods: the same on every run, unless the environment selects others.
pub(super) fn pods() -> impl Iterator<Item = Value> {
    let mut runner = TestRunner::new(fixes::config());
    let pod = pod();
    std::iter::repeat_with(move || pod.new_tree(&mut runner).unwrap().current())
}

fn pod() -> BoxedStrategy<Value> {
    let topics = topics();
    let others = Union::new(topics.iter().flatten().cloned());
    let focus = Union::new(topics.into_iter().map(|changes| vec(Union::new(changes), 1..=4).boxed()));
    (base(), focus, vec(others, 0..=2))
        .prop_map(|(base, focus, others)| {
            let mut pod = base.pod();
            for change in focus.iter().chain(&others).flatten() {
                apply(&mut pod, change);
            }
            pod
        })
        .boxed()
}

fn base() -> impl Strategy<Value = Base> {
    let sizes = [1..=2_usize, 0..=2, 0..=1];
    let host_users = one_of(&json!([null, null, null, null, null, true, false]));
    let os = one_of(&json!([null, null, null, null, {"name": "linux"}, {"name": "windows"}]));
    let is_hardened = prop_oneof![4 => Just(true), 1 => Just(false)];
    (sizes, any::<bool>(), is_hardened, placement(), placement(), host_users, os, any::<bool>()).prop_map(
        |(sizes, is_sidecar, is_hardened, non_root, seccomp, host_users, os, is_bare)| {
            let nowhere = Placement { on_pod: false, on_containers: false };
            // Half of these pods lack what they need not have.
            let lacks_user = is_bare && host_users == json!(false);
            let lacks_linux = is_bare && os["name"] == "windows";
            Base {
                sizes,
                is_sidecar,
                is_hardened: is_hardened && !lacks_linux,
                non_root: if lacks_user { nowhere } else { non_root },
                seccomp: if lacks_linux { nowhere } else { seccomp },
                host_users,
                os,
            }
        },
    )
}

fn placement() -> BoxedStrategy<Placement> {
    let placement = |on_pod, on_containers| Just(Placement { on_pod, on_containers });
    prop_oneof![
        1 => placement(false, false),
        6 => placement(true, false),
        4 => placement(false, true),
        4 => placement(true, true),
    ]
    .boxed()
}

impl Base {
    fn pod(&self) -> Value {
        let mut pod = plain();
        for (field, value) in [("hostUsers", &self.host_users), ("os", &self.os)] {
            if !value.is_null() {
                pod["spec"][field] = value.clone();
            }
        }
        for (index, list) in LISTS.into_iter().enumerate() {
            let names = NAMES[index].iter().take(self.sizes[index]);
            let container = if self.is_hardened { hardened_container } else { plain_container };
            pod["spec"][list] = names.map(|name| container(name)).collect();
        }
        if self.is_sidecar && self.sizes[1] > 0 {
            pod["spec"]["initContainers"][0]["restartPolicy"] = "Always".into();
        }
        place(self.non_root, "runAsNonRoot", &json!(true), &mut pod);
        place(self.seccomp, "seccompProfile", &json!({"type": "RuntimeDefault"}), &mut pod);
        pod
    }
}

/// Sets a field of the security context where it is placed.
fn place(placement: Placement, field: &str, value: &Value, pod: &mut Value) {
    if placement.on_pod {
        put(&mut pod["spec"], &["securityContext", field], value);
    }
    if placement.on_containers {
        for container in containers(pod) {
            put(container, &["securityContext", field], value);
        }
    }
}

fn apply(pod: &mut Value, Change { target, path, value }: &Change) {
    match target {
        Target::Pod => put(pod, path, value),
        Target::Container(number) => {
            let mut containers = containers(pod);
            let index = number % containers.len();
            put(containers[index], path, value);
        }
        Target::Containers => {
            for container in containers(pod) {
                put(container, path, value);
            }
        }
    }
}
