//! `sharedProcessNamespace`: no container reaches another's files through its processes.
//!
//! A finding is `shareProcessNamespace: true`
//!
//! Where containers share their processes, each sees the root of every other at `/proc/PID/root`, and can write there
//! as far as users and mounts let it.

use super::{Definition, Kind, Rule};
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "sharedProcessNamespace",
    mode: None,
    can_fix: false,
    kind: Kind::SharedProcessNamespace,
};

pub(crate) struct SharedProcessNamespace;

impl SharedProcessNamespace {
    pub(super) fn new(_: &mut Options<'_, '_>) -> Self {
        Self
    }
}

impl Rule for SharedProcessNamespace {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.spec.share_process_namespace {
            let demand = "must not share one process namespace among its containers";
            Finding::of_pod(found, pod, "shareProcessNamespace", "", demand);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;
    use super::*;

    #[test]
    fn containers_keep_their_processes_to_themselves() {
        assert_eq!(
            check(&RULE, &json!({}), &json!({"shareProcessNamespace": true})),
            [
                "spec.shareProcessNamespace: the pod must not share one process namespace among its containers \
              [sharedProcessNamespace]"
            ]
        );
        for good in [json!(false), json!(null)] {
            assert_eq!(check(&RULE, &json!({}), &json!({"shareProcessNamespace": good})), [""; 0]);
        }
    }
}
