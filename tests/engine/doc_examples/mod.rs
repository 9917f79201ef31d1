//! What the documents show: every YAML block is one that works, and says itself what becomes of it.
//!
//! A `yaml` block holds settings, a policy, or the `policies.yml` of a policy server, and so does a here-document in a
//! `console` block. A manifest says behind `yaml` what becomes of it: `admitted`, `warned`, `fixed` or `denied`, and
//! `by the settings above` where it is not judged by the defaults. What another program reads is `foreign`.
//!
//! The findings in a `text` or `console` block are those of the manifest above it, or of the file it is `of`, and so is the
//! line that sums them up; a `text summary of` a file has that line alone. A block `json audit annotations` contains the
//! audit annotations of the response.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a document that cannot be read ends its test")]

use immutable_pods_host::{ValidationResponse, admission, document};
use immutable_pods_policy::rules::RULES;
use serde_json::{Map, Value, json};

use crate::cases::requests;
use crate::documents::metadata;
use crate::markdown::{Block, Document, documents};
use crate::module::{evaluate, in_repository, lines, policy, rule_of};
use crate::registrations::ANNOTATIONS;
use crate::settings::keys_of;

/// What stands behind the verdict of a manifest that is judged by other settings than the defaults.
const BY_SETTINGS: &str = "by the settings above";

/// The column of a table that says what to set.
const SETTINGS: &str = "settings here";

const ADVICE: &str = "behind `yaml`, say what becomes of a manifest (admitted, warned, fixed or denied), or `foreign` where another program reads it";

/// Goes through a document, block by block.
#[derive(Default)]
struct Reader {
    /// The settings that were shown last.
    settings: Option<Value>,
    /// What became of the manifest that was shown last.
    response: Option<ValidationResponse>,
}

impl Reader {
    fn block(&mut self, block: &Block) -> Result<(), String> {
        let (language, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        match (language, rest) {
            ("yaml", "") => self.configuration(&block.text),
            ("yaml", "foreign") => parse(&block.text).map(drop),
            ("yaml", verdict) => self.manifest(&block.text, verdict),
            ("json", "audit annotations") => self.audit_annotations(&block.text),
            ("console", "") => {
                here_documents(&block.text).try_for_each(|text| self.configuration(text))?;
                self.findings(&block.text)
            }
            ("text", "") => self.findings(&block.text),
            ("text", rest) if rest.starts_with("summary of ") => check_summary(&block.text, rest),
            ("text", rest) => self.findings_of(&block.text, rest),
            ("yml", _) => Err("must be called `yaml`".to_owned()),
            _ => Ok(()),
        }
    }

    fn configuration(&mut self, text: &str) -> Result<(), String> {
        for value in parse(text)? {
            if value["apiVersion"] == "policies.kubewarden.io/v1" {
                check_policy(&value)?;
                self.settings = Some(value["spec"]["settings"].clone());
            } else if value.get("apiVersion").is_some() {
                return Err(format!("is a manifest: {ADVICE}"));
            } else if let Some(policies) = policies(&value) {
                for policy in policies.values() {
                    let settings = &policy["settings"];
                    check_settings(settings)?;
                    check_mutating(settings, &policy["allowedToMutate"])?;
                    self.settings = Some(settings.clone());
                }
            } else {
                check_settings(&value).map_err(|reason| format!("{reason}; {ADVICE}"))?;
                self.settings = Some(value);
            }
        }
        Ok(())
    }

    fn manifest(&mut self, text: &str, verdict: &str) -> Result<(), String> {
        let (verdict, settings) = self.settings_behind(verdict)?;
        for value in parse(text)? {
            let Value::Object(object) = value else { return Err("is no manifest".to_owned()) };
            let response = evaluate(&admission::create(object), &settings);
            let found = verdict_of(&response);
            if found != verdict {
                return Err(format!("is {found} and not {verdict}: {response:?}"));
            }
            self.response = Some(response);
        }
        Ok(())
    }

    /// What stands before `by the settings above`, and the settings that are meant.
    fn settings_behind<'a>(&self, words: &'a str) -> Result<(&'a str, Value), String> {
        match (words.strip_suffix(BY_SETTINGS), &self.settings) {
            (None, _) => Ok((words, json!({}))),
            (Some(words), Some(settings)) => Ok((words.trim_end(), settings.clone())),
            (Some(_), None) => Err("has no settings above it".to_owned()),
        }
    }

