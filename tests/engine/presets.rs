//! Presets: one word for many settings.

use std::collections::BTreeSet;

use immutable_pods::ValidationResponse;
use immutable_pods_policy::settings::presets::Preset;
use immutable_pods_testing::cases::Case;
use serde_json::json;

use crate::cases::{self, evaluate_case};
use crate::module::{admitted, evaluate, lines};
use crate::rules::denied;

/// The topic of the cases.
const TOPIC: &str = "presets";

#[test]
fn a_preset_sets_modes_and_options() {
    for case in cases::of(TOPIC) {
        let Case { id, settings, deny, warn, .. } = &case;
        let mut response = evaluate_case(&case, settings);
        assert_eq!(lines(&response), *deny, "{id}");
        assert_eq!(response.warnings, *warn, "{id}");
        if warn.is_empty() {
            response.warnings.clear();
            let expected: ValidationResponse = if deny.is_empty() { admitted() } else { denied(deny) };
            assert_eq!(response, expected, "{id}");
        }
    }
}

#[test]
fn every_preset_denies_and_admits_a_case() {
    let mut seen = BTreeSet::new();
    for Case { settings, deny, .. } in cases::of(TOPIC) {
        if let (Some(name), 1) =
            (settings["preset"].as_str(), settings.as_object().map_or(0, serde_json::Map::len))
        {
            seen.insert((name.to_owned(), deny.is_empty()));
        }
    }
    for (name, _) in Preset::ALL {
        for is_admitted in [false, true] {
            let wanted = ((*name).to_owned(), is_admitted);
            assert!(
                seen.contains(&wanted),
                "no case with only the preset {name} has the verdict {is_admitted}"
            );
        }
    }
}

#[test]
fn the_default_preset_changes_nothing() {
    for Case { id, request, exchanges, .. } in cases::all() {
        if exchanges.is_empty() {
            let expected = evaluate(request, &json!({}));
            assert_eq!(evaluate(request, &json!({"preset": "immutable"})), expected, "{id}");
        }
    }
}

#[test]
fn both_deny_what_a_preset_denies() {
    for Case { id, request, .. } in cases::all() {
        let is_denied = |preset: &str| !evaluate(request, &json!({"preset": preset})).accepted;
        if is_denied("restricted") || is_denied("immutable") {
            assert!(is_denied("immutable+restricted"), "{id}");
        }
    }
}
