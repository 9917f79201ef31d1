#!/usr/bin/env bats
# Runs the commands of the pages for administrators in a cluster: docs/audit.md, docs/incident.md, docs/monitoring.md and
# docs/upgrade.md.
#
# A fence such as ```sh exempt names its commands. The cluster has the policies of the Helm chart, with the names in the pages.

# shellcheck disable=SC2016 # jq has its own variables
# shellcheck disable=SC2030,SC2031,SC2154 # tests run in separate subshells, and helpers set $message
load helpers
load cluster
load pages

setup_file() { start_cluster_with_policies; }

teardown_file() { end_cluster; }

teardown() {
  [[ -z $namespace ]] || kubectl delete namespace "$namespace" --wait=false >/dev/null
}

# The API server has the objects of Kubewarden only if its controller brought the definitions.
needs_policies() {
  has_controller || skip "there is no kubewarden-controller"
}

# Creates the definitions of reports that Kubewarden's chart brings.
define_reports() {
  local chart
  chart=$(echo "$(charts)"/kubewarden-crds/charts/openreports-*.tgz)
  for name in reports clusterreports; do
    tar --extract --gzip --to-stdout --file "$chart" "openreports/templates/openreports.io_$name.yaml"
  done | sed '/{{/d' | kubectl apply --server-side --filename - >/dev/null
  kubectl wait --for condition=Established customresourcedefinition/reports.openreports.io >/dev/null
}

no_namespace_ends() {
  [[ -z $(kubectl get namespaces --field-selector status.phase=Terminating --output name) ]]
}

# Registers the webhooks again.
restore() {
  kubectl delete validatingwebhookconfigurations,mutatingwebhookconfigurations --selector app.kubernetes.io/part-of=kubewarden >/dev/null
  served "$CLUSTER/webhooks.json" | kubectl create --filename - >/dev/null
  eventually 30 denies_privileged
}

create_privileged() { # NAME
  k create --filename <(workload Pod "$1" "$PRIVILEGED")
}

# --- Audit ---

@test "audit: the scanner runs on demand" {
  needs_nodes
  kubectl create namespace kubewarden --dry-run=client --output yaml | kubectl apply --filename - >/dev/null 2>&1
  kubectl create cronjob audit-scanner --namespace kubewarden --image audit-scanner --schedule "0 * * * *" >/dev/null
  follow docs/audit.md scan
  same "" "$(kubectl get jobs --namespace kubewarden --output name)"
}

@test "audit: the commands read the reports of the scanner" {
  needs audit-scanner
  needs_policies
  define_reports
  in_namespace immutable-pods
  k create --filename <(workload Pod good "$HARDENED") >/dev/null
  namespace_without_policy=$namespace
  kubectl label namespace "$namespace" policy/immutable-pods- >/dev/null
  eventually 30 k create --filename <(workload Pod bad "$PLAIN") >/dev/null
  kubectl label namespace "$namespace_without_policy" policy/immutable-pods= >/dev/null
  audit-scanner --kubewarden-namespace kubewarden --namespace "$namespace" --policy-server-url "$POLICY_SERVER_URL" \
    --extra-ca "$CLUSTER/ca.crt" --report-kind openreports --loglevel info >"$BATS_TEST_TMPDIR/log" 2>&1 || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
  follow docs/audit.md reports | grep --quiet bad
  follow docs/audit.md results >"$BATS_TEST_TMPDIR/results"
  cat "$BATS_TEST_TMPDIR/results"
  same "$namespace/Pod/bad" "$(grep / "$BATS_TEST_TMPDIR/results")"
  for rule in allowPrivilegeEscalation readOnlyRootFilesystem runAsNonRoot; do
    grep --quiet " 1 $rule\$" "$BATS_TEST_TMPDIR/results"
  done
  grep --quiet " 1 $namespace\$" "$BATS_TEST_TMPDIR/results"
}

@test "audit: the program reports what the cluster would deny" {
  needs_client
  needs_policies
  in_namespace
  k create --filename <(workload Pod web "$PLAIN") >/dev/null
  follow docs/audit.md cluster
  grep --quiet '</html>' "$BATS_TEST_TMPDIR/report.html"
  grep --quiet "$namespace" "$BATS_TEST_TMPDIR/report.html"
  follow docs/audit.md export
  "$PROGRAM" check --exit-zero "$BATS_TEST_TMPDIR/cluster.yaml" | grep --quiet "Pod $namespace/web denied"
}