    fn findings_of(&mut self, text: &str, words: &str) -> Result<(), String> {
        let (words, settings) = self.settings_behind(words)?;
        let file = words.strip_prefix("of ").map(str::trim_end).ok_or("must be `text of` a file")?;
        for request in requests(file) {
            self.response = Some(evaluate(&request, &settings));
        }
        self.findings(text)
    }

    /// The lines that look like findings must be those of the last answer.
    fn findings(&self, text: &str) -> Result<(), String> {
        let is_finding = |line: &&str| RULES.iter().any(|rule| rule.id == rule_of(line.trim_end()));
        let shown: Vec<_> = text.lines().filter(is_finding).collect();
        if shown.is_empty() {
            return Ok(());
        }
        let response = self
            .response
            .as_ref()
            .ok_or("shows findings, and neither a manifest above it nor `text of` a file says in what")?;
        let summary = response.message.iter().find_map(|message| message.lines().next()).unwrap_or_default();
        let sums_up = |line: &&str| line.contains(" findings in ");
        if let Some(line) = text.lines().find(sums_up).filter(|line| !line.ends_with(summary)) {
            return Err(format!("sums up {summary:?} as {line:?}"));
        }
        let mut expected = lines(response);
        if response.accepted {
            expected = response.warnings.iter().map(String::as_str).filter(is_finding).collect();
        }
        let agree = shown.iter().zip(&expected).all(|(shown, expected)| shown.ends_with(expected));
        if agree && shown.len() == expected.len() {
            return Ok(());
        }
        Err(format!("must show these findings:\n{}", expected.join("\n")))
    }

    fn audit_annotations(&self, text: &str) -> Result<(), String> {
        let shown: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let response = self.response.as_ref().ok_or("has no manifest above it")?;
        let expected = json!(response.audit_annotations);
        if shown == expected { Ok(()) } else { Err(format!("must be {expected}")) }
    }
}

/// The one line must be that which sums up the findings of a file.
fn check_summary(text: &str, words: &str) -> Result<(), String> {
    let file = words.strip_prefix("summary of ").unwrap_or_default();
    let messages: Vec<_> =
        requests(file).iter().filter_map(|request| evaluate(request, &json!({})).message).collect();
    let summaries: Vec<_> = messages.iter().filter_map(|message| message.lines().next()).collect();
    if summaries == [text.trim_end()] { Ok(()) } else { Err(format!("must be {summaries:?}")) }
}

fn parse(text: &str) -> Result<Vec<Value>, String> {
    let documents = document::parse("block.yaml", text.as_bytes()).into_iter();
    documents
        .map(|document| document.map(|document| document.value).map_err(|error| error.to_string()))
        .collect()
}

/// What a shell is given between `<<END` and `END`.
fn here_documents(text: &str) -> impl Iterator<Item = &str> {
    text.split("<<END").skip(1).filter_map(|behind| {
        let (_, document) = behind.split_once('\n')?;
        Some(document.split_once("\nEND").map_or(document, |(document, _)| document))
    })
}

/// The policies in the `policies.yml` of a policy server.
fn policies(value: &Value) -> Option<&Map<String, Value>> {
    let policies = value.as_object()?;
    let all_have_modules = policies.values().all(|policy| policy.get("module").is_some());
    (all_have_modules && !policies.is_empty()).then_some(policies)
}

fn verdict_of(response: &ValidationResponse) -> &'static str {
    match response {
        ValidationResponse { accepted: false, .. } => "denied",
        ValidationResponse { mutated_object: Some(_), .. } => "fixed",
        ValidationResponse { warnings, .. } if warnings.is_empty() => "admitted",
        _ => "warned",
    }
}

fn check_settings(settings: &Value) -> Result<(), String> {
    let answer = policy().validate_settings(settings).map_err(|error| error.to_string())?;
    if answer.valid { Ok(()) } else { Err(format!("{settings}: {}", answer.message.unwrap_or_default())) }
}

/// A policy that fixes must be allowed to, and no other is.
fn check_mutating(settings: &Value, mutating: &Value) -> Result<(), String> {
    let fixes = |options: &Value| options == "fix" || options["mode"] == "fix";
    let expected = settings.as_object().is_some_and(|settings| settings.values().any(fixes));
    let mutating = mutating.as_bool().unwrap_or_default();
    if mutating == expected { Ok(()) } else { Err(format!("must be mutating: {expected}")) }
}

