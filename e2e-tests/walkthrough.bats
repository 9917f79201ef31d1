#!/usr/bin/env bats
# Runs the commands of docs/walkthrough.md in a cluster, in their order. Each test begins where the one before ended.

# shellcheck disable=SC2016 # jq has its own variables
# shellcheck disable=SC2030,SC2031,SC2154 # tests run in separate subshells, and helpers set $message
load helpers
load cluster
load pages

# The folder of the administrator.
DAY=$BATS_FILE_TMPDIR/day
namespace=shop

setup_file() {
  start_cluster
  define_kinds
  mkdir -p "$DAY"
  cp examples/policies/cluster.yaml "$DAY"
  kubectl create --filename - >/dev/null <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, policy/immutable-pods: ""}}
---
apiVersion: v1
kind: Namespace
metadata: {name: break-glass, labels: {policy/immutable-pods: ""}}
YAML
  eventually 30 k get serviceaccount default >/dev/null 2>&1
  write_workloads
  k apply --recursive --filename "$DAY/deploy" >"$DAY/apply.log" 2>&1 || { cat "$DAY/apply.log"; return 1; }
}

teardown_file() { end_cluster; }

setup() {
  needs_nodes
  needs_client
}

# Prints a list of pod specs that Pod Security Admission admits at the level baseline.
baseline_specs() {
  jq --null-input '
    def container: {name: "web", image: "nginx:1.29"};
    [
      {containers: [container]},
      {containers: [container | .image = "registry.example.com/shop/web"]},
      {containers: [container | .volumeMounts = [{name: "data", mountPath: "/usr/lib/nginx"}]], volumes: [{name: "data", emptyDir: {}}]},
      {containers: [container | .securityContext.runAsUser = 0]},
      {containers: [container | .securityContext = {readOnlyRootFilesystem: true, runAsNonRoot: true}]}
    ]'
}

# Writes the manifests of twenty workloads. Volumes of claims would need a provisioner.
write_workloads() {
  local object name folder
  mkdir -p "$DAY/deploy/apps" "$DAY/deploy/once"
  twenty_workloads "$(baseline_specs)" 'del(.spec.volumeClaimTemplates)' | jq --compact-output . |
    while read -r object; do
      name=$(jq --raw-output .metadata.name <<<"$object")
      folder=$(jq --raw-output 'if .kind == "Job" or .kind == "Pod" then "once" else "apps" end' <<<"$object")
      { echo "# $name of the shop"; k create --dry-run=client --output yaml --filename - <<<"$object"; } >"$DAY/deploy/$folder/$name.yaml"
    done
}

# Does what Kubewarden's controller does after a change of the policies.
reconcile() {
  kubectl get clusteradmissionpolicies.policies.kubewarden.io --output json | jq .items >"$CLUSTER/policies.json"
  kubectl delete validatingwebhookconfigurations --selector app.kubernetes.io/part-of=kubewarden >/dev/null
  [[ ! -e $CLUSTER/policy-server.pid ]] || kill "$(<"$CLUSTER/policy-server.pid")"
  [[ $(<"$CLUSTER/policies.json") != "[]" ]] || return 0
  convert
  serve
  echo "$policy_server_pid" >"$CLUSTER/policy-server.pid"
}

# Tries to create a plain pod.
try_plain() {
  k create --dry-run=server --filename <(workload Pod probe "$PLAIN")
}

denies_plain() {
  ! message=$(try_plain 2>&1)
}

warns_about_plain() {
  message=$(try_plain 2>&1) && [[ $message == *"Warning: "*readOnlyRootFilesystem* ]]
}

admits_plain_in_silence() {
  message=$(try_plain 2>&1) && [[ $message != *Warning* ]]
}

@test "8:00: the preset would deny most of what is there" {
  eventually 60 eval '(($(k get pods --output name | wc -l) >= 20))'
  follow docs/walkthrough.md look "$DAY" >"$BATS_TEST_TMPDIR/report"
  tail -n 1 "$BATS_TEST_TMPDIR/report"
  [[ $(tail -n 1 "$BATS_TEST_TMPDIR/report") =~ \ ([0-9]+)\ denied ]]
  ((BASH_REMATCH[1] >= 20))
}

