//! What the policy changes, and what it must leave alone.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use std::cell::Cell;
use std::env;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use immutable_pods_testing::cases::Case;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use crate::bypass;
use crate::cases::{self, Verdict, evaluate, of_rules, with_mode};
use crate::cluster;
use crate::generated::case;
use crate::laws;
use crate::module::{admitted, lines, policy};

/// The key of the audit annotation that says what was fixed.
const FIXES: &str = "fixes";

#[test]
fn a_rule_fixes_what_is_unset_and_denies_the_rest() {
    let of_rules = of_rules(&[Verdict::Fixed]).into_iter().map(|(_, case)| case);
    let shared = cases::of("fixes");
    assert!(!shared.is_empty(), "there are no cases of fixes");
    for case in of_rules.chain(shared) {
        let mut response = evaluate(&case, &case.settings);
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
    let shared = ["exemptions", "fixes", "neutral", "updates"].into_iter().flat_map(cases::of);
    let own = of_rules(&Verdict::ALL).into_iter().map(|(_, case)| case);
    let mut changed = 0;
    let bypasses = bypass::of_topics().into_iter().map(|(_, case)| case).chain(cluster::of_topics());
    let alone = own.chain(shared).chain(bypasses).filter(|case| case.exchanges.is_empty());
    for Case { id, request, settings, .. } in alone {
        let Some(object) = request.get("object") else { continue };
        for settings in [json!({}), settings.clone(), fixing(&settings)] {
            let case = laws::Case { object: object.to_string(), request: without_object(&request), settings };
            changed += usize::from(check_laws(&case).unwrap_or_else(|broken| panic!("{id}: {broken}")));
        }
    }
    assert!(changed > 100, "only {changed} cases were changed");
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
            assert!(changed.get() > cases / 6, "only {} of {cases} requests were changed", changed.get());
        }
        Err(TestError::Fail(broken, case)) => {
            let laws::Case { request, object, settings } = case;
            panic!("{broken}\nrequest: {request}\nobject: {object}\nsettings: {settings}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Whether the module keeps the laws, and whether it changed the object.
fn check_laws(case: &laws::Case) -> Result<bool, String> {
    laws::check_laws(case, &|payload| policy().call("validate", payload).unwrap())
}

/// The same requests on every run, unless the environment asks for others or for more.
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

/// The settings with everything fixed that can be.
fn fixing(settings: &Value) -> Value {
    // Images are pinned by what the host knows of them, so they have tests of their own.
    let can_fix = RULES.iter().filter(|rule| rule.can_fix && rule.id != "imageReference");
    let mut settings = can_fix.fold(settings.clone(), |settings, rule| with_mode(&settings, rule.id, "fix"));
    settings["capabilities"]["requiredDrop"] = json!(["ALL"]);
    settings["writablePaths"] = json!([{"paths": ["/run", "/var/cache/nginx"]}]);
    settings
}

fn without_object(request: &Value) -> Value {
    let mut request = request.clone();
    request.as_object_mut().map(|fields| fields.remove("object"));
    request
}
