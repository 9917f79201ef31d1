//! Generators of paths.

use proptest::prelude::Strategy;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::Value;

use crate::generators::of;

/// Generates paths that match a path in the settings, or almost do, in various spellings.
pub(super) fn path() -> BoxedStrategy<Value> {
    let path = select(vec![
        "/",
        "/tmp",
        "/tmp/x",
        "/tmpfs",
        "/usr",
        "/usr/bin",
        "/usr/bin/env",
        "/usr/local",
        "/usr/local/apache2/logs",
        "/usr/local/lib/x",
        "/lib",
        "/lib64/x",
        "/library",
        "/etc",
        "/etc/passwd",
        "/etc/passwd-",
        "/etc/ssl/certs",
        "/proc/sys",
        "/sys",
        "/boot",
        "/opt",
        "/opt/web",
        "/opt/web/plugins",
        "/opt/web2",
        "/srv",
        "/srv/a",
        "/srv/a/data",
        "/srv/a/b/data",
        "/srv/a/data/x",
        "/cache",
        "/cache/x",
        "/var",
        "/var/log",
        "/var/log/audit",
        "/var/log/audit/x",
        "/var/logs",
        "/var/lib/kubelet",
        "/var/run/docker.sock",
        "/dev/xvda",
        "/run",
        "/run/web",
        "/var/run/web",
        "/proc/1/root",
        "/proc/1/net",
        "/proc/self",
        "/dev/termination-log",
        "/dev/shm",
        "/etc/pam.d",
        "/VAR/LOG",
        "/Usr/Bin",
        "/data",
        "/*",
        "/srv/*",
    ]);
    let spellings: [fn(&str) -> String; 14] = [
        str::to_owned,
        str::to_owned,
        str::to_owned,
        str::to_owned,
        |path| format!("{path}/"),
        |path| path.replace('/', "//"),
        |path| path.replace('/', "/./"),
        |path| format!("/x/..{path}"),
        |path| format!("/../..{path}/."),
        |path| format!("{path}/.."),
        |path| format!("{path}/../../bin"),
        |path| format!("{path}/..data"),
        |path| path.trim_start_matches('/').to_owned(),
        |path| format!("./{path}"),
    ];
    (path, select(spellings.to_vec())).prop_map(|(path, spell)| Value::from(spell(path))).boxed()
}

/// Generates Windows paths.
pub(super) fn windows_path() -> BoxedStrategy<Value> {
    of(&[
        "C:\\",
        "c:/",
        "C:\\Windows",
        "c:/WINDOWS/System32",
        "C:\\data\\..\\Windows",
        "C:\\data",
        "C:\\Data\\x",
        "C:\\data2",
        "C:\\ProgramData",
        "D:\\data",
        "D:\\usr\\bin",
        "d:/",
        "\\Windows",
        "/windows",
        "\\opt\\web\\plugins",
        "c:\\opt/web\\..\\web2",
        "C:\\\\tmp\\.\\x",
        "C:\\srv\\A\\data",
        "c:\\CACHE\\x",
        "C:\\Windows.\\x",
        "C:\\data.\\x ",
        "C:\\Windows ",
        "C:\\usr\\bin.. . ",
        "\\\\?\\C:\\Windows",
        "\\\\?\\D:\\data",
    ])
}
