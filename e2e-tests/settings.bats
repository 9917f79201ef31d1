#!/usr/bin/env bats
# Tests the validation of settings, which `kwctl run` does first.

load helpers

# Writes a request that all settings admit, and that does not need a registry.
setup() {
  request_of privileged/admitted/delete >"$BATS_TEST_TMPDIR/request.json"
}

# Sets $answer to the response, and $status to the exit code.
judge() { # FLAG…
  status=0
  answer=$("$KWCTL" run --request-path "$BATS_TEST_TMPDIR/request.json" "$MODULE" "$@" 2>"$BATS_TEST_TMPDIR/stderr") ||
    status=$?
}

accepts() { # FLAG…
  judge "$@"
  same "0: " "$status: $(grep '^Error: ' "$BATS_TEST_TMPDIR/stderr")"
  answers "$(admitted)" <<<"$answer"
}

# The errors are the last lines of the output.
refuses() { # SETTINGS SENTENCES
  judge --settings-json "$1"
  same 1 "$status"
  same "" "$answer"
  same "Error: Provided settings are not valid: $2" "$(sed -n '/^Error: /,$p' "$BATS_TEST_TMPDIR/stderr")"
}

@test "settings are optional" {
  accepts
  accepts --settings-json '{}'
}

@test "settings are read from a YAML file" {
  accepts --settings-path settings.example.yaml
}

@test "the example settings are valid" {
  local file settings checked=0
  while read -r file; do
    if grep --quiet '^apiVersion: policies.kubewarden.io/' "$file"; then
      while read -r settings; do
        accepts --settings-json "$settings"
        checked=$((checked + 1))
      done < <("$PROGRAM" request "$file" | jq --compact-output '.object.spec | .settings // .policies[].settings // {}')
    elif ! grep --quiet '^apiVersion: ' "$file"; then
      accepts --settings-path "$file"
      checked=$((checked + 1))
    fi
  done < <(find examples -name '*.yaml' -not -path '*/upgrade/*')
  [ "$checked" -ge 3 ]
}

@test "an unknown key is rejected with a suggestion" {
  refuses '{"privilegd": "warn"}' \
    "privilegd: unknown key, did you mean \"privileged\"?"
  refuses '{"imageReference": {"deniedTag": ["latest"]}}' \
    'imageReference.deniedTag: unknown key, did you mean "deniedTags"?'
}

@test "an unknown mode is rejected" {
  refuses '{"privileged": {"mode": "wran"}}' \
    'privileged.mode: unknown value "wran", did you mean "warn"?'
}

@test "mode fix is rejected if a rule cannot fix" {
  refuses '{"hostNamespaces": "fix"}' \
    'hostNamespaces: mode "fix" is not supported by this rule (allowed: off, warn, deny)'
  refuses '{"capabilities": "fix"}' 'capabilities: mode "fix" has no effect without requiredDrop'
}

@test "a value of the wrong type is rejected" {
  refuses '{"imageChange": {"allowPinning": "yes"}}' \
    'imageChange.allowPinning: expected true or false, got a string'
  refuses '{"hostNamespaces": {"allow": "hostPID"}}' 'hostNamespaces.allow: expected a list, got a string'
}

@test "an empty range is rejected" {
  refuses '{"runAsNonRoot": {"userRanges": [{"min": 2, "max": 1}]}}' \
    'runAsNonRoot.userRanges[0]: empty range: min 2 is greater than max 1'
}

@test "a relative path is rejected" {
  refuses '{"hostPathVolumes": {"denied": ["var/run"]}}' \
    'hostPathVolumes.denied[0]: expected an absolute path, got "var/run"'
}

@test "an allowed path below a denied path is rejected" {
  refuses '{"hostPathVolumes": {"allowed": [{"pathPrefix": "/etc/ssl"}], "denied": ["/etc"]}}' \
    'hostPathVolumes.allowed[0].pathPrefix: "/etc/ssl" can never be allowed: denied has "/etc"'
}

@test "a writable path at a protected path is rejected" {
  refuses '{"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": ["/usr/bin"]}]}' \
    'writablePaths[0].paths[0]: writableMounts denies it: a container must mount "/usr/bin" read-only, or elsewhere: /usr/bin is protected'
}

@test "an exemption without a reason is rejected" {
  refuses '{"exemptions": [{"users": ["alice"]}]}' \
    'exemptions[0].reason: missing: say why the exemption exists'
}

@test "an exemption without a key is rejected" {
  refuses '{"exemptions": [{"reason": "why not", "rules": ["sysctls"]}]}' \
    'exemptions[0]: at least one of images, containers, namespaces, users, groups is required'
  refuses '{"exemptions": [{"reason": "why not", "namespaces": []}]}' 'exemptions[0].namespaces: must not be empty'
}

@test "an exemption from an unknown rule is rejected" {
  refuses '{"exemptions": [{"reason": "why not", "users": ["alice"], "rules": ["priviledged"]}]}' \
    'exemptions[0].rules[0]: unknown rule "priviledged", did you mean "privileged"?'
}

@test "an invalid date is rejected" {
  refuses '{"exemptions": [{"reason": "why not", "users": ["alice"], "expires": "2027-02-29"}]}' \
    'exemptions[0].expires: expected a day such as 2027-06-30, got "2027-02-29"'
}

@test "all errors are reported at once" {
  refuses '{"enforcement": "of", "hostNamespaces": {"allow": ["hostPid"]}, "exemptions": [{}], "runAsRoot": "off"}' \
    'enforcement: unknown value "of" (allowed: deny, warn)
hostNamespaces.allow[0]: unknown value "hostPid", did you mean "hostPID"?
runAsRoot: unknown key, did you mean "runAsNonRoot"?
exemptions[0].reason: missing: say why the exemption exists
exemptions[0]: at least one of images, containers, namespaces, users, groups is required'
}

@test "settings must be an object" {
  judge --settings-json '[]'
  same 1 "$status"
  same "" "$answer"
}
