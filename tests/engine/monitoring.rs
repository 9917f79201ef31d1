//! The dashboard and the alerts must use metrics and labels that exist.
//!
//! The tables in `docs/monitoring.md` list them. `e2e-tests/monitoring.bats` compares the tables with what a policy server and an
//! API server export, and lets Prometheus check the expressions.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a file that does not parse")]

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::documents::read;
use crate::markdown::documents;

const PAGE: &str = "docs/monitoring.md";
const DASHBOARD: &str = "monitoring/grafana-dashboard.json";
const ALERTS: &str = "monitoring/alerts.yaml";

/// Labels that the metrics of API servers have, and the label of histograms.
/// Source: <https://kubernetes.io/docs/reference/instrumentation/metrics/>
const OTHER_LABELS: [&str; 3] = ["name", "error_type", "le"];

/// Returns the first column of a table in the page about monitoring.
fn column(heading: &str) -> BTreeSet<String> {
    let page = documents().into_iter().find(|document| document.name == PAGE).unwrap();
    let cells = page.rows.iter().map(|row| row.cell(heading).trim_matches('`').to_owned());
    cells.filter(|cell| !cell.is_empty()).collect()
}

fn panels() -> Vec<Value> {
    read(DASHBOARD)["panels"].as_array().unwrap().clone()
}

fn alerts() -> Vec<Value> {
    let groups = read(ALERTS)["spec"]["groups"].clone();
    groups.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Returns all expressions, and the queries of variables.
fn expressions() -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut expressions: Vec<_> = alerts().iter().map(|alert| text(&alert["expr"])).collect();
    for panel in panels() {
        expressions.extend(panel["targets"].as_array().unwrap().iter().map(|target| text(&target["expr"])));
    }
    let dashboard = read(DASHBOARD);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let queries = variables.iter().filter(|variable| variable["type"] == "query");
    expressions.extend(queries.map(|variable| text(&variable["query"]["query"])));
    expressions
}

/// Returns the first group of every match.
fn matches(pattern: &str, text: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Returns the metrics in an expression, without the suffixes of histograms.
fn metrics(expression: &str) -> Vec<String> {
    let names = matches(r"\b((?:kubewarden|apiserver)_[a-z_]+)", expression);
    names.into_iter().map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
}

/// Returns the labels in an expression: in selectors, in groupings, and in variables.
fn labels(expression: &str) -> Vec<String> {
    let groupings = matches(r"\bby \(([^)]*)\)", expression);
    let mut labels: Vec<_> = groupings.iter().flat_map(|list| list.split(", ")).map(str::to_owned).collect();
    labels.extend(matches(r"\b([a-z_]+)(?:=~|!~|!=|=)", expression));
    labels.extend(matches(r"^label_values\(.*, ([a-z_]+)\)$", expression));
    labels
}

#[test]
fn every_metric_and_label_is_documented() {
    let (known_metrics, known_labels) = (column("metric"), column("label"));
    let is_known = |label: &str| known_labels.contains(label) || OTHER_LABELS.contains(&label);
    let mut used = BTreeSet::new();
    for expression in expressions() {
        let metrics = metrics(&expression);
        assert!(!metrics.is_empty(), "no metric: {expression}");
        for metric in metrics {
            assert!(known_metrics.contains(&metric), "{metric} is not in {PAGE}: {expression}");
            used.insert(metric);
        }
        for label in labels(&expression) {
            assert!(is_known(&label), "{label} is not in {PAGE}: {expression}");
        }
    }
    assert_eq!(used, known_metrics);
    assert_eq!(labels(r#"sum by (a, b) (x{c="1", d!~"e"})"#), ["a", "b", "c", "d"]);
}

#[test]
fn texts_name_only_labels_that_their_expression_keeps() {
    let legends =
        panels().iter().flat_map(|panel| panel["targets"].as_array().unwrap().clone()).collect::<Vec<_>>();
    let shown = legends
        .iter()
        .map(|target| (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap()));
    let alerts = alerts();
    let summaries = alerts.iter().flat_map(|alert| {
        let annotations = alert["annotations"].as_object().unwrap().values();
        annotations.map(|text| (alert["expr"].as_str().unwrap(), text.as_str().unwrap()))
    });
    let mut count = 0;
    for (expression, text) in shown.chain(summaries) {
        for label in matches(r"\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}", text) {
            // A label that the expression does not keep would be empty.
            let kept = matches(r"\bby \(([^)]*)\)", expression);
            assert!(
                kept.iter().all(|list| list.split(", ").any(|kept| kept == label)),
                "{label}: {expression}"
            );
            count += 1;
        }
    }
    assert!(count > 4, "{count} labels in texts");
}

#[test]
fn the_page_lists_every_alert_with_its_severity() {
    let page = documents().into_iter().find(|document| document.name == PAGE).unwrap();
    let listed: BTreeSet<_> = page
        .rows
        .iter()
        .filter(|row| !row.cell("alert").is_empty())
        .map(|row| (row.cell("alert").trim_matches('`').to_owned(), row.cell("severity").to_owned()))
        .collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let alerts: BTreeSet<_> =
        alerts().iter().map(|alert| (text(&alert["alert"]), text(&alert["labels"]["severity"]))).collect();
    assert_eq!(listed, alerts);
}

#[test]
fn every_alert_links_to_a_section_of_the_incident_page() {
    let page = documents().into_iter().find(|document| document.name == "docs/incident.md").unwrap();
    for alert in alerts() {
        let url = alert["annotations"]["runbook_url"].as_str().unwrap();
        let anchor = url
            .strip_prefix(concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/incident.md#"))
            .unwrap_or_default();
        assert!(page.anchors.contains(anchor), "{url}");
    }
}

#[test]
fn the_panels_have_a_description_and_do_not_overlap() {
    let mut taken = BTreeSet::new();
    for panel in panels() {
        assert!(panel["description"].as_str().unwrap().ends_with('.'), "{}", panel["title"]);
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} overlaps", panel["title"]);
        }
    }
    let ids: BTreeSet<_> = panels().iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels().len());
}
