//! Fixes: the fields that the policy sets, and the fields that it must not change.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a response that does not parse")]

use std::cell::Cell;
use std::env;

use immutable_pods::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use immutable_pods_testing::cases::Case;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use crate::bypass;
use crate::cases::{self, Verdict, evaluate_case, of_rules, with_mode};
use crate::cluster;
use crate::generators::case;
use crate::module::{admitted, lines, policy};
use immutable_pods_testing::laws;

/// The key of the audit annotation that lists fixes.
const FIXES: &str = "fixes";

#[test]
fn a_rule_fixes_unset_fields_and_denies_the_rest() {
    let of_rules = of_rules(&[Verdict::Fixed]).into_iter().map(|(_, case)| case);
    let shared = cases::of("fixes");
    assert!(!shared.is_empty(), "found no cases of fixes");
    for case in of_rules.chain(shared) {
        let mut response = evaluate_case(&case, &case.settings);
        let Case { id, deny: findings, warn: warnings, fixed, .. } = case;
        assert_eq!(lines(&response), findings, "{id}");
        assert_eq!(response.mutated_object, fixed, "{id}");
        assert_eq!(response.audit_annotations.remove(FIXES).is_some(), fixed.is_some(), "{id}");
        if findings.is_empty() {
            response.audit_annotations.remove("exemptions");
            assert_eq!(
                response,
                ValidationResponse { mutated_object: fixed, warnings, ..admitted() },
                "{id}"
            );
        }
    }
}

#[test]
fn the_laws_of_fixing_hold_for_every_case() {
    let shared = ["exemptions", "fixes", "neutral", "presets", "updates"].into_iter().flat_map(cases::of);
    let own = of_rules(&Verdict::ALL).into_iter().map(|(_, case)| case);
    let mut changed = 0;
    let bypasses = bypass::cases_by_topic().into_iter().map(|(_, case)| case).chain(cluster::cluster_cases());
    let without_registry = own.chain(shared).chain(bypasses).filter(|case| case.exchanges.is_empty());
    for Case { id, request, settings, .. } in without_registry {
        let Some(object) = request.get("object") else { continue };
        for settings in [json!({}), settings.clone(), fixing(&settings)] {
            let case = laws::Case { object: object.to_string(), request: without_object(&request), settings };
            changed += usize::from(check_laws(&case).unwrap_or_else(|violation| panic!("{id}: {violation}")));
        }
    }
    assert!(changed > 100, "only {changed} cases are changed");
}

#[test]
fn the_laws_of_fixing_hold_for_generated_requests() {
    let config = config();
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let changed = Cell::new(0);
    let result = runner.run(&case(), |case| {
        let is_changed = check_laws(&case).map_err(TestCaseError::fail)?;
        changed.set(changed.get() + u32::from(is_changed));
        Ok(())
    });
    match result {
        Ok(()) => {
            assert!(changed.get() > cases / 6, "only {} of {cases} requests are changed", changed.get());
        }
        Err(TestError::Fail(violation, case)) => {
            let laws::Case { request, object, settings } = case;
            panic!("{violation}\nrequest: {request}\nobject: {object}\nsettings: {settings}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Checks the laws of fixing, and returns whether the module changes the object.
fn check_laws(case: &laws::Case) -> Result<bool, String> {
    laws::check_laws(case, &|payload| policy().call("validate", payload).unwrap())
}

/// Returns a configuration that generates the same requests on every run. The environment can select others or more.
pub(crate) fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(4);
    }
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1024;
    }
    config
}

/// Returns the settings with every fix on.
fn fixing(settings: &Value) -> Value {
    // Pinning images needs a registry and is tested separately.
    let can_fix = RULES.iter().filter(|rule| rule.can_fix && rule.id != "imageReference");
    let mut settings = can_fix.fold(settings.clone(), |settings, rule| with_mode(&settings, rule.id, "fix"));
    settings["capabilities"]["requiredDrop"] = json!(["ALL"]);
    settings["seccompProfile"]["allowUnset"] = false.into();
    settings["seccompProfile"]["allowed"] = json!(["RuntimeDefault", "Localhost"]);
    settings["writablePaths"] = json!([{"paths": ["/run", "/var/cache/nginx"]}]);
    settings
}

fn without_object(request: &Value) -> Value {
    let mut request = request.clone();
    request.as_object_mut().map(|fields| fields.remove("object"));
    request
}
