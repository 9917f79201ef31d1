//! `writablePrograms`: containers do not run or load code from where a container can write.

mod code;
mod variables;

use std::borrow::Cow;
use std::cell::{LazyCell, OnceCell};

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::Lifecycle;
use crate::kubernetes::environment::Environment;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::mount_points::is_absolute;
use crate::kubernetes::pod::ContainerAt;
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::text::quoted;
use code::{Code, Writers};
use variables::{PATH, find_in, syntax_of};

/// The directories in which runtimes look up programs if neither the pod spec nor the image sets `PATH`.
///
/// Source: `defaultPathEnv` of containerd, `DefaultPathEnv` of Moby.
const DEFAULT_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

pub(crate) struct WritablePrograms;

/// Which variables the kubelet replaces in a command.
#[derive(Clone, Copy)]
enum Replaced {
    All,
    AsWritten,
    None,
}

impl Rule<'_> for WritablePrograms {
    const META: RuleMeta = RuleMeta {
        id: "writablePrograms",
        severity: Severity::Medium,
        default_mode: Mode::Warn,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers do not run or load code from where a container can write.",
        finding: "a program in `command`, in an exec probe or in a lifecycle hook, or a path in a variable that loads code, in a mount that \
                  the container or a container that runs at the same time can write to",
        fix: None,
        why: "\
A container that can replace its own programs is not immutable, even if its root filesystem is read-only.",
        how: Some(
            "\
A program is the first word of `command`, of a probe's `exec.command` or of a hook's `exec.command`. A path with a slash that is not
absolute begins at `workingDir`; if `workingDir` is unset, the path is skipped. A bare name is looked up in `PATH`: if `env` sets `PATH`,
the finding is at that variable; otherwise `/usr/local/sbin`, `/usr/local/bin`, `/usr/sbin`, `/usr/bin`, `/sbin` and `/bin` are checked.

These variables load code: `LD_PRELOAD` and `LD_AUDIT` (entries with a slash), `LD_LIBRARY_PATH`, `PATH`, `BASH_ENV`, `PYTHONPATH`,
`PERL5LIB`, `RUBYLIB`, `NODE_PATH`, `GCONV_PATH`, and the paths in `NODE_OPTIONS` and `JAVA_TOOL_OPTIONS`, except for options that name
files to write, such as `--diagnostic-dir=`, for system properties whose name does not end in `path` or `dirs`, such as
`-Djava.io.tmpdir=`, and for most `-XX:` options. Empty and relative entries begin at `workingDir`. The finding names the first entry that a
container can write to. Of a variable that is set twice, the last literal value counts. `$(NAME)` is replaced as the kubelet does: in
`env` by earlier variables, in `command` by all, in probes by values as they are written, in hooks never.

The mount with the longest path at or above a program decides. The file for termination messages and `/dev/shm` are mounts that are always
writable. Which containers can write to a mount is decided as in `writableMounts`: by volume, claim or host path, by `subPath`, and by which
containers run at the same time. An exemption must cover the container that runs the program and all containers that can write to it.

In Windows pods, commands, probes, hooks and `PATH` are checked, and a bare name begins at `workingDir`.",
        ),
        limits: Some(
            "\
The policy does not see arguments, scripts, `valueFrom`, `envFrom`, and what the image sets. Other variables can also load code.",
        ),
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        let volumes = OnceCell::new();
        for container in pod.all_containers() {
            let code = LazyCell::new(|| Code::of(container, &volumes));
            let environment = LazyCell::new(|| Environment::of(container.container));
            let writers_at = |path: &str| code.writers_at(path);
            let containers =
                CheckedContainer { at: container, environment: &|| &environment, writers_at: &writers_at };
            containers.check_programs(findings);
            containers.check_variables(findings);
        }
    }
}

/// A container that is checked.
struct CheckedContainer<'c, 'p> {
    at: ContainerAt<'p, 'p>,
    /// Returns the variables, which are evaluated if code depends on them.
    environment: &'c dyn Fn() -> &'c Environment<'p>,
    /// Returns which containers can write to code at a path.
    writers_at: &'c dyn Fn(&str) -> Option<Writers<'p>>,
}

