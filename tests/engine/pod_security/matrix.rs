//! A pod for each value that the documented Pod Security Standards allow or forbid, at each place where they name it.
//!
//! See <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.

use serde_json::{Value, json};

use super::bases::{PLACES, Place, containers, hardened, hardened_container, plain, plain_container, put};
use super::library::Library;
use super::{admitted_by_presets, baseline, check_settings, described, restricted};

/// Minimum number of pods.
const MIN_CASES: usize = 1500;

/// What the levels decide on a value.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    Admitted,
    DeniedByRestricted,
    Denied,
}

impl Verdict {
    fn admitted(self) -> [bool; 2] {
        match self {
            Self::Admitted => [true, true],
            Self::DeniedByRestricted => [true, false],
            Self::Denied => [false, false],
        }
    }
}

/// A pod and the levels that admit it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) pod: Value,
    pub(super) admitted: [bool; 2],
}

/// Values of one field, and the verdict on a pod that is otherwise good.
pub(super) struct Control {
    name: String,
    /// Fields of the pod spec that differ from the base.
    spec: Value,
    pod: Option<Vec<&'static str>>,
    container: Option<Vec<&'static str>>,
    places: fn(&Place) -> bool,
    values: Vec<(Value, Verdict)>,
}

impl Control {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            spec: json!({}),
            pod: None,
            container: None,
            places: |_| true,
            values: Vec::new(),
        }
    }

    /// Sets values at a path of the pod.
    pub(super) fn pod(self, path: &[&'static str]) -> Self {
        Self { pod: Some(path.to_vec()), ..self }
    }

    /// Sets values at a path of each kind of container.
    pub(super) fn container(self, path: &[&'static str]) -> Self {
        Self { container: Some(path.to_vec()), ..self }
    }

    /// Sets values only in these containers, because API servers refuse the field in others.
    pub(super) fn only_in(self, places: fn(&Place) -> bool) -> Self {
        Self { places, ..self }
    }

    /// Changes fields of the pod spec in addition.
    pub(super) fn with(self, spec: Value) -> Self {
        Self { spec, ..self }
    }

    pub(super) fn admits(self, values: &Value) -> Self {
        self.values(values, Verdict::Admitted)
    }

    pub(super) fn baseline_admits(self, values: &Value) -> Self {
        self.values(values, Verdict::DeniedByRestricted)
    }

    pub(super) fn denies(self, values: &Value) -> Self {
        self.values(values, Verdict::Denied)
    }

    fn values(mut self, values: &Value, verdict: Verdict) -> Self {
        let values = values.as_array().into_iter().flatten();
        self.values.extend(values.map(|value| (value.clone(), verdict)));
        self
    }

    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (value, verdict) in &self.values {
            let [baseline, restricted] = verdict.admitted();
            for (is_hardened, admitted) in [(true, [baseline, restricted]), (false, [baseline, false])] {
                // Other fields can make restricted admit a plain pod.
                if !is_hardened && self.spec != json!({}) {
                    continue;
                }
                for (place, pod) in self.pods(value, is_hardened) {
                    let base = if is_hardened { "hardened" } else { "plain" };
                    let name = format!("{} = {value} in {place} of a {base} pod", self.name);
                    cases.push(Case { name, pod, admitted });
                }
            }
        }
        cases
    }

    /// Returns pods with the value at each place.
    fn pods(&self, value: &Value, is_hardened: bool) -> Vec<(String, Value)> {
        let mut base = if is_hardened { hardened() } else { plain() };
        json_patch::merge(&mut base["spec"], &self.spec);
        let mut pods = Vec::new();
        if let Some(path) = &self.pod {
            let mut pod = base.clone();
            put(&mut pod, path, value);
            pods.push(("the pod".to_owned(), pod));
        }
        for place in PLACES.iter().filter(|place| (self.places)(place)) {
            let Some(path) = &self.container else { continue };
            let container = if is_hardened { hardened_container } else { plain_container };
            let mut container = container("tested");
            put(&mut container, path, value);
            if let Some(policy) = place.restart_policy {
                container["restartPolicy"] = policy.into();
            }
            let mut pod = base.clone();
            let mut list = pod["spec"][place.list].as_array().cloned().unwrap_or_default();
            list.push(container);
            pod["spec"][place.list] = list.into();
            pods.push((format!("{}{}", place.list, place.restart_policy.unwrap_or_default()), pod));
        }
        pods
    }
}

/// Returns a case with a hardened pod that has three kinds of containers, with values in the pod and in each container.
pub(super) fn crossed(
    path: &[&'static str],
    of_pod: &Value,
    of_containers: &Value,
    verdict: Verdict,
) -> Case {
    let mut pod = hardened();
    pod["spec"]["initContainers"] = json!([hardened_container("init")]);
    pod["spec"]["ephemeralContainers"] = json!([hardened_container("debugger")]);
    put(&mut pod["spec"], path, of_pod);
    for container in containers(&mut pod) {
        put(container, path, of_containers);
    }
    let name = format!("{} = {of_pod} in the pod and {of_containers} in each container", path.join("."));
    Case { name, pod, admitted: verdict.admitted() }
}

fn cases() -> Vec<Case> {
    let controls = baseline::controls().into_iter().chain(restricted::controls());
    let mut cases: Vec<_> = controls.flat_map(|control| control.cases()).collect();
    cases.extend(restricted::crossed_cases());
    cases
}

#[test]
fn the_presets_implement_the_documented_standards() {
    check_settings();
    check(admitted_by_presets);
}

#[test]
fn pod_security_admission_implements_the_documented_standards() {
    let Some(mut library) = Library::start(false) else {
        return eprintln!("skipped: pod-security is not installed (`make control-plane`)");
    };
    check(|pod| library.failed(pod).map(|failed| failed.is_empty()));
}

/// Checks which levels admit the pods.
#[track_caller]
fn check(mut admitted: impl FnMut(&Value) -> [bool; 2]) {
    let cases = cases();
    assert!(cases.len() >= MIN_CASES, "found {} pods", cases.len());
    let mut differences = Vec::new();
    for case in &cases {
        let actual = admitted(&case.pod);
        if actual != case.admitted {
            let (expected, actual) = (described(case.admitted), described(actual));
            differences.push(format!("{}: expected {expected}, got {actual}\n  {}", case.name, case.pod));
        }
    }
    let numbers = format!("{} of {} pods differ", differences.len(), cases.len());
    differences.truncate(20);
    assert!(differences.is_empty(), "{numbers}\n{}", differences.join("\n"));
}