/// A policy must load, and ask for nothing that the metadata does not know.
fn check_policy(policy: &Value) -> Result<(), String> {
    let kind = &policy["kind"];
    if kind != "ClusterAdmissionPolicy" && kind != "AdmissionPolicy" {
        return Err(format!("is a {kind}: {ADVICE}"));
    }
    let spec = &policy["spec"];
    check_settings(&spec["settings"])?;
    check_mutating(&spec["settings"], &spec["mutating"])?;
    let module = spec["module"].as_str().unwrap_or_default();
    if !module.starts_with("registry://") || !module.ends_with(concat!(":v", env!("CARGO_PKG_VERSION"))) {
        return Err(format!("must load this version from a registry, and loads {module}"));
    }
    if spec["mutating"].is_null() {
        return Err("must say whether it is mutating".to_owned());
    }
    let rules = spec["rules"].as_array().filter(|rules| !rules.is_empty()).ok_or("has no rules")?;
    rules.iter().try_for_each(check_rule)?;
    let metadata = metadata();
    for annotation in ANNOTATIONS {
        if policy["metadata"]["annotations"][annotation] != metadata["annotations"][annotation] {
            return Err(format!("lacks the annotation {annotation} of the metadata"));
        }
    }
    if kind == "ClusterAdmissionPolicy" { check_namespaces(&spec["namespaceSelector"]) } else { Ok(()) }
}

/// A policy for the whole cluster leaves kube-system out; one for some namespaces names them.
fn check_namespaces(selector: &Value) -> Result<(), String> {
    let by_name = |requirement: &Value| requirement["key"] == "kubernetes.io/metadata.name";
    let decides = |requirement: &Value| match requirement["operator"].as_str() {
        Some("NotIn") => {
            requirement["values"].as_array().is_some_and(|names| names.contains(&json!("kube-system")))
        }
        operator => operator == Some("In"),
    };
    let mut requirements = selector["matchExpressions"].as_array().into_iter().flatten();
    if requirements.any(|requirement| by_name(requirement) && decides(requirement)) {
        return Ok(());
    }
    Err("must leave kube-system out, or name its namespaces".to_owned())
}

/// A rule must be part of one in the metadata; resources of other groups are nobody's but the reader's.
fn check_rule(rule: &Value) -> Result<(), String> {
    let metadata = metadata();
    let known = metadata["rules"].as_array().into_iter().flatten();
    let mut known = known.filter(|known| known["apiGroups"] == rule["apiGroups"]).peekable();
    let contains = |known: &Value, key: &str| {
        let items = rule[key].as_array().into_iter().flatten();
        items.clone().count() > 0
            && items.into_iter().all(|item| known[key].as_array().is_some_and(|known| known.contains(item)))
    };
    let covers =
        |known: &Value| ["apiVersions", "resources", "operations"].iter().all(|key| contains(known, key));
    if known.peek().is_none() || known.any(covers) {
        return Ok(());
    }
    Err(format!("asks for what the metadata does not name: {rule}"))
}

/// What is in a document wrong, with its place.
fn fail(document: &Document, line: usize, reason: &str) -> ! {
    panic!("{}, line {line}: {reason}", document.name)
}

#[test]
fn every_block_shows_what_is_so() {
    for document in documents() {
        let mut reader = Reader::default();
        for block in &document.blocks {
            if let Err(reason) = reader.block(block) {
                fail(&document, block.line, &format!("this block {reason}"));
            }
        }
    }
}

#[test]
fn every_option_that_is_named_exists() {
    for document in documents() {
        for code in &document.codes {
            let Some((rule, rest)) = code.text.split_once('.') else { continue };
            let Some(rule) = RULES.iter().find(|known| known.id == rule) else { continue };
            let key: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !keys_of(rule.id).contains(&&*key) {
                fail(&document, code.line, &format!("{} has no {key}: {:?}", rule.id, keys_of(rule.id)));
            }
        }
    }
}

