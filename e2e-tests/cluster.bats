#!/usr/bin/env bats
# The policy in a cluster: API server, controllers and kubectl, and webhooks as Kubewarden's controller registers them.

load helpers
load cluster

setup_file() {
  start_cluster
  register
  export POLICY_SERVER_URL
}

teardown_file() {
  [[ -z $KEEP ]] || cp -r "$CLUSTER" "$KEEP"
  stop_cluster
}

@test "manifests become the webhooks and the policies.yml that Kubewarden's controller writes" {
  written >"$BATS_TEST_TMPDIR/written.json"
  [[ -z $RECORD ]] || cp "$BATS_TEST_TMPDIR/written.json" e2e-tests/cluster/recorded.json
  diff --unified e2e-tests/cluster/recorded.json "$BATS_TEST_TMPDIR/written.json"
}
