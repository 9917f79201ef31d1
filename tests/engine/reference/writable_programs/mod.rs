//! `writablePrograms`

use k8s_openapi::api::core::v1::{ExecAction, LifecycleHandler, Probe};

use super::file_paths::FilePath;
use super::findings::{FieldPath, Findings, ResponsibleContainers};
use super::mounts::container_path;
use super::request::{ContainerAt, Pod, Request};
use super::rule::ReferenceRule;
use environment::Environment;

mod elements;
mod environment;
mod generators;
mod writers;

/// The directories that container runtimes search for programs.
const DEFAULT_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// `writablePrograms`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "warn",
    container_fields: generators::container_fields,
    ..ReferenceRule::new("writablePrograms", findings)
};

fn findings(request: &Request<'_>) -> Findings {
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            let environment = Environment::read(container.spec.env.as_deref().unwrap_or_default());
            for (path, program) in programs(container, &environment) {
                let files = candidates(pod, container, &environment, &program);
                add(&mut findings, path, pod, container, &files);
            }
            for (index, name, value) in environment.literals() {
                let path = container.path.field("env").item(index).field("value");
                let elements = elements::elements(pod.is_windows(), name, value);
                let files: Vec<_> =
                    elements.iter().filter_map(|element| resolve(pod, container, element)).collect();
                add(&mut findings, path, pod, container, &files);
            }
        }
    }
    findings
}

/// Adds a finding for the first file that a container can write to.
fn add(findings: &mut Findings, path: FieldPath, pod: &Pod, reader: &ContainerAt, files: &[FilePath]) {
    let mut writers = files.iter().map(|file| writers::writers(pod, reader, file));
    let Some(writers) = writers.find(|writers| !writers.is_empty()) else { return };
    let all = [reader].into_iter().chain(writers).map(ContainerAt::as_responsible).collect();
    findings.add(path, ResponsibleContainers { all, are_whole_pod: false });
}

/// Returns the programs that Kubernetes runs in a container, each with the path of its field.
fn programs(container: &ContainerAt, environment: &Environment) -> Vec<(FieldPath, String)> {
    let spec = &container.spec;
    let mut programs = Vec::new();
    let mut add = |field: &str, command: Option<Vec<String>>, expand: &dyn Fn(&str) -> String| {
        if let Some(program) = command.and_then(|command| command.first().cloned()) {
            programs.push((container.path.field(field).item(0), expand(&program)));
        }
    };
    add("command", spec.command.clone(), &|text| environment.expand(text));
    let probes = [
        ("livenessProbe.exec.command", &spec.liveness_probe),
        ("readinessProbe.exec.command", &spec.readiness_probe),
        ("startupProbe.exec.command", &spec.startup_probe),
    ];
    for (field, probe) in probes {
        let exec = |probe: Probe| command_of(probe.exec);
        add(field, probe.clone().and_then(exec), &|text| environment.expand_static(text));
    }
    let lifecycle = spec.lifecycle.clone().unwrap_or_default();
    let hooks = [
        ("lifecycle.postStart.exec.command", lifecycle.post_start),
        ("lifecycle.preStop.exec.command", lifecycle.pre_stop),
    ];
    for (field, hook) in hooks {
        let exec = |hook: LifecycleHandler| command_of(hook.exec);
        add(field, hook.and_then(exec), &str::to_owned);
    }
    programs
}

fn command_of(exec: Option<ExecAction>) -> Option<Vec<String>> {
    exec?.command
}

/// Returns the files that a program name may mean.
fn candidates(pod: &Pod, container: &ContainerAt, environment: &Environment, program: &str) -> Vec<FilePath> {
    if program.is_empty() {
        return Vec::new();
    }
    // Windows looks up a bare name in the working directory too.
    if pod.is_windows() || program.contains('/') {
        return resolve(pod, container, program).into_iter().collect();
    }
    if environment.has("PATH") {
        return Vec::new();
    }
    let files = DEFAULT_PATH.iter().map(|directory| format!("{directory}/{program}"));
    files.map(|file| FilePath::parse(&file, false)).collect()
}

/// Returns an absolute path. A relative path begins at the working directory, if the container sets one.
fn resolve(pod: &Pod, container: &ContainerAt, path: &str) -> Option<FilePath> {
    let windows = pod.is_windows();
    let parsed = container_path(pod, path);
    if parsed.is_absolute {
        return Some(parsed);
    }
    let directory = container.spec.working_dir.clone().filter(|directory| !directory.is_empty())?;
    Some(FilePath::parse(&format!("{directory}/{path}"), windows))
}