#[test]
fn the_settings_in_tables_are_accepted() {
    let mut count = 0;
    for document in documents() {
        for code in document.codes.iter().filter(|code| code.column.as_deref() == Some(SETTINGS)) {
            let named = parse(&code.text).map(|mut values| values.pop().unwrap_or_default());
            let checked = named.and_then(|named| match named {
                Value::Object(named) => check_settings(&expanded(named)),
                // The test of options has looked at the rest.
                named => is_named(named.as_str().unwrap_or_default()),
            });
            if let Err(reason) = checked {
                fail(&document, code.line, &reason);
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count} settings in tables");
}

/// `{a.b: c}` as `{a: {b: c}}`.
fn expanded(named: Map<String, Value>) -> Value {
    let mut settings = Map::new();
    for (path, value) in named {
        match path.split_once('.') {
            Some((rule, key)) => settings.insert(rule.to_owned(), json!({key: value})),
            None => settings.insert(path, value),
        };
    }
    Value::Object(settings)
}

fn is_named(name: &str) -> Result<(), String> {
    let name = name.split('.').next().unwrap_or_default();
    let others = ["enforcement", "onUpdate", "writablePaths", "exemptions"];
    let known = others.contains(&name) || RULES.iter().any(|rule| rule.id == name);
    if known { Ok(()) } else { Err(format!("`{name}` is neither a rule nor a setting")) }
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    for document in &documents {
        let folder = document.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in document.links.iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { document.name.clone() } else { resolved(folder, path) };
            assert!(in_repository(&target).exists(), "{}: {link}: there is no {target}", document.name);
            let target = documents.iter().find(|document| document.name == target);
            let has_anchor = target.is_some_and(|target| target.anchors.contains(anchor));
            assert!(anchor.is_empty() || has_anchor, "{}: {link}: there is no such heading", document.name);
        }
    }
}

/// The path in the repository that a link leads to.
fn resolved(folder: &str, path: &str) -> String {
    let mut segments: Vec<_> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            ".." => drop(segments.pop()),
            "." => {}
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

/// A selector of namespaces by their name.
fn named(operator: &str, namespace: &str) -> Value {
    let requirement =
        json!({"key": "kubernetes.io/metadata.name", "operator": operator, "values": [namespace]});
    json!({"matchExpressions": [requirement]})
}

#[test]
fn what_is_wrong_is_told() {
    let told = |info: &str, text: &str| {
        let block = Block { line: 1, info: info.to_owned(), text: text.to_owned() };
        Reader::default().block(&block).err().unwrap_or_default()
    };
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: []}}";
    assert_eq!(told("yaml", pod), format!("is a manifest: {ADVICE}"));
    assert!(told("yaml", "{privilegd: deny}").ends_with(&format!("; {ADVICE}")));
    assert!(told("yaml", "{a: {module: m, settings: {privileged: maybe}}}").contains("privileged"));
    assert!(told("yaml denied", pod).starts_with("is admitted and not denied: "));
    assert_eq!(told("yaml denied by the settings above", pod), "has no settings above it");
    assert_eq!(told("yml", pod), "must be called `yaml`");
    let policy = |rest: &str| format!("{{apiVersion: policies.kubewarden.io/v1, {rest}}}");
    assert_eq!(told("yaml", &policy("kind: PolicyServer")), format!("is a \"PolicyServer\": {ADVICE}"));
    assert_eq!(
        told("yaml", &policy("kind: AdmissionPolicy, spec: {settings: {privileged: deny}, mutating: true}")),
        "must be mutating: false"
    );
    let module = concat!("registry://a/b:v", env!("CARGO_PKG_VERSION"));
    let with_rules = |rules: &str| {
        policy(&format!(
            "kind: AdmissionPolicy, spec: {{module: {module}, mutating: false, settings: {{}}, rules: {rules}}}"
        ))
    };
    let pods = "[{apiGroups: [\"\"], apiVersions: [v1], resources: [pods], operations: [CREATE]}]";
    assert!(told("yaml", &with_rules(pods)).starts_with("lacks the annotation "));
    for left_out in [
        "[{apiGroups: [apps], apiVersions: [v1], resources: [replicasets], operations: [CREATE]}]",
        "[{apiGroups: [\"\"], apiVersions: [v1], resources: [pods/exec], operations: [CONNECT]}]",
    ] {
        assert!(
            told("yaml", &with_rules(left_out)).starts_with("asks for what the metadata does not name: ")
        );
    }
    for (selector, is_right) in [
        (json!(null), false),
        (json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]}), false),
        (named("NotIn", "kube-public"), false),
        (named("NotIn", "kube-system"), true),
        (named("In", "try"), true),
    ] {
        assert_eq!(check_namespaces(&selector).is_ok(), is_right, "{selector}");
    }
    assert_eq!(told("yaml", &with_rules("[]")), "has no rules");
    let rule = "[{apiGroups: [\"\"], apiVersions: [v1], resources: [services], operations: [CREATE]}]";
    assert!(told("yaml", &with_rules(rule)).starts_with("asks for what the metadata does not name: "));
    assert_eq!(told("console", "cat > a <<END\nprivileged: deny\nEND\n"), "");
    assert!(told("console", "cat > a <<END\nprivilegd: deny\nEND\n").contains("privilegd"));
    assert!(
        told("text", "a: b [privileged]\n").starts_with("shows findings, and neither a manifest above it")
    );
}