impl<'p> CheckedContainer<'_, 'p> {
    fn check_programs(&self, findings: &mut Findings<'p>) {
        let container = self.at.container;
        let Lifecycle { post_start, pre_stop } = &container.lifecycle;
        for (field, command, replaced) in [
            ("command", &container.command, Replaced::All),
            ("livenessProbe.exec.command", &container.liveness_probe.exec.command, Replaced::AsWritten),
            ("readinessProbe.exec.command", &container.readiness_probe.exec.command, Replaced::AsWritten),
            ("startupProbe.exec.command", &container.startup_probe.exec.command, Replaced::AsWritten),
            ("lifecycle.postStart.exec.command", &post_start.exec.command, Replaced::None),
            ("lifecycle.preStop.exec.command", &pre_stop.exec.command, Replaced::None),
        ] {
            let Some(program) = command.first() else { continue };
            let program = self.expanded(program, replaced);
            if let Some((message, path, writers)) = self.writable_program(&program) {
                let finding = findings.at(self.at, &of_item(field, 0, ""));
                finding.message(format!("{message}: {}", writers.reason));
                writers.blame(finding, self.at, &path);
            }
        }
    }

    fn expanded<'t>(&self, program: &'t str, replaced: Replaced) -> Cow<'t, str> {
        match replaced {
            _ if !program.contains('$') => program.into(),
            Replaced::All => (self.environment)().expand(program),
            Replaced::AsWritten => Environment::as_written(self.at.container).expand(program),
            Replaced::None => program.into(),
        }
    }

    /// Returns what a container must not do, the path of the program, and which containers can write to it.
    fn writable_program(&self, program: &str) -> Option<(String, String, Writers<'p>)> {
        if program.is_empty() {
            return None;
        }
        if self.at.pod.is_windows() || program.contains('/') {
            let writers = (self.writers_at)(program)?;
            let path = self.shown(program);
            return Some((format!("must not run {}", quoted(&path)), path, writers));
        }
        let sets_path = || self.at.container.env.loading_code.iter().any(|variable| variable.name == PATH);
        if sets_path() {
            return None;
        }
        DEFAULT_PATH.iter().find_map(|directory| {
            let path = format!("{directory}/{program}");
            let writers = (self.writers_at)(&path)?;
            Some((format!("must not run {} from {}", quoted(program), quoted(directory)), path, writers))
        })
    }

    fn check_variables(&self, findings: &mut Findings<'p>) {
        let is_windows = self.at.pod.is_windows();
        for (index, variable) in self.at.container.env.loading_code.iter().enumerate() {
            let Some(syntax) = syntax_of(&variable.name, is_windows) else { continue };
            let value = (self.environment)().get(&variable.name);
            let Some((_, value)) = value.filter(|(counting, value)| *counting == index && !value.is_empty())
            else {
                continue;
            };
            let find = &mut |path: &str| {
                let writers = (self.writers_at)(path)?;
                Some((self.shown(path), writers))
            };
            if let Some((path, writers)) = find_in(value, syntax, find) {
                let finding = findings.at(self.at, &of_item("env", index, "value"));
                finding.message(format!(
                    "must not load code from {} by {}: {}",
                    quoted(&path),
                    &*variable.name,
                    writers.reason
                ));
                writers.blame(finding, self.at, &path);
            }
        }
    }

    /// Returns a path as messages show it: absolute and normalized, except for Windows paths.
    fn shown(&self, path: &str) -> String {
        let pod = self.at.pod;
        let absolute = if path.starts_with('/') {
            path.to_owned()
        } else if is_absolute(pod, path) {
            return path.to_owned();
        } else {
            format!("{}/{path}", &*self.at.container.working_dir)
        };
        if pod.is_windows() {
            return path.to_owned();
        }
        match FilePath::linux(&absolute).as_str() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        }
    }
}