@test "upgrade: the new version reads the saved policy, and evaluates the cluster" {
  needs_client
  needs_policies
  in_namespace
  k create --filename <(workload Pod web "$PLAIN") >/dev/null
  follow docs/upgrade.md save >"$BATS_TEST_TMPDIR/output"
  grep --quiet "Pod $namespace/web denied" "$BATS_TEST_TMPDIR/output"
}

@test "upgrade: modules are compared with the settings of the saved policy" {
  needs_policies
  local folder=$BATS_TEST_TMPDIR
  kubectl get clusteradmissionpolicies.policies.kubewarden.io immutable-pods --output yaml >"$folder/policy.yaml"
  cp "$MODULE" "$folder/old.wasm"
  cp "$MODULE" "$folder/new.wasm"
  mkdir "$folder/manifests"
  cp examples/everything-wrong.yaml "$folder/manifests"
  follow docs/upgrade.md compare | grep --quiet ': 0 different$'
}

@test "audit: the reports of the program can be stored in the cluster" {
  needs_client
  needs_policies
  define_reports
  in_namespace
  k create --filename <(workload Pod web "$PLAIN") >/dev/null
  # Nothing can be created in the namespaces of the tests before until they are gone.
  eventually 60 no_namespace_ends
  follow docs/audit.md apply
  has_field report.openreports.io/immutable-pods '{.results[0].resources[0].name}' web
}

# --- Monitoring ---

@test "monitoring: the dashboard is stored where Grafana finds it" {
  kubectl create namespace monitoring >/dev/null
  follow docs/monitoring.md dashboard
  kubectl get configmap --namespace monitoring --selector grafana_dashboard=1 --output 'jsonpath={.items[0].data.grafana-dashboard\.json}' |
    jq --exit-status '.title == "Immutable Pods"'
}

# --- Incident ---

# Fails unless the stored policy gives this verdict on a pod in a namespace.
gives() { # VERDICT NAMESPACE
  kubectl get clusteradmissionpolicy immutable-pods --output json >"$BATS_TEST_TMPDIR/policy.json"
  workload Pod web "$PLAIN" ".metadata.namespace = \"$2\"" >"$BATS_TEST_TMPDIR/pod.json"
  same "$1" "$("$PROGRAM" check --exit-zero --output json --policy "$BATS_TEST_TMPDIR/policy.json" "$BATS_TEST_TMPDIR/pod.json" |
    jq --raw-output '.objects[0].verdict')"
}

@test "incident: settings are softened step by step" {
  needs_policies
  gives denied shop
  follow docs/incident.md exempt
  gives admitted shop
  gives denied other
  follow docs/incident.md warn-rule
  kubectl get clusteradmissionpolicy immutable-pods --output json | jq --exit-status '.spec.settings.runAsNonRoot == {mode: "warn"}'
  gives denied other
  follow docs/incident.md warn-all
  gives admitted other
  # The command changes nothing but a rule that asks: another value would replace the mode.
  run follow docs/incident.md stop-asking
  [ "$status" -ne 0 ]
  kubectl patch clusteradmissionpolicy immutable-pods --type merge --patch '{"spec": {"settings": {"runAsNonRoot": {"inspectImage": true}}}}'
  follow docs/incident.md stop-asking
  kubectl get clusteradmissionpolicy immutable-pods --output json |
    jq --exit-status '.spec.settings.runAsNonRoot == {mode: "warn", inspectImage: false}'
  gives admitted other
}

@test "incident: the commands wait for the policy server, and restart it" {
  needs_policies
  needs_nodes
  follow docs/incident.md wait
  follow docs/incident.md restart
}

# Makes the API server call a port where no server listens.
break_webhook() {
  kubectl patch validatingwebhookconfiguration clusterwide-immutable-pods --type json --patch \
    '[{"op": "replace", "path": "/webhooks/0/clientConfig/url", "value": "https://127.0.0.1:1/validate"}]' >/dev/null
}

