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

ALL_RULES="readOnlyRootFilesystem, privileged, allowPrivilegeEscalation, runAsNonRoot, hostNamespaces, imageReference, \
imageChange, hostPathVolumes, writableMounts, capabilities, procMount, sysctls, ephemeralContainers, interactiveAccess, \
shellRemoval, sharedProcessNamespace"
ALL_KEYS="enforcement, onUpdate, $ALL_RULES, writablePaths, exemptions"

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
      done < <("$HOST" request "$file" | jq --compact-output '.object.spec | .settings // .policies[].settings // {}')
    elif ! grep --quiet '^apiVersion: ' "$file"; then
      accepts --settings-path "$file"
      checked=$((checked + 1))
    fi
  done < <(find examples -name '*.yaml')
  [ "$checked" -ge 3 ]
}

@test "an unknown key is rejected with a suggestion" {
  refuses '{"privilegd": "warn"}' \
    "privilegd: unknown key, did you mean \"privileged\"? (allowed: $ALL_KEYS)"
  refuses '{"imageReference": {"deniedTag": ["latest"]}}' \
    'imageReference.deniedTag: unknown key, did you mean "deniedTags"? (allowed: mode, require, deniedTags)'
}

@test "an unknown mode is rejected" {
  refuses '{"privileged": {"mode": "wran"}}' \
    'privileged.mode: "wran" is unknown, did you mean "warn"? (allowed: off, warn, deny)'
}

@test "mode fix is rejected if a rule cannot fix" {
  refuses '{"hostNamespaces": "fix"}' \
    'hostNamespaces: must not be "fix": the rule fills in nothing (allowed: off, warn, deny)'
  refuses '{"capabilities": "fix"}' 'capabilities: "fix" fills in nothing without requiredDrop'
}

@test "a value of the wrong type is rejected" {
  refuses '{"imageChange": {"allowPinning": "yes"}}' \
    'imageChange.allowPinning: must be true or false, not a string'
  refuses '{"hostNamespaces": {"allow": "hostPID"}}' 'hostNamespaces.allow: must be a list, not a string'
}

@test "an empty range is rejected" {
  refuses '{"runAsNonRoot": {"userRanges": [{"min": 2, "max": 1}]}}' \
    'runAsNonRoot.userRanges[0]: no id can lie in it: min 2 is greater than max 1'
}

@test "a relative path is rejected" {
  refuses '{"hostPathVolumes": {"denied": ["var/run"]}}' \
    'hostPathVolumes.denied[0]: must be an absolute path, not "var/run"'
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
    'exemptions[0]: must name at least one of images, containers, namespaces, users, groups'
  refuses '{"exemptions": [{"reason": "why not", "namespaces": []}]}' 'exemptions[0].namespaces: must not be empty'
}

@test "an exemption from an unknown rule is rejected" {
  refuses '{"exemptions": [{"reason": "why not", "users": ["alice"], "rules": ["priviledged"]}]}' \
    "exemptions[0].rules[0]: \"priviledged\" is unknown, did you mean \"privileged\"? (allowed: $ALL_RULES)"
}

@test "an invalid date is rejected" {
  refuses '{"exemptions": [{"reason": "why not", "users": ["alice"], "expires": "2027-02-29"}]}' \
    'exemptions[0].expires: must be a day such as 2027-06-30, not "2027-02-29"'
}

@test "all errors are reported at once" {
  refuses '{"enforcement": "of", "hostNamespaces": {"allow": ["hostPid"]}, "exemptions": [{}], "runAsRoot": "off"}' \
    "enforcement: \"of\" is unknown (allowed: deny, warn)
hostNamespaces.allow[0]: \"hostPid\" is unknown, did you mean \"hostPID\"? (allowed: hostNetwork, hostPID, hostIPC)
exemptions[0].reason: missing: say why the exemption exists
exemptions[0]: must name at least one of images, containers, namespaces, users, groups
runAsRoot: unknown key, did you mean \"runAsNonRoot\"? (allowed: $ALL_KEYS)"
}

@test "settings must be an object" {
  judge --settings-json '[]'
  same 1 "$status"
  same "" "$answer"
}
