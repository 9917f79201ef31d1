#!/usr/bin/env bats
# Tests the Helm chart: what it renders, what it refuses, and that it can be installed from a registry.

# shellcheck disable=SC2016 # jq has its own variables
# shellcheck disable=SC2154 # helpers set variables
load helpers

CHART=charts/immutable-pods-policy

teardown() {
  stop "$registry_pid"
}

# Prints the rendered policies as a list in JSON, with these values.
policies_with() { # [VALUES]
  rendered "${1:-"{}"}" | "$PROGRAM" request - | jq --slurp 'map(.object)'
}

rendered() { # VALUES
  helm template immutable-pods "$CHART" --values - <<<"$1"
}

# Prints the policy in an example, with the fields that the chart always sets.
example() { # FILE
  "$PROGRAM" request "$1" | jq '.object
    | .metadata |= {name, annotations}
    | .spec |= {policyServer: "default", mode: "protect", failurePolicy: "Fail", backgroundAudit: true} + .'
}

# The values of the chart that register what the examples of fixes register.
values_of_examples() {
  jq --null-input --argjson fixing "$(example examples/policies/fix-mutating.yaml)" \
    --argjson denying "$(example examples/policies/fix-validating.yaml)" '{
      policies: "fix+deny",
      settings: $denying.spec.settings,
      fix: {
        rules: [$fixing.spec.settings | to_entries[] | select(.value == "fix" or .value.mode? == "fix") | .key],
        writablePaths: $fixing.spec.settings.writablePaths,
      },
    }'
}

# The values in a block of the README of the chart.
values_of_readme() {
  awk '/^```yaml/ { inside = 1; next } /^```/ { inside = 0 } inside' "$CHART/README.md"
}

@test "helm lint accepts both presets" {
  helm lint --strict "$CHART"
  helm lint --strict --set policies=fix+deny "$CHART"
}

@test "the default is the policy of the examples for a cluster" {
  policies_with | jq '.[] | .metadata |= {name, annotations}' >"$BATS_TEST_TMPDIR/rendered"
  same "$(example examples/policies/cluster.yaml | jq --sort-keys .)" "$(jq --sort-keys . "$BATS_TEST_TMPDIR/rendered")"
}

@test "fix and deny are the two policies of the examples" {
  policies_with "$(values_of_examples)" | jq --sort-keys 'map(.metadata |= {name, annotations}) | sort_by(.metadata.name)' \
    >"$BATS_TEST_TMPDIR/rendered"
  same "$(jq --slurp --sort-keys . <(example examples/policies/fix-validating.yaml) <(example examples/policies/fix-mutating.yaml))" \
    "$(cat "$BATS_TEST_TMPDIR/rendered")"
}

@test "check gives the verdicts of the rendered policies" {
  rendered '{}' >"$BATS_TEST_TMPDIR/deny.yaml"
  rendered "$(values_of_examples)" >"$BATS_TEST_TMPDIR/fix.yaml"
  "$PROGRAM" check --policy "$BATS_TEST_TMPDIR/deny.yaml" examples/nginx/6-pinned.yaml
  run "$PROGRAM" check --policy "$BATS_TEST_TMPDIR/deny.yaml" examples/fix/nginx.yaml
  same 1 "$status"
  "$PROGRAM" check --policy "$BATS_TEST_TMPDIR/fix.yaml" examples/fix/nginx.yaml
}

@test "the README shows values that give valid policies" {
  policies_with "$(values_of_readme)" >"$BATS_TEST_TMPDIR/rendered.json"
  same "immutable-pods immutable-pods-fix" "$(jq --raw-output 'map(.metadata.name) | sort | join(" ")' "$BATS_TEST_TMPDIR/rendered.json")"
  rendered "$(values_of_readme)" >"$BATS_TEST_TMPDIR/rendered.yaml"
  "$PROGRAM" check --policy "$BATS_TEST_TMPDIR/rendered.yaml" examples/fix/nginx.yaml
}

