//! Errors in exemptions.

use serde_json::json;

use super::rejects;

#[test]
fn an_exemption_requires_a_reason_and_a_matcher() {
    let matcher = "at least one of images, containers, namespaces, users, groups is required";
    rejects(
        &json!({"exemptions": [{}]}),
        &format!(
            "exemptions[0].reason: missing: say why the exemption exists\n\
             exemptions[0]: {matcher}"
        ),
    );
    rejects(
        &json!({"exemptions": [
            {"reason": "", "users": ["a"]}, {"reason": 1, "users": ["a"]}, {"reason": "a", "rules": ["sysctls"]}, "a",
        ]}),
        &format!(
            "exemptions[0].reason: must not be empty\n\
             exemptions[1].reason: expected a string, got a number\n\
             exemptions[2]: {matcher}\n\
             exemptions[3]: expected an object, got a string"
        ),
    );
}

#[test]
fn exemptions_that_can_never_apply_are_rejected() {
    rejects(
        &json!({"exemptions": [{
            "reason": "a",
            "expires": "2027-02-29",
            "images": ["Nginx", ""],
            "containers": ["Web", ""],
            "namespaces": [],
            "users": [""],
            "groups": [1],
        }]}),
        "exemptions[0].expires: expected a day such as 2027-06-30, got \"2027-02-29\"\n\
         exemptions[0].images[0]: \"Nginx\" can never match an image: it has a repository name with upper case letters\n\
         exemptions[0].images[1]: \"\" can never match an image: it is empty\n\
         exemptions[0].containers[0]: \"Web\" can never match: names are lower case letters, digits and dashes\n\
         exemptions[0].containers[1]: must not be empty\n\
         exemptions[0].namespaces: must not be empty\n\
         exemptions[0].users[0]: must not be empty\n\
         exemptions[0].groups[0]: expected a string, got a number",
    );
    for day in ["", "30.06.2027", "2027-6-30", "2027-06-30T00:00:00Z", "2027-13-01"] {
        rejects(
            &json!({"exemptions": [{"reason": "a", "users": ["b"], "expires": day}]}),
            &format!("exemptions[0].expires: expected a day such as 2027-06-30, got {day:?}"),
        );
    }
}