@test "8:30: the policy warns" {
  follow docs/walkthrough.md warn "$DAY"
  reconcile
  eventually 30 warns_about_plain
}

@test "9:00: fixed manifests are applied" {
  follow docs/walkthrough.md fix "$DAY" >"$BATS_TEST_TMPDIR/output" 2>&1 || { cat "$BATS_TEST_TMPDIR/output"; return 1; }
  same 20 "$(grep --count '^deploy/.*: fixed 1 object$' "$BATS_TEST_TMPDIR/output")"
  same 20 "$(grep --recursive --files-with-matches '^# app-[0-9]* of the shop$' "$DAY/deploy" | wc -l)"
  has_field deployment/app-0 '{.spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem}' true
  has_field pod/app-6 '{.spec.containers[0].securityContext.allowPrivilegeEscalation}' false
  follow docs/walkthrough.md restart "$DAY" >/dev/null
  eventually 30 no_pod_ends
}

no_pod_ends() {
  k get pods --output json | jq --exit-status '[.items[] | select(.metadata.deletionTimestamp)] == []' >/dev/null
}

@test "11:00: the proposed settings admit what runs, and exempt only what is left" {
  follow docs/walkthrough.md propose "$DAY"
  cat "$DAY/settings.yaml"
  grep --quiet '^preset: immutable+restricted$' "$DAY/settings.yaml"
  # What is fixed needs no exemption.
  run grep allowPrivilegeEscalation "$DAY/settings.yaml"
  same "" "$output"
  grep --quiet imageReference "$DAY/settings.yaml"
}

@test "12:00: the policy denies, and what runs goes on" {
  follow docs/walkthrough.md deny "$DAY"
  reconcile
  eventually 30 denies_plain
  follow docs/walkthrough.md denied "$DAY" 2>&1 | tee "$BATS_TEST_TMPDIR/denial"
  grep --quiet 'denied the request' "$BATS_TEST_TMPDIR/denial"
  k rollout restart deployment,statefulset,daemonset >/dev/null
  for deployment in app-0 app-7 app-14; do
    rolled_out "deployment/$deployment"
  done
  k apply --filename "$DAY/deploy/apps" >/dev/null
}

# A container of the day with the sidecar of a vendor.
with_sidecar() {
  workload Deployment with-sidecar "$HARDENED" '
    .spec.template.spec.securityContext.seccompProfile.type = "RuntimeDefault"
    | .spec.template.spec.containers += [{name: "shipper", image: "registry.example.com/vendor/shipper:4.2"}]'
}

admits_sidecar() {
  message=$(k create --filename <(with_sidecar) 2>&1)
}

@test "14:00: a sidecar is denied until it is exempt" {
  denied_by immutable-pods k create --filename <(with_sidecar)
  [[ $message == *'"shipper"'* && $message != *'"web"'* ]]
  follow docs/walkthrough.md exempt "$DAY"
  reconcile
  eventually 30 admits_sidecar || { echo "$message"; return 1; }
  rolled_out deployment/with-sidecar
  denies_plain
}

@test "16:00: the namespace for break glass is exempt" {
  namespace=break-glass
  denies_plain
  follow docs/walkthrough.md break-glass "$DAY"
  reconcile
  eventually 30 admits_plain_in_silence
  namespace=shop
  denies_plain
}

@test "17:00: everything is undone" {
  follow docs/walkthrough.md soften "$DAY"
  reconcile
  eventually 30 warns_about_plain
  follow docs/walkthrough.md remove "$DAY"
  reconcile
  eventually 30 admits_plain_in_silence
  # Pod Security Admission was there all day.
  ! message=$(k create --dry-run=server --filename <(workload Pod probe "$PRIVILEGED") 2>&1)
  [[ $message == *'violates PodSecurity "baseline:'* ]]
}

@test "every named block is run by a test" {
  runs_all_of docs/walkthrough.md
}
