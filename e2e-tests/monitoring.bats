#!/usr/bin/env bats
# Tests the dashboard and the alerts: Prometheus checks the expressions, and a policy server exports the metrics and labels that
# docs/monitoring.md lists.

# shellcheck disable=SC2016 # jq has its own variables
# shellcheck disable=SC2154 # helpers set variables
load helpers

teardown() {
  stop "$policy_server_pid"
  stop "$collector_pid"
}

# Writes the rules without the object around them, as Prometheus reads them. JSON is YAML.
rules() {
  "$PROGRAM" request monitoring/alerts.yaml | jq .object.spec
}

# Prints the expressions of the dashboard, with a value for each variable.
expressions() {
  jq --raw-output '.panels[].targets[].expr
    | gsub("\\$__(rate_interval|range)"; "5m") | gsub("\\$policy"; "clusterwide-a|clusterwide-b") | gsub("\\$namespace"; ".*")' \
    monitoring/grafana-dashboard.json
}

# Prints the first column of a table in the page about monitoring.
listed() { # HEADING
  awk -F ' *\\| *' -v heading="$1" '
    $2 == heading { inside = 1; next }
    !/^\|/ { inside = 0 }
    inside && $2 !~ /^-/ { gsub(/`/, "", $2); print $2 }' docs/monitoring.md
}

@test "Prometheus accepts the alerts, and they fire when they should" {
  needs promtool
  rules >"$BATS_TEST_TMPDIR/rules.json"
  promtool check rules --lint all --lint-fatal "$BATS_TEST_TMPDIR/rules.json"
  cp e2e-tests/monitoring/alerts.test.yaml "$BATS_TEST_TMPDIR"
  promtool test rules "$BATS_TEST_TMPDIR/alerts.test.yaml"
}

@test "Prometheus accepts the expressions of the dashboard" {
  needs promtool
  [ "$(expressions | wc -l)" -gt 10 ]
  expressions | jq --raw-input --null-input '{groups: [{name: "dashboard", rules: [
    inputs as $expr | {record: "panel", expr: $expr, labels: {number: ($expr | @base64)}}]}]}' >"$BATS_TEST_TMPDIR/rules.json"
  promtool check rules "$BATS_TEST_TMPDIR/rules.json"
}

# Starts an OpenTelemetry collector that exports metrics as Kubewarden's sidecar does. Sets $collector_pid, $OTLP and $METRICS.
start_collector() {
  local port
  OTLP=127.0.0.1:$(free_port)
  port=$(free_port)
  METRICS=http://127.0.0.1:$port/metrics
  cat >"$BATS_TEST_TMPDIR/collector.yaml" <<YAML
receivers: {otlp: {protocols: {grpc: {endpoint: "$OTLP"}}}}
exporters: {prometheus: {endpoint: "127.0.0.1:$port"}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}
YAML
  otelcol --config "$BATS_TEST_TMPDIR/collector.yaml" >"$BATS_TEST_TMPDIR/collector.log" 2>&1 3>&- &
  collector_pid=$!
  wait_for "$collector_pid" "$METRICS" || { cat "$BATS_TEST_TMPDIR/collector.log"; return 1; }
}

exported() {
  curl --silent --fail "$METRICS" >"$BATS_TEST_TMPDIR/metrics"
  grep --quiet 'request_origin="audit"' "$BATS_TEST_TMPDIR/metrics" && grep --quiet initialization_error "$BATS_TEST_TMPDIR/metrics"
}

@test "a policy server exports the metrics and labels that the page lists" {
  local request policy
  needs otelcol "$POLICY_SERVER"
  [[ $KWCTL != "$PROGRAM" ]] || skip "there is no kwctl, which annotates the module"
  start_collector
  cat >"$BATS_TEST_TMPDIR/policies.yml" <<YAML
clusterwide-immutable-pods: {module: "file://$(realpath "$MODULE")"}
clusterwide-immutable-pods-fix: {module: "file://$(realpath "$MODULE")", allowedToMutate: true, settings: {
  readOnlyRootFilesystem: fix, allowPrivilegeEscalation: fix, runAsNonRoot: fix}}
clusterwide-immutable-pods-wrong: {module: "file://$(realpath "$MODULE")", settings: {unknown: 1}}
YAML
  OTEL_EXPORTER_OTLP_ENDPOINT=http://$OTLP OTEL_METRIC_EXPORT_INTERVAL=500 \
    start_policy_server "$BATS_TEST_TMPDIR" --enable-metrics --continue-on-errors
  request=$("$PROGRAM" request examples/fix/nginx.yaml)
  for policy in clusterwide-immutable-pods clusterwide-immutable-pods-fix clusterwide-immutable-pods-wrong; do
    ask validate "$policy" <<<"$request" >/dev/null
  done
  ask audit clusterwide-immutable-pods <<<"$request" >/dev/null
  eventually 30 exported || { cat "$BATS_TEST_TMPDIR/metrics"; return 1; }
  # The collector adds labels of its own, which the dashboard does not use.
  sed -n 's/^\(kubewarden_[a-z_]*\){\(.*\)} .*/\1 \2/p' "$BATS_TEST_TMPDIR/metrics" >"$BATS_TEST_TMPDIR/series"
  same "$(listed metric | grep '^kubewarden' | sort)" \
    "$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/series" | sed 's/_\(bucket\|sum\|count\)$//' | sort --unique)"
  same "$(listed label | sort)" "$(grep --only-matching '[a-z_]*="' "$BATS_TEST_TMPDIR/series" | tr --delete '="' |
    grep --invert-match --regexp '^le$' --regexp '^job$' --regexp '^instance$' --regexp '^otel_scope_' | sort --unique)"
  # The values that the page promises.
  grep 'policy_name="clusterwide-immutable-pods"' "$BATS_TEST_TMPDIR/metrics" | grep --quiet 'accepted="false".*error_code="403".*policy_mode="protect"'
  grep 'policy_name="clusterwide-immutable-pods-fix"' "$BATS_TEST_TMPDIR/metrics" | grep --quiet 'accepted="true".*mutated="true"'
}
