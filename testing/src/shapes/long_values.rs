//! One long value.

use super::builders::{capabilities, fill, fleet, mounts, one, pod, probe, sysctls};
use super::{EVERY_RULE, FULL, ITEMS, Shape};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "a long name",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &one("name", &"a".repeat(bytes))),
    },
    Shape {
        name: "a long image",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &one("image", &"a/".repeat(bytes / 2))),
    },
    Shape {
        name: "a long mount path",
        most: FULL,
        payload: |bytes| {
            pod(&EVERY_RULE, &mounts(&format!(r#"{{"mountPath": "{}"}}"#, "/..".repeat(bytes / 3))))
        },
    },
    Shape {
        name: "a long host path",
        most: FULL,
        payload: |bytes| {
            pod(
                &EVERY_RULE,
                &format!(r#""volumes": [{{"hostPath": {{"path": "{}"}}}}]"#, "/.".repeat(bytes / 2)),
            )
        },
    },
    Shape {
        name: "a long capability",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &capabilities(&format!("\"{}\"", "A".repeat(bytes)))),
    },
    Shape {
        name: "a long sysctl",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &sysctls(&format!(r#"{{"name": "{}"}}"#, "a/".repeat(bytes / 2)))),
    },
    Shape {
        name: "a long number",
        most: FULL,
        payload: |bytes| {
            pod(&EVERY_RULE, &format!(r#""securityContext": {{"runAsUser": {}}}"#, "1".repeat(bytes)))
        },
    },
    Shape {
        name: "a long key",
        most: FULL,
        payload: |bytes| {
            fleet(&EVERY_RULE, &format!(r#""{}": {{"containers": [{{"name": "a"}}]}}"#, "a".repeat(bytes)))
        },
    },
    Shape {
        name: "escapes that are skipped",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &format!(r#""x": "{}""#, "\\u0041".repeat(bytes / 6))),
    },
    Shape {
        name: "escapes that are read",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &one("name", &"\\n".repeat(bytes / 2))),
    },
    Shape {
        name: "pairs of escapes that are read",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &one("name", &"\\ud83d\\ude00".repeat(bytes / 12))),
    },
    Shape {
        name: "white space",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &format!("\"containers\":{}[{{}}]", " \n\t\r".repeat(bytes / 4))),
    },
    Shape {
        name: "words of a probe",
        most: 3 * ITEMS,
        payload: |bytes| pod(&EVERY_RULE, &probe(&format!("\"rm\", {}", fill(bytes, |_| "\"\"".into())))),
    },
    Shape {
        name: "a long script of a probe",
        most: FULL,
        payload: |bytes| {
            pod(
                &EVERY_RULE,
                &probe(&format!("\"sh\", \"-c\", \"{}rm /x\"", "rm -f /x && ".repeat(bytes / 12))),
            )
        },
    },
];