fails_to_call() {
  ! message=$(create_privileged probe 2>&1) && [[ $message == *'failed calling webhook "clusterwide-immutable-pods.kubewarden.admission"'* ]]
}

admits() {
  create_privileged admitted >/dev/null 2>&1
}

@test "incident: without a policy server, new pods are rejected, until the webhook ignores failures" {
  in_namespace immutable-pods
  k create --filename <(workload Pod older "$HARDENED")
  k create --filename <(workload Deployment older "$HARDENED" '.spec.replicas = 0')
  break_webhook
  eventually 30 fails_to_call
  run k set env deployment/older changed=yes
  [[ $output == *'failed calling webhook'* ]]
  # These requests do not reach the webhook.
  k create secret generic any
  k scale deployment/older --replicas 1
  k patch pod older --subresource status --type merge --patch '{"status": {"message": "still there"}}'
  k delete pod older --wait=false
  kubectl --namespace kube-system create --dry-run=server --filename <(workload Pod agent "$PRIVILEGED")
  follow docs/incident.md open
  eventually 30 admits
  # The alerts use these metrics.
  kubectl get --raw /metrics | grep '^apiserver_admission_webhook_' >"$BATS_TEST_TMPDIR/metrics"
  grep 'rejection_count{.*name="clusterwide-immutable-pods.kubewarden.admission"' "$BATS_TEST_TMPDIR/metrics" |
    grep --quiet 'error_type="calling_webhook_error"'
  grep --quiet 'fail_open_count{.*name="clusterwide-immutable-pods.kubewarden.admission"' "$BATS_TEST_TMPDIR/metrics"
  restore
}

@test "incident: one policy is disabled" {
  in_namespace immutable-pods
  eventually 30 denies_privileged
  if has_controller; then
    # The controller, which is stopped, would delete the webhook.
    run timeout 5 bash -c "$(declare -f follow commands_of); follow docs/incident.md delete"
    same 124 "$status"
    grep --quiet '^kind: ClusterAdmissionPolicy' "$BATS_TEST_TMPDIR/immutable-pods.yaml"
    kubectl patch clusteradmissionpolicy immutable-pods --type merge --patch '{"metadata": {"finalizers": []}}' >/dev/null
    kubectl create --filename "$BATS_TEST_TMPDIR/immutable-pods.yaml" >/dev/null
  fi
  follow docs/incident.md delete-webhook
  eventually 30 admits
  restore
}

@test "incident: everything is disabled, and enabled again" {
  in_namespace immutable-pods
  eventually 30 denies_privileged
  kubectl create namespace kubewarden --dry-run=client --output yaml | kubectl apply --filename - >/dev/null 2>&1
  kubectl create deployment admission-controller --namespace kubewarden --image controller >/dev/null
  follow docs/incident.md disable
  same 0 "$(kubectl get deployment admission-controller --namespace kubewarden --output 'jsonpath={.spec.replicas}')"
  eventually 30 admits
  follow docs/incident.md enable
  same 1 "$(kubectl get deployment admission-controller --namespace kubewarden --output 'jsonpath={.spec.replicas}')"
  restore
}

@test "incident: a namespace for break glass runs what is denied elsewhere" {
  needs_nodes
  follow docs/incident.md prepare
  kubectl label namespace break-glass policy/break-glass= >/dev/null
  in_namespace break-glass
  eventually 30 denies_privileged
  follow docs/incident.md use
  kubectl wait --namespace break-glass --for condition=Available --timeout 60s deployment/tools
  # Others have no rights in the namespace, and the namespace alone is exempt.
  run kubectl create deployment other --namespace break-glass --image busybox:1.37 --as dana
  [[ $output == *forbidden* ]]
  denied_by break-glass k create deployment tools --image busybox:1.37
  kubectl delete namespace break-glass --wait=false
}

@test "incident: the cluster is audited afterwards" {
  needs_client
  follow docs/incident.md audit
  grep --quiet '</html>' "$BATS_TEST_TMPDIR/report.html"
}

@test "every named block is run by a test" {
  runs_all_of docs/audit.md docs/incident.md docs/monitoring.md docs/upgrade.md
}