@test "settings reach the policy as they are" {
  find "$CASES" -name settings.json -exec jq --compact-output . {} + | sort --unique >"$BATS_TEST_TMPDIR/settings"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/settings")" -gt 200 ]
  # Each 50th of the settings in the cases, because helm starts anew for each.
  awk 'NR % 50 == 1' "$BATS_TEST_TMPDIR/settings" | while read -r settings; do
    policies_with "$(jq '{settings: .}' <<<"$settings")" | jq --sort-keys '.[0].spec.settings' >"$BATS_TEST_TMPDIR/rendered"
    # Helm removes keys whose value is null.
    same "$(jq --sort-keys 'walk(if type == "object" then del(.[] | nulls) else . end)' <<<"$settings")" "$(cat "$BATS_TEST_TMPDIR/rendered")"
  done
}

@test "a rule keeps its options in the policy that fixes" {
  policies_with '{"policies": "fix+deny", "settings": {"runAsNonRoot": {"mode": "warn", "groups": true}, "capabilities": "warn"},
    "fix": {"rules": ["runAsNonRoot", "seccompProfile"]}}' | jq --compact-output --sort-keys 'sort_by(.metadata.name) | map(.spec.settings)' \
    >"$BATS_TEST_TMPDIR/settings"
  same '[{"capabilities":"warn","runAsNonRoot":{"groups":true,"mode":"warn"}},{"capabilities":"warn","runAsNonRoot":{"groups":true,"mode":"fix"},"seccompProfile":"fix"}]' \
    "$(cat "$BATS_TEST_TMPDIR/settings")"
}

@test "the registry of Rancher is the registry of the module" {
  module_with() { policies_with "$1" | jq --raw-output '.[0].spec.module'; }
  same "registry://registry.example.com:5000/immutable-pods/immutable-pods-policy:v1" \
    "$(module_with '{"global": {"cattle": {"systemDefaultRegistry": "registry.example.com:5000", "clusterId": "a"}}, "module": {"tag": "v1"}}')"
  [[ $(module_with '{"global": {"cattle": {"systemDefaultRegistry": ""}}}') == registry://ghcr.io/* ]]
}

@test "additional webhook rules apply to both policies" {
  policies_with '{"policies": "fix+deny", "additionalRules": [
    {"apiGroups": ["argoproj.io"], "apiVersions": ["v1alpha1"], "resources": ["rollouts"], "operations": ["CREATE", "UPDATE"]}]}' |
    jq --exit-status 'all(.spec.rules[-1].resources == ["rollouts"]) and all(.spec.rules | length > 3)'
}

refused() { # VALUES MESSAGE
  if output=$(rendered "$1" 2>&1); then
    echo "must be refused: $1"
    return 1
  fi
  grep --fixed-strings "$2" <<<"$output" || { echo "$output"; return 1; }
}

@test "wrong values are refused before anything is created" {
  refused '{"policies": "fix"}' policies
  refused '{"setings": {}}' setings
  refused '{"settings": {"privilegd": "deny"}}' privilegd
  refused '{"settings": {"privileged": "fix"}}' privileged
  refused '{"fix": {"rules": ["privileged"]}}' rules
  refused '{"namespaceSelector": {"matchLabels": {"a": "b"}}}' matchLabels
  refused '{"mode": "warn"}' mode
  refused '{"name": "Immutable Pods"}' name
}

@test "the packaged chart can be pushed and rendered from a registry" {
  local digest
  command -v "$DOCKER_REGISTRY" >/dev/null || skip "there is no $DOCKER_REGISTRY"
  start_registry "$BATS_TEST_TMPDIR"
  helm package --destination "$BATS_TEST_TMPDIR" "$CHART"
  helm push --plain-http "$BATS_TEST_TMPDIR"/immutable-pods-policy-*.tgz "oci://$REGISTRY/charts" >"$BATS_TEST_TMPDIR/pushed" 2>&1
  # The release workflow signs the digest in this line.
  digest=$(sed -n 's/^Digest: //p' "$BATS_TEST_TMPDIR/pushed")
  [[ $digest == sha256:* ]]
  helm template immutable-pods "oci://$REGISTRY/charts/immutable-pods-policy@$digest" --plain-http >"$BATS_TEST_TMPDIR/rendered"
  same "$(rendered '{}')" "$(cat "$BATS_TEST_TMPDIR/rendered")"
}
