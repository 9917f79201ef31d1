#!/usr/bin/env bats
# Tests the policy in a cluster: API server, controllers, kubectl, and the webhooks that Kubewarden's controller registers.
#
# Each test has a namespace. Its labels select the policies that apply.

# shellcheck disable=SC2016 # jq has its own variables
# shellcheck disable=SC2030,SC2031,SC2154 # tests run in separate subshells, and helpers set $message
load helpers
load cluster
load pod-security

setup_file() { start_cluster_with_policies; }

teardown_file() { end_cluster; }

teardown() {
  [[ -n $BATS_TEST_COMPLETED || -z $namespace ]] || k get events --output custom-columns=ON:.involvedObject.name,MESSAGE:.message
  [[ -z $namespace ]] || kubectl delete namespace "$namespace" --wait=false >/dev/null
}

# --- Manifests ---

@test "the manifests produce the webhooks and the policies.yml of Kubewarden's controller" {
  written >"$BATS_TEST_TMPDIR/written.json"
  # With the controller, RECORD=1 records the webhooks again.
  [[ -z $RECORD ]] || cp "$BATS_TEST_TMPDIR/written.json" e2e-tests/cluster/recorded.json
  diff --unified e2e-tests/cluster/recorded.json "$BATS_TEST_TMPDIR/written.json"
}

@test "the manifests do not apply in kube-system" {
  local policy
  namespace=kube-system
  workload Pod node-agent "$PRIVILEGED" >"$BATS_TEST_TMPDIR/pod.json"
  while read -r policy; do
    kubectl label namespace kube-system "policy/$policy=" >/dev/null
  done < <(jq --raw-output '.[] | select(.kind | startswith("Cluster")) | .metadata.name' "$CLUSTER/policies.json")
  k create --dry-run=server --filename "$BATS_TEST_TMPDIR/pod.json"
  namespace=
}

# --- Examples ---

# Prints the example files without Kubewarden objects.
examples_of_users() {
  find examples -name '*.yaml' -not -path '*/fix/*' -not -path 'examples/policies/*' | sort |
    xargs grep --files-without-match '^apiVersion: policies.kubewarden.io/'
}

@test "API validation admits every example" {
  local example
  in_namespace
  for example in $(examples_of_users) examples/fix/nginx.yaml; do
    without_namespace "$example" | k apply --dry-run=server --filename -
  done
}

without_namespace() { # FILE
  sed '/^  namespace: /d' "$1"
}

@test "only the last step of the examples is admitted" {
  local example findings
  in_namespace cluster
  for example in examples/{nginx,httpd}/[1-5]-*.yaml; do
    denied_by cluster k apply --dry-run=server --filename "$example"
    # A denial with several findings starts with a summary.
    findings=$(grep --count '\[[a-zA-Z]*\]$' <<<"$message") || true
    if ((findings > 1)); then
      [[ $message == "$findings findings in "* ]]
    fi
  done
  for example in nginx httpd; do
    k apply --dry-run=server --filename "examples/$example/6-pinned.yaml"
    k apply --filename "examples/$example/6-pinned.yaml"
  done
}

@test "a denial contains every finding" {
  local findings
  in_namespace cluster
  "$PROGRAM" request examples/everything-wrong.yaml | jq --slurp 'first | .object | del(.metadata.namespace)' >"$BATS_TEST_TMPDIR/wrong.json"
  denied_by cluster k apply --filename "$BATS_TEST_TMPDIR/wrong.json"
  findings=$(grep --count '\[[a-zA-Z]*\]$' <<<"$message")
  [ "$findings" -ge 20 ]
  [[ $message == "$findings findings in container \"shop\", init container \"migrate\", sidecar \"log-shipper\" and "*" more: readOnlyRootFilesystem, privileged, "* ]]
}

@test "a denial with one finding does not have a summary" {
  in_namespace cluster
  denied_by cluster k apply --filename <(workload Pod web "$HARDENED" '.spec.hostNetwork = true')
  same "spec.hostNetwork: the pod must not share the host's network namespace [hostNamespaces]" "$message"
}

@test "a namespaced policy applies in its namespace, and denies images that its registry does not have" {
  workload Pod web "$HARDENED" 'del(.spec.containers[].securityContext.runAsNonRoot)' >"$BATS_TEST_TMPDIR/pod.json"
  if kubectl create --namespace shop --filename "$BATS_TEST_TMPDIR/pod.json" 2>"$BATS_TEST_TMPDIR/error"; then
    return 1
  fi
  grep --fixed-strings 'webhook "namespaced-shop-namespaced.kubewarden.admission" denied the request' "$BATS_TEST_TMPDIR/error"
  grep --fixed-strings 'the user of image "nginx:1.29" is unknown' "$BATS_TEST_TMPDIR/error"
}

@test "a group admits a pod that one of its members admits" {
  in_namespace group
  k create --filename <(workload Pod hardened "$HARDENED")
  k create --filename <(workload Pod contained "$HARDENED" '
    del(.spec.containers[].securityContext.readOnlyRootFilesystem) | .spec.containers[].image += "@sha256:" + "0" * 64')
  denied_by group-group k create --filename <(workload Pod plain "$PLAIN")
}

@test "monitor mode admits every object without warnings" {
  in_namespace 1-monitor
  same "pod/web created" "$(k create --filename <(workload Pod web "$PRIVILEGED") 2>&1)"
}

# --- Helm chart ---

@test "the policies of the chart deny, and fix" {
  needs helm
  in_namespace immutable-pods
  denied_by immutable-pods k create --filename <(workload Deployment web "$PLAIN")
  kubectl label namespace "$namespace" policy/immutable-pods-fix= >/dev/null
  eventually 30 k create --filename <(workload Deployment web "$PLAIN") >/dev/null 2>&1
  has_field deployment/web '{.spec.template.spec.containers[0].securityContext}' \
    '{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true}'
  denied_by immutable-pods-fix k create --filename <(workload Pod web "$PRIVILEGED")
}

@test "helm installs, changes and removes the policies of the chart" {
  needs helm
  has_controller || skip "there is no kubewarden-controller, which brings the definitions"
  chart() { # VERB ARGUMENT…
    helm "$1" chart "${@:2}" --namespace kubewarden
  }
  policies_of_release() {
    kubectl get clusteradmissionpolicies --selector app.kubernetes.io/instance=chart \
      --output 'jsonpath={range .items[*]}{.metadata.name} {.spec.mutating}{"\n"}{end}'
  }
  chart install charts/immutable-pods-policy --set name=chart >"$BATS_TEST_TMPDIR/notes"
  grep --fixed-strings 'clusteradmissionpolicy/chart' "$BATS_TEST_TMPDIR/notes"
  same "chart false" "$(policies_of_release)"
  chart upgrade charts/immutable-pods-policy --reuse-values --set policies=fix+deny
  same $'chart false\nchart-fix true' "$(policies_of_release)"
  chart uninstall
  same "" "$(policies_of_release)"
}

# --- Presets ---

@test "preset baseline gives the verdicts of Pod Security Admission on its fixtures" {
  same_on_fixtures baseline
}

@test "preset restricted gives the verdicts of Pod Security Admission on its fixtures" {
  same_on_fixtures restricted
}

@test "preset baseline gives the verdicts of Pod Security Admission on updates" {
  same_on_updates baseline
}

@test "preset restricted gives the verdicts of Pod Security Admission on updates" {
  same_on_updates restricted
}

@test "a preset denies a Deployment, of which Pod Security Admission only warns" {
  in_namespaces_of baseline
  enforce_level baseline
  kubectl label namespace "$enforced" pod-security.kubernetes.io/warn=baseline >/dev/null
  workload Deployment web "$HARDENED" '.spec.template.spec.hostNetwork = true' >"$BATS_TEST_TMPDIR/deployment.json"
  denied_by preset-baseline k create --filename "$BATS_TEST_TMPDIR/deployment.json"
  kubectl --namespace "$enforced" create --dry-run=server --filename "$BATS_TEST_TMPDIR/deployment.json" 2>&1 |
    grep '^Warning: would violate PodSecurity "baseline:latest": host namespaces'
}

@test "preset immutable+restricted denies what either standard denies" {
  in_namespace preset-immutable-restricted
  denied_by preset-immutable-restricted k create --filename <(workload Pod web "$HARDENED")
  same 'spec.securityContext.seccompProfile.type: the pod must set it to RuntimeDefault or Localhost [seccompProfile]' "$message"
  k create --filename <(workload Pod web "$HARDENED" '.spec.securityContext.seccompProfile.type = "RuntimeDefault"')
  denied_by preset-immutable-restricted k create --filename <(workload Pod other "$HARDENED" '
    .spec.securityContext.seccompProfile.type = "RuntimeDefault" | del(.spec.containers[].securityContext.readOnlyRootFilesystem)')
  same 'spec.containers[0].securityContext.readOnlyRootFilesystem: container "web" must set it to true [readOnlyRootFilesystem]' "$message"
}

@test "a missing seccomp profile is set on the pods of every kind" {
  in_namespace seccomp-mutating preset-immutable-restricted
  of_each_kind "$HARDENED" >"$BATS_TEST_TMPDIR/objects.json"
  k apply --filename "$BATS_TEST_TMPDIR/objects.json" >/dev/null
  same '{"seccompProfile":{"type":"RuntimeDefault"}}' \
    "$(stored | jq --compact-output "$POD_SPECS | map(.securityContext) | unique | .[]")"
  wanted >"$BATS_TEST_TMPDIR/first.json"
  k apply --filename "$BATS_TEST_TMPDIR/objects.json" >/dev/null
  wanted | diff "$BATS_TEST_TMPDIR/first.json" -
}

# --- The command line ---

# Policies that apply together, one set per line.
readonly POLICY_SETS="
cluster
strict
fix-mutating
fix-mutating fix-validating
more-mutating more-validating
group
group-both
group-fixed
1-monitor
2-warn
3-deny-most
4-deny
preset-baseline
preset-restricted
preset-immutable-restricted
seccomp-mutating preset-restricted
selected
labelled
pods
everything
monitored
monitored-fix
unmutating
selected monitored fix-mutating
"

# Prints objects of many kinds with pod specs that differ in what they violate.
objects_to_check() { # NAMESPACE
  local kind
  for kind in Pod PodTemplate ReplicationController ReplicaSet Deployment StatefulSet DaemonSet Job CronJob Rollout; do
    workload "$kind" hardened "$HARDENED"
    workload "$kind" plain "$PLAIN"
    workload "$kind" privileged "$PRIVILEGED"
    workload "$kind" contained "$HARDENED" '
      (.. | select(type == "object" and has("readOnlyRootFilesystem"))) |= del(.readOnlyRootFilesystem)
      | (.. | select(type == "object" and .image? == "nginx:1.29")).image += "@sha256:" + "0" * 64'
    workload "$kind" network "$HARDENED" '(.. | select(type == "object" and has("containers"))).hostNetwork = true'
  done | jq --compact-output --arg namespace "$1" '.metadata.namespace = $namespace | .metadata.name += "-" + (.kind | ascii_downcase)'
  jq --null-input --compact-output --arg namespace "$1" '
    {apiVersion: "v1", kind: "ConfigMap", metadata: {name: "plain-configmap", namespace: $namespace}},
    {apiVersion: "v1", kind: "Service", metadata: {name: "web-service", namespace: $namespace}, spec: {ports: [{port: 80}]}},
    {apiVersion: "v1", kind: "Namespace", metadata: {name: "another-namespace"}}'
}

# Prints each policy with the labels of namespaces that select it in this suite.
selected_policies() {
  jq '.[] | .metadata.name as $name
    | if .kind | startswith("Cluster") then
        .spec.namespaceSelector.matchExpressions += [{key: "policy/\($name)", operator: "Exists"}]
      else . end' "$CLUSTER/policies.json"
}

@test "check gives the verdicts of the API server with the policies of the cluster" {
  local policies number=0 total=0 files=$BATS_TEST_TMPDIR
  selected_policies >"$files/policies.json"
  while read -r policies; do
    number=$((number + 1))
    # shellcheck disable=SC2086 # names of policies
    printf '%s\n' $policies | jq --raw-input --null-input --arg name "check-$number" '{
      apiVersion: "v1", kind: "Namespace", metadata: {name: $name, labels: ([inputs | {"policy/\(.)": ""}] | add)}}' |
      kubectl create --filename - >/dev/null
    objects_to_check "check-$number" >"$files/$number.json"
    total=$((total + $(wc -l <"$files/$number.json")))
    ! has kube-controller-manager || eventually 30 kubectl --namespace "check-$number" get serviceaccount default >/dev/null 2>&1
    kubectl create --dry-run=server --output json --filename "$files/$number.json" 2>"$files/$number.denied" |
      jq --raw-output --slurp 'map(.items[]? // .) | .[].metadata.name' | sort >"$files/$number.admitted"
    # An error has one paragraph, which names the webhook.
    grep '^Error from server' "$files/$number.denied" | grep --invert-match 'admission webhook' && return 1
  done < <(sed '/^$/d' <<<"$POLICY_SETS")
  kubectl get namespaces --output json >"$files/namespaces.json"
  kubectl get customresourcedefinitions --output json >"$files/crds.json"
  for ((checked = 1; checked <= number; checked++)); do
    "$PROGRAM" check --output json --policy "$files/policies.json" --namespaces "$files/namespaces.json" --crds "$files/crds.json" \
      "$files/$checked.json" >"$files/$checked.report" 2>"$files/$checked.warnings" || [ "$?" -eq 1 ]
    jq --raw-output '.objects[] | select(.verdict != "denied" and .verdict != "refused") | .name' "$files/$checked.report" |
      sort >"$files/$checked.passed"
    sed --silent "${checked}p" <<<"$(sed '/^$/d' <<<"$POLICY_SETS")"
    diff "$files/$checked.admitted" "$files/$checked.passed"
  done
  kubectl delete namespaces --wait=false $(seq --format 'check-%g' "$number") >/dev/null
  [ "$total" -ge 1000 ]
  # Both verdicts occur.
  [ "$(cat "$files"/*.admitted | wc -l)" -gt 200 ]
  [ "$(cat "$files"/*.denied | grep --count 'admission webhook')" -gt 200 ]
}

# --- Warn ---

@test "a user gets one warning per rule" {
  in_namespace 2-warn
  same "Warning: spec.containers[0].securityContext.readOnlyRootFilesystem: container \"web\" must set it to true [readOnlyRootFilesystem]
Warning: spec.containers[0].securityContext.allowPrivilegeEscalation: container \"web\" must set it to false [allowPrivilegeEscalation]
Warning: spec.containers[0].securityContext.runAsNonRoot: container \"web\" must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]
pod/web created" "$(k create --filename <(workload Pod web "$PLAIN") 2>&1)"
}

@test "the API server keeps all warnings about many containers" {
  in_namespace 2-warn
  k create --filename <(workload Pod web "$PLAIN" '
    .spec.containers = [range(40) as $n | .spec.containers[0] | .name = "container-with-a-long-name-\($n)"]') \
    >/dev/null 2>"$BATS_TEST_TMPDIR/warnings"
  cat "$BATS_TEST_TMPDIR/warnings"
  same 3 "$(grep --count '\[[a-zA-Z]*\]$' "$BATS_TEST_TMPDIR/warnings")"
  same 3 "$(grep --count ', and 39 more in ' "$BATS_TEST_TMPDIR/warnings")"
  # An API server keeps 4,096 characters, and 256 of each warning if there are more.
  [ "$(wc --chars <"$BATS_TEST_TMPDIR/warnings")" -lt 2200 ]
}

@test "some rules deny while others warn" {
  in_namespace 3-deny-most
  k create --filename <(workload Pod plain "$PLAIN") 2>&1 | grep '^Warning: '
  denied_by 3-deny-most k create --filename <(workload Pod web "$PRIVILEGED")
  same 'spec.containers[0].securityContext.privileged: container "web" must not set it to true [privileged]' \
    "$(grep '\[privileged\]' <<<"$message")"
}

@test "findings are in the audit log of the API server" {
  in_namespace 2-warn
  k create --filename <(workload Pod web "$PLAIN") 2>/dev/null
  same 1 "$(audited 2-warn web runAsNonRoot)"
  same 1 "$(audited 2-warn web readOnlyRootFilesystem)"
}

# --- From a Deployment to its pods ---

SUMMARY='3 findings in container "web": readOnlyRootFilesystem, allowPrivilegeEscalation, runAsNonRoot'

@test "a Deployment is denied when it is applied" {
  in_namespace cluster
  denied_by cluster k apply --filename <(workload Deployment web "$PLAIN")
  same "$SUMMARY" "$(head -n 1 <<<"$message")"
  same 'spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem: container "web" must set it to true [readOnlyRootFilesystem]' \
    "$(sed -n 2p <<<"$message")"
}

@test "denied pods are in the events of the ReplicaSet, and the rollout fails" {
  needs kube-controller-manager
  in_namespace
  k create --filename <(workload Deployment web "$PLAIN" '.spec.progressDeadlineSeconds = 3')
  eventually 30 test -n "$(k get replicasets --output name)"
  enforce cluster
  # The template does not change, so the Deployment is admitted.
  k rollout restart deployment/web
  eventually 30 has_event FailedCreate
  k get events --field-selector reason=FailedCreate | grep --fixed-strings "$SUMMARY"
  # kubectl describe does not print events for several objects.
  k describe "$(k get replicasets --output 'jsonpath=replicaset/{.items[?(@.status.conditions)].metadata.name}')" |
    grep --fixed-strings "$SUMMARY"
  k get deployment web --output 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}' >"$BATS_TEST_TMPDIR/condition"
  grep --fixed-strings 'container "web" must set it to true [readOnlyRootFilesystem]' "$BATS_TEST_TMPDIR/condition"
  run k rollout status deployment/web --timeout 30s
  same 1 "$status"
  [[ $output == *"exceeded its progress deadline"* ]]
}

@test "a denied ReplicaSet is in the events of the Deployment" {
  needs kube-controller-manager
  in_namespace
  k create --filename <(workload Deployment web "$PRIVILEGED")
  eventually 30 test -n "$(k get replicasets --output name)"
  enforce more-validating
  k rollout restart deployment/web
  eventually 30 has_event ReplicaSetCreateError
  k describe deployment web | grep --fixed-strings '2 findings in container "web": privileged, allowPrivilegeEscalation'
}

has_event() { # REASON
  [[ -n $(k get events --field-selector "reason=$1" --output name) ]]
}

# --- Fix ---

KINDS=(Pod PodTemplate ReplicationController Deployment StatefulSet DaemonSet Job CronJob)

# Prints an object of each kind.
of_each_kind() { # SPEC
  local kind
  for kind in "${KINDS[@]}"; do
    workload "$kind" "$(tr '[:upper:]' '[:lower:]' <<<"$kind")" "$1"
  done
}

# Prints the stored objects.
stored() {
  local kinds=("${KINDS[@],,}")
  paste --delimiters / <(printf '%s\n' "${kinds[@]}") <(printf '%s\n' "${kinds[@]}") | xargs kubectl --namespace "$namespace" get --output json
}

# Prints the stored objects without the fields that change by themselves.
wanted() {
  stored | jq --sort-keys '[.items[] | {kind, generation: (.kind != "Pod" and .metadata.generation),
    template, spec: (.spec | if . then del(.nodeName, .suspend) else . end)}]'
}

# Prints the pod specs of objects.
POD_SPECS='[.items[] | .spec.jobTemplate.spec.template.spec // .spec.template.spec // .template.spec // .spec]'

@test "objects of every kind are stored with their fixes, and apply and diff then change nothing" {
  in_namespace fix-mutating fix-validating
  of_each_kind "$PLAIN" >"$BATS_TEST_TMPDIR/objects.json"
  k apply --filename "$BATS_TEST_TMPDIR/objects.json" >/dev/null
  wanted >"$BATS_TEST_TMPDIR/first.json"
  stored | jq --compact-output "$POD_SPECS | map(.containers[0].securityContext) | unique | .[]" >"$BATS_TEST_TMPDIR/contexts"
  same '{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"runAsNonRoot":true}' \
    "$(cat "$BATS_TEST_TMPDIR/contexts")"
  k apply --filename "$BATS_TEST_TMPDIR/objects.json" >"$BATS_TEST_TMPDIR/applied"
  # kubectl reports claim templates as changed.
  same "" "$(grep --invert-match --regexp unchanged --regexp statefulset "$BATS_TEST_TMPDIR/applied")"
  wanted | diff "$BATS_TEST_TMPDIR/first.json" -
  k diff --filename <(jq 'select(.kind != "StatefulSet")' "$BATS_TEST_TMPDIR/objects.json")
}

@test "server-side apply of fixed objects has no conflicts and changes nothing" {
  in_namespace fix-mutating fix-validating
  of_each_kind "$PLAIN" >"$BATS_TEST_TMPDIR/objects.json"
  k apply --server-side --filename "$BATS_TEST_TMPDIR/objects.json" >/dev/null
  wanted >"$BATS_TEST_TMPDIR/first.json"
  k apply --server-side --filename "$BATS_TEST_TMPDIR/objects.json" >/dev/null
  wanted | diff "$BATS_TEST_TMPDIR/first.json" -
  # The API server adds fields to claim templates, which have one owner.
  jq 'select(.kind != "StatefulSet")' "$BATS_TEST_TMPDIR/objects.json" >"$BATS_TEST_TMPDIR/others.json"
  k apply --server-side --field-manager other --filename "$BATS_TEST_TMPDIR/others.json" >/dev/null
  wanted | diff "$BATS_TEST_TMPDIR/first.json" -
  k diff --server-side --filename "$BATS_TEST_TMPDIR/objects.json"
}

@test "a fix is in the audit log of the API server" {
  in_namespace fix-mutating fix-validating
  k create --filename <(workload Pod web "$PLAIN")
  same "readOnlyRootFilesystem: 1; allowPrivilegeEscalation: 1; runAsNonRoot: 1; capabilities: 1" "$(audited fix-mutating web fixes)"
}

@test "a fixed Deployment restarts, gets a new image, scales and is undone, with one ReplicaSet per template" {
  needs_nodes
  in_namespace fix-mutating fix-validating
  k apply --filename <(workload Deployment web "$PLAIN")
  rolled_out deployment/web
  k rollout restart deployment/web
  rolled_out deployment/web
  k set image deployment/web web=nginx:1.30
  rolled_out deployment/web
  k scale deployment/web --replicas 3
  rolled_out deployment/web
  has_replicasets web 3
  k rollout undo deployment/web
  rolled_out deployment/web
  has_replicasets web 3
  same "true true true" "$(k get pods --field-selector status.phase=Running \
    --output 'jsonpath={.items[*].spec.containers[0].securityContext.readOnlyRootFilesystem}')"
}

# Older objects keep running, and their next pods are fixed.
stored_before() { # POLICY…
  needs_nodes
  in_namespace
  k create --filename <(workload Deployment web "$PLAIN")
  rolled_out deployment/web
  enforce "$@"
  k set image deployment/web web=nginx:1.30
  rolled_out deployment/web
  has_replicasets web 2
  k rollout restart deployment/web
  rolled_out deployment/web
  k scale deployment/web --replicas 3
  rolled_out deployment/web
  has_replicasets web 3
  same "true true true" "$(running web '.items[*].spec.containers[0].securityContext.readOnlyRootFilesystem')"
}

running() { # APP JSONPATH
  eventually 20 none_terminating "$1"
  k get pods --selector "app=$1" --output "jsonpath={$2}"
}

none_terminating() { # APP
  [[ -z $(k get pods --selector "app=$1" --output 'jsonpath={.items[*].metadata.deletionTimestamp}') ]]
}

@test "a Deployment that is older than the policy has one ReplicaSet per template" {
  stored_before fix-mutating fix-validating
}

@test "a Deployment has one ReplicaSet per template if ReplicaSets are registered" {
  stored_before more-mutating more-validating
}

@test "a Deployment has one ReplicaSet per template if rules are set to fix one after another" {
  needs_nodes
  in_namespace first-mutating
  k create --filename <(workload Deployment web "$PLAIN") 2>/dev/null
  rolled_out deployment/web
  k label namespace "$namespace" policy/first-mutating- >/dev/null
  enforce more-mutating more-validating
  k rollout restart deployment/web
  rolled_out deployment/web
  has_replicasets web 2
  k set image deployment/web web=nginx:1.30
  rolled_out deployment/web
  has_replicasets web 3
}

@test "a Deployment of exempt users has one ReplicaSet per template" {
  needs_nodes
  in_namespace exempt-mutating exempt-validating
  k create --as pat --as-group platform --as-group developers --filename <(workload Deployment web "$PLAIN")
  has_field deployment/web '{.spec.template.spec.containers[0].securityContext}' ""
  rolled_out deployment/web
  k set image deployment/web web=nginx:1.30 --as pat --as-group platform --as-group developers
  rolled_out deployment/web
  has_replicasets web 2
}

@test "a ReplicaSet with a controller is not changed, and its author is warned" {
  needs kube-controller-manager
  in_namespace more-mutating more-validating
  k create --filename <(workload Deployment web "$HARDENED" '.spec.replicas = 0')
  workload ReplicaSet owned "$PLAIN" ".metadata.ownerReferences = [{
    apiVersion: \"apps/v1\", kind: \"Deployment\", name: \"web\", controller: true,
    uid: \"$(k get deployment web --output 'jsonpath={.metadata.uid}')\"}] | .spec.replicas = 0" >"$BATS_TEST_TMPDIR/owned.json"
  k create --filename "$BATS_TEST_TMPDIR/owned.json" 2>&1 | tee "$BATS_TEST_TMPDIR/output"
  grep --fixed-strings 'Warning: 4 fixable findings are deferred to the pods of this ReplicaSet because a controller manages it' \
    "$BATS_TEST_TMPDIR/output"
  has_field replicaset/owned '{.spec.template.spec.containers[0].securityContext}' ""
  # Violations without a fix are not left to the pods.
  denied_by more-mutating k create --filename <(jq '.metadata.name = "worse"
    | .spec.template.spec.containers[0].securityContext.privileged = true' "$BATS_TEST_TMPDIR/owned.json")
}

@test "StatefulSets and DaemonSets that are older than the policy restart, and their pods are fixed" {
  needs_nodes
  in_namespace
  k create --filename <(workload StatefulSet sts "$PLAIN" 'del(.spec.volumeClaimTemplates)'; workload DaemonSet ds "$PLAIN")
  rolled_out statefulset/sts
  rolled_out daemonset/ds
  enforce fix-mutating fix-validating
  k rollout restart statefulset/sts daemonset/ds
  rolled_out statefulset/sts
  rolled_out daemonset/ds
  same true "$(running sts '.items[*].spec.containers[0].securityContext.readOnlyRootFilesystem')"
  same true "$(running ds '.items[*].spec.containers[0].securityContext.readOnlyRootFilesystem')"
}

@test "a CronJob creates a Job, and the Job creates a pod and completes" {
  needs_nodes
  in_namespace fix-mutating fix-validating
  k create --filename <(workload CronJob clean "$PLAIN")
  has_field cronjob/clean '{.spec.jobTemplate.spec.template.spec.containers[0].securityContext.runAsNonRoot}' true
  # A run was missed, so the next one starts immediately.
  k patch cronjob clean --subresource status --type merge \
    --patch "{\"status\": {\"lastScheduleTime\": \"$(date --utc --date '2 hours ago' +%FT%TZ)\"}}"
  eventually 30 test -n "$(k get jobs --output name)" || eventually 30 has_job
  k wait --for condition=Complete job --all --timeout 60s
  same true "$(k get pods --output 'jsonpath={.items[0].spec.containers[0].securityContext.runAsNonRoot}')"
}

has_job() {
  [[ -n $(k get jobs --output name) ]]
}

@test "a custom resource does not grow if it is applied repeatedly" {
  in_namespace more-mutating more-validating
  workload Rollout web "$PLAIN" '.spec.strategy = {canary: {steps: [{setWeight: 20}]}}' >"$BATS_TEST_TMPDIR/rollout.json"
  k apply --filename "$BATS_TEST_TMPDIR/rollout.json"
  k get rollout web --output json | jq --sort-keys .spec >"$BATS_TEST_TMPDIR/first.json"
  same true "$(jq .template.spec.containers[0].securityContext.readOnlyRootFilesystem "$BATS_TEST_TMPDIR/first.json")"
  same 20 "$(jq '.strategy.canary.steps[0].setWeight' "$BATS_TEST_TMPDIR/first.json")"
  for _ in 1 2 3; do
    k apply --filename "$BATS_TEST_TMPDIR/rollout.json"
    k get rollout web --output json | jq --sort-keys .spec | diff "$BATS_TEST_TMPDIR/first.json" -
  done
  k apply --server-side --force-conflicts --filename "$BATS_TEST_TMPDIR/rollout.json"
  k get rollout web --output json | jq --sort-keys .spec | diff "$BATS_TEST_TMPDIR/first.json" -
  has_field rollout/web '{.metadata.generation}' 1
}

@test "a custom resource with a controller is not changed" {
  needs kube-controller-manager
  in_namespace more-mutating more-validating
  k create configmap owner
  k create --filename <(workload Rollout web "$PLAIN" ".metadata.ownerReferences = [{
    apiVersion: \"v1\", kind: \"ConfigMap\", name: \"owner\", controller: true,
    uid: \"$(k get configmap owner --output 'jsonpath={.metadata.uid}')\"}]")
  has_field rollout/web '{.spec.template.spec.containers[0].securityContext}' ""
}

@test "a container that is removed and added again does not leave volumes" {
  in_namespace fix-mutating fix-validating
  workload Deployment web "$PLAIN" '.spec.replicas = 0 | .spec.template.spec.containers += [.spec.template.spec.containers[0] | .name = "other"]' \
    >"$BATS_TEST_TMPDIR/two.json"
  jq 'del(.spec.template.spec.containers[1])' "$BATS_TEST_TMPDIR/two.json" >"$BATS_TEST_TMPDIR/one.json"
  k apply --filename "$BATS_TEST_TMPDIR/two.json"
  k get deployment web --output json | jq --sort-keys '.spec.template.spec.volumes | map(.name) | sort' >"$BATS_TEST_TMPDIR/volumes.json"
  for _ in 1 2; do
    k apply --filename "$BATS_TEST_TMPDIR/one.json"
    k apply --filename "$BATS_TEST_TMPDIR/two.json"
  done
  k get deployment web --output json | jq --sort-keys '.spec.template.spec.volumes | map(.name) | sort' |
    diff "$BATS_TEST_TMPDIR/volumes.json" -
}

@test "only replace undoes a fix after its rule is off" {
  in_namespace fix-mutating fix-validating
  workload Deployment web "$PLAIN" '.spec.replicas = 0' >"$BATS_TEST_TMPDIR/web.json"
  k apply --filename "$BATS_TEST_TMPDIR/web.json"
  kubectl label namespace "$namespace" policy/fix-mutating- policy/fix-validating-
  eventually 30 admits_privileged
  same "deployment.apps/web unchanged" "$(k apply --filename "$BATS_TEST_TMPDIR/web.json")"
  has_field deployment/web '{.spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem}' true
  k replace --filename "$BATS_TEST_TMPDIR/web.json"
  has_field deployment/web '{.spec.template.spec.containers[0].securityContext}' ""
  has_field deployment/web '{.spec.template.spec.volumes}' ""
}

admits_privileged() {
  workload Pod probe "$PRIVILEGED" | k create --dry-run=server --filename - >/dev/null 2>&1
}

@test "a mirror pod is not changed, and the kubelet is warned" {
  in_namespace fix-mutating fix-validating
  k create --filename <(workload Pod static-web "$PLAIN" '
    .metadata.annotations = {"kubernetes.io/config.mirror": "0123"} | .spec.nodeName = "node"') 2>&1 | tee "$BATS_TEST_TMPDIR/output"
  grep --fixed-strings 'fixable findings do not count because this is a mirror pod, which the kubelet runs from a file' \
    "$BATS_TEST_TMPDIR/output"
  has_field pod/static-web '{.spec.containers[0].securityContext}' ""
}

# Some cases are invalid for an API server, such as a Deployment without a selector. Only the cases that it admits without fixes
# are tested.
@test "API validation admits the fixed test cases" {
  local case name number=0
  in_namespace
  mkdir "$BATS_TEST_TMPDIR"/{before,after}
  for case in "$CASES"/{*/fixes,fixes/*}/*/; do
    [[ -e $case/fixed.json ]] || continue
    [[ $(jq .operation "$case/request.json") == '"CREATE"' ]] || continue
    number=$((number + 1))
    name=$(tr / - <<<"${case#"$CASES"/}")
    jq .object "$case/request.json" | as_probe "case-$number" >"$BATS_TEST_TMPDIR/before/$name.json"
    as_probe "case-$number" <"$case/fixed.json" >"$BATS_TEST_TMPDIR/after/$name.json"
  done
  admitted_of "$BATS_TEST_TMPDIR/before" >"$BATS_TEST_TMPDIR/before.txt"
  admitted_of "$BATS_TEST_TMPDIR/after" >"$BATS_TEST_TMPDIR/after.txt"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/before.txt")" -ge 20 ]
  cat "$BATS_TEST_TMPDIR/after.errors"
  same "" "$(comm -23 "$BATS_TEST_TMPDIR/before.txt" "$BATS_TEST_TMPDIR/after.txt")"
}

# The object on stdin under another name, with its labels and annotations.
as_probe() { # NAME
  jq --arg name "$1" '.metadata = {name: $name, labels: .metadata.labels, annotations: .metadata.annotations}'
}

# The objects in a folder that API validation admits.
admitted_of() { # FOLDER
  k create --dry-run=server --validate=ignore --output name --filename "$1" 2>"$1.errors" | sort || true
}

# --- Fields that need a feature gate ---

# A pod with a volume that its container can write to.
MOUNTED='{"volumes": [{"name": "data", "emptyDir": {}}], "containers": [{"name": "web", "image": "httpd:2.4",
  "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}'

DROPPED='spec.containers[0].volumeMounts[0].bindMountOptions: container "web" must mount "/data" with noexec, nosuid; the cluster may have dropped the field: it needs the VolumeBindMountOptions gate [noexecMounts]'

# Prints the options of each writable mount of an object.
mount_options() { # OBJECT
  k get "$1" --output json | jq --compact-output '[.. | .volumeMounts? // empty | .[] | select(.readOnly | not) | .bindMountOptions]'
}

@test "noexecMounts: without the feature gate, objects of every kind lose their fix, and apply and diff then change nothing" {
  in_namespace noexec-mutating
  of_each_kind "$MOUNTED" >"$BATS_TEST_TMPDIR/objects.json"
  k apply --filename "$BATS_TEST_TMPDIR/objects.json" >"$BATS_TEST_TMPDIR/applied" 2>&1
  # No user gets a warning.
  same "" "$(grep --invert-match ' created$' "$BATS_TEST_TMPDIR/applied")"
  [[ $(audited noexec-mutating pod fixes) == *"; noexecMounts: 1" ]]
  stored | jq --compact-output "$POD_SPECS | map(.containers[0].volumeMounts[0]) | unique | .[]" >"$BATS_TEST_TMPDIR/mounts"
  same '{"mountPath":"/data","name":"data"}' "$(cat "$BATS_TEST_TMPDIR/mounts")"
  wanted >"$BATS_TEST_TMPDIR/first.json"
  k apply --filename "$BATS_TEST_TMPDIR/objects.json" >/dev/null
  wanted | diff "$BATS_TEST_TMPDIR/first.json" -
  k diff --filename <(jq 'select(.kind != "StatefulSet")' "$BATS_TEST_TMPDIR/objects.json")
  k label pod/pod team=shop
}

@test "noexecMounts: without the feature gate, server-side apply has no conflicts and changes nothing" {
  in_namespace noexec-mutating
  workload Deployment web "$MOUNTED" '.spec.replicas = 0' >"$BATS_TEST_TMPDIR/web.json"
  k apply --server-side --filename "$BATS_TEST_TMPDIR/web.json"
  k apply --server-side --filename "$BATS_TEST_TMPDIR/web.json"
  k apply --server-side --field-manager other --filename "$BATS_TEST_TMPDIR/web.json"
  k diff --server-side --filename "$BATS_TEST_TMPDIR/web.json"
  has_field deployment/web '{.metadata.generation}' 1
  same '[null]' "$(mount_options deployment/web)"
}

@test "noexecMounts: without the feature gate, a Deployment has one ReplicaSet per template" {
  needs_nodes
  in_namespace noexec-mutating
  k apply --filename <(workload Deployment web "$MOUNTED")
  rolled_out deployment/web
  k rollout restart deployment/web
  rolled_out deployment/web
  has_replicasets web 2
}

@test "noexecMounts: without the feature gate, a fixed pod is denied, and the message says why" {
  in_namespace noexec-mutating noexec-validating
  denied_by noexec-validating k create --filename <(workload Pod web "$MOUNTED")
  same "$DROPPED" "$message"
  denied_by noexec-validating k create --filename <(workload Deployment web "$MOUNTED")
  same "spec.template.$DROPPED" "$message"
}

@test "noexecMounts: without the feature gate, a pod with the options is denied" {
  in_namespace noexec-mutating noexec-validating
  # kubectl rejects a field that an older API server does not know.
  denied_by noexec-validating k create --validate=ignore --filename <(workload Pod web "$MOUNTED" '
    .spec.containers[0].volumeMounts[0].bindMountOptions = ["noexec", "nosuid"]')
  same "$DROPPED" "$message"
}

@test "noexecMounts: without the feature gate, a custom resource keeps its fix" {
  in_namespace noexec-mutating noexec-validating
  k create --filename <(workload Rollout web "$MOUNTED")
  same '[["noexec","nosuid"]]' "$(mount_options rollout/web)"
}

@test "noexecMounts: with the feature gate, a fixed pod is admitted and stored with the options" {
  local gated
  kube-apiserver --help | grep --quiet VolumeBindMountOptions || skip "this version of Kubernetes does not have the feature gate"
  gated=https://127.0.0.1:$(free_port)
  LOG=gated serve_api "$gated" --feature-gates VolumeBindMountOptions=true --audit-log-path "$CLUSTER/gated-audit.log"
  eventually 120 is_ready "$gated" || { tail "$CLUSTER/gated.log"; return 1; }
  in_namespace noexec-mutating noexec-validating
  k create --server "$gated" --filename <(workload Pod web "$MOUNTED")
  same '[["noexec","nosuid"]]' "$(mount_options pod/web)"
  # The fix mounts two volumes.
  k create --server "$gated" --filename <(workload Pod plain "$PLAIN")
  same '[["noexec","nosuid"],["noexec","nosuid"]]' "$(mount_options pod/plain)"
  # An API server without the gate keeps the field of stored objects.
  k label pod/web team=shop
  same '[["noexec","nosuid"]]' "$(mount_options pod/web)"
  stop "$(tail -n 1 "$CLUSTER/pids")"
}

# --- Objects that are older than the policy ---

# Updates that do not change a pod spec are admitted, and older objects can be deleted.
lives_on() { # POLICY…
  needs_nodes
  in_namespace
  k create --filename <(workload Deployment web "$PLAIN"; workload Pod pod "$PLAIN"; workload Job job "$PLAIN"
    workload StatefulSet sts "$PLAIN" 'del(.spec.volumeClaimTemplates)'; workload DaemonSet ds "$PLAIN"
    workload Pod held "$PLAIN" '.metadata.finalizers = ["example.com/held"]')
  rolled_out deployment/web
  enforce "$@"
  k label pod/pod deployment/web statefulset/sts daemonset/ds team=shop
  k annotate pod/pod example.com/note=kept
  k apply --filename <(workload Pod pod "$PLAIN") 2>/dev/null
  k patch pod pod --type merge --patch '{"metadata": {"finalizers": ["example.com/held"]}}'
  k patch pod pod --type merge --patch '{"metadata": {"finalizers": []}}'
  k scale deployment/web --replicas 1
  eventually 30 test "$(k get pods --selector app=web --output name | wc -l)" -eq 1 ||
    eventually 30 has_pods web 1
  k delete pod held --wait=false
  k patch pod held --type merge --patch '{"metadata": {"finalizers": []}}'
  k wait --for=delete pod/held --timeout 30s
  k wait --for condition=Complete job/job --timeout 30s
  k delete statefulset sts --cascade=foreground --timeout 30s
  # A new image changes the pod spec.
  denied_by "$1" k set image pod/pod web=nginx:1.30
  [[ $message == *"must keep the image"* ]]
}

has_pods() { # APP COUNT
  (($(k get pods --selector "app=$1" --output name | wc -l) == $2))
}

@test "older objects are labelled, scaled and deleted" {
  lives_on cluster
}

@test "older objects are labelled, scaled and deleted with onUpdate: all" {
  lives_on strict
}

@test "older objects are labelled, scaled and deleted if ReplicaSets are registered" {
  lives_on more-strict
}

@test "a Job with a succeeded pod completes with onUpdate: all" {
  local pod
  needs kube-controller-manager
  in_namespace
  k create --filename <(workload Job job "$PLAIN" '.spec.template.spec.schedulerName = "none"')
  k wait --for=create pod --selector app=job --timeout 30s
  pod=$(k get pods --selector app=job --output name)
  enforce strict
  k patch "$pod" --subresource status --type merge --patch '{"status": {"phase": "Succeeded"}}'
  # The controller removes its finalizer from the pod.
  k wait --for condition=Complete job/job --timeout 30s
  k delete "$pod" --timeout 30s
}

@test "a hardened Deployment replaces its older pods with onUpdate: all" {
  needs_nodes
  in_namespace
  k create --filename <(workload Deployment web "$PLAIN")
  rolled_out deployment/web
  enforce more-strict
  k apply --filename <(workload Deployment web "$HARDENED" '
    .spec.template.spec.containers[0] |= (.image += "@sha256:" + "0" * 64
      | .securityContext += {runAsUser: 10000, runAsGroup: 10000})
    | .spec.template.spec.securityContext = {
      runAsGroup: 10000, supplementalGroups: [10000], fsGroup: 10000, seccompProfile: {type: "RuntimeDefault"}}') 2>/dev/null
  rolled_out deployment/web
  has_replicasets web 2
}

@test "a namespace with older objects is deleted with onUpdate: all" {
  needs_nodes
  in_namespace
  k create --filename <(workload Deployment web "$PLAIN"; workload Job job "$PLAIN")
  rolled_out deployment/web
  enforce more-strict
  kubectl delete namespace "$namespace" --timeout 60s
  namespace=
}

# --- Running pods ---

# A hardened pod on a node.
running_pod() {
  k create --filename <(workload Pod web "$HARDENED" '.spec.nodeName = "node"') >/dev/null
  ! has kwok || k wait --for condition=Ready pod/web --timeout 30s >/dev/null
}

DEVELOPER=(--as dana --as-group developers)
BREAK_GLASS=("${DEVELOPER[@]}" --as-group break-glass)

as_developer() {
  k "${DEVELOPER[@]}" "$@"
}

as_break_glass() {
  k "${BREAK_GLASS[@]}" "$@"
}

@test "exec, attach, port-forward and cp are denied, except for exempt users" {
  needs_nodes
  in_namespace live-access
  running_pod
  denied_by live-access as_developer exec web -- cat log
  denied_by live-access as_developer attach web
  denied_by live-access as_developer cp web:log "$BATS_TEST_TMPDIR/copied"
  denied_by live-access as_developer port-forward web :80
  same "written by web" "$(as_break_glass exec web -- cat log)"
  as_break_glass cp web:log "$BATS_TEST_TMPDIR/copied"
  same "written by web" "$(cat "$BATS_TEST_TMPDIR/copied")"
  # These commands stay connected until they are stopped.
  timeout 20 kubectl --namespace "$namespace" "${BREAK_GLASS[@]}" attach web >/dev/null 2>&1 3>&- &
  eventually 20 is_connected web attach
  timeout 20 kubectl --namespace "$namespace" "${BREAK_GLASS[@]}" port-forward web :80 >"$BATS_TEST_TMPDIR/forward" 2>&1 3>&- &
  eventually 20 grep --quiet '^Forwarding from 127' "$BATS_TEST_TMPDIR/forward"
  same ok "$(curl --silent --insecure "https://$(sed -n 's/^Forwarding from \(127[^ ]*\) .*/\1/p' "$BATS_TEST_TMPDIR/forward")/healthz")"
  kill %1 %2
}

is_connected() { # POD SUBRESOURCE
  jq --exit-status --slurp --arg uri "/api/v1/namespaces/$namespace/pods/$1/$2?" '
    any(.[]; (.requestURI | startswith($uri)) and .responseStatus.code == 101)' \
    <(grep --fixed-strings "/$namespace/pods/$1/$2" "$CLUSTER/audit.log") >/dev/null
}

@test "RBAC is checked before the policy" {
  needs_nodes
  in_namespace live-access
  running_pod
  run k --as eve exec web -- sh
  [[ $output == *'User "eve" cannot get resource "pods"'* ]]
}

@test "a denied command lists the allowed commands" {
  needs_nodes
  in_namespace commands
  running_pod
  denied_by commands as_developer exec web -- sh
  same 'command: user "dana" must run one of the allowed commands (["nginx", "-t"], ["cat", "*"]) in container "web" of "web", not ["sh"] [interactiveAccess]' "$message"
  same "written by web" "$(as_developer exec web -- cat log)"
}

@test "debug containers are evaluated, and a restricted one with a read-only root is admitted" {
  local profile
  in_namespace cluster
  running_pod
  for profile in general baseline restricted; do
    denied_by cluster as_developer debug web --image busybox:1.37 --container "$profile" --profile "$profile"
  done
  echo '{"securityContext": {"readOnlyRootFilesystem": true}}' >"$BATS_TEST_TMPDIR/custom.json"
  as_developer debug web --image busybox:1.37 --container debug --profile restricted --custom "$BATS_TEST_TMPDIR/custom.json"
  has_field pod/web '{.spec.ephemeralContainers[*].name}' debug
}

@test "debug containers are denied, except for exempt users" {
  in_namespace live-access
  running_pod
  echo '{"securityContext": {"readOnlyRootFilesystem": true}}' >"$BATS_TEST_TMPDIR/custom.json"
  local restricted=(--image busybox:1.37 --container debug --profile restricted --custom "$BATS_TEST_TMPDIR/custom.json")
  denied_by live-access as_developer debug web "${restricted[@]}"
  as_break_glass debug web "${restricted[@]}"
  has_field pod/web '{.spec.ephemeralContainers[*].name}' debug
}

@test "resize, status, binding and eviction are admitted" {
  local resources='{"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "1", "memory": "64Mi"}}'
  in_namespace
  # An older pod without a node, so that the test sets its status.
  k create --filename <(workload Pod web "$PLAIN" ".spec.schedulerName = \"none\" | .spec.containers[0].resources = $resources")
  enforce strict
  k patch pod web --subresource status --type merge --patch "{\"status\": {\"containerStatuses\": [{
    \"name\": \"web\", \"image\": \"nginx:1.29\", \"imageID\": \"\", \"ready\": true, \"restartCount\": 0, \"resources\": $resources}]}}"
  k patch pod web --subresource resize --patch '{"spec": {"containers": [{
    "name": "web", "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}}]}}'
  has_field pod/web '{.spec.containers[0].resources.limits.cpu}' 2
  k create --raw "/api/v1/namespaces/$namespace/pods/web/binding" --filename - <<<'{"apiVersion": "v1", "kind": "Binding",
    "metadata": {"name": "web"}, "target": {"apiVersion": "v1", "kind": "Node", "name": "node"}}'
  has_field pod/web '{.spec.nodeName}' node
  k create --raw "/api/v1/namespaces/$namespace/pods/web/eviction" --filename - <<<'{"apiVersion": "policy/v1",
    "kind": "Eviction", "metadata": {"name": "web"}}'
}

@test "a pod keeps its image" {
  in_namespace cluster
  k create --filename <(workload Pod web "$HARDENED")
  denied_by cluster k set image pod/web web=nginx:1.30
  same 'spec.containers[0].image: container "web" must keep the image "nginx:1.29", not run "nginx:1.30" [imageChange]' "$message"
}

# --- Audit ---

@test "reports of the audit scanner have findings, severity and category" {
  needs audit-scanner
  has_controller || skip "there is no kubewarden-controller"
  in_namespace
  k create --filename <(workload Pod web "$PLAIN")
  audit-scanner --kubewarden-namespace kubewarden --namespace "$namespace" --policy-server-url "$POLICY_SERVER_URL" \
    --extra-ca "$CLUSTER/ca.crt" --loglevel info >"$BATS_TEST_TMPDIR/log" 2>&1 || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
  k get policyreports --output json >"$BATS_TEST_TMPDIR/reports.json"
  jq --compact-output '[.items[].results[] | select(.policy == "clusterwide-cluster")] | .[0] | {result, severity, category}' \
    "$BATS_TEST_TMPDIR/reports.json" | tee "$BATS_TEST_TMPDIR/result"
  same '{"result":"fail","severity":"high","category":"Resource validation"}' "$(cat "$BATS_TEST_TMPDIR/result")"
  jq --raw-output '[.items[].results[] | select(.policy == "clusterwide-cluster")] | .[0].message' "$BATS_TEST_TMPDIR/reports.json" |
    grep --fixed-strings 'container "web" must set it to true [readOnlyRootFilesystem]'
}

# --- Check of the cluster ---

# Prints the verdicts on the Deployments in the namespace of the test.
check_deployments() { # [FLAG…]
  "$PROGRAM" check --cluster --namespace "$namespace" --output json "$@" >"$BATS_TEST_TMPDIR/report.json" || (($? == 1))
  jq --raw-output '.objects[] | select(.kind == "Deployment") | "\(.file) \(.name) \(.verdict)"' "$BATS_TEST_TMPDIR/report.json"
}

@test "check --cluster has the verdicts of the policy on objects that exist" {
  local policy=$BATS_TEST_TMPDIR/policy.json errors=$BATS_TEST_TMPDIR/errors code=0
  needs_client
  in_namespace
  k create --filename <(workload Deployment hardened "$HARDENED")
  k create --filename <(workload Deployment plain "$PLAIN")
  same $'e2e hardened admitted\ne2e plain denied' "$(check_deployments)"
  # The labels of the namespace decide whether a policy applies.
  "$PROGRAM" request examples/policies/cluster.yaml |
    jq '.object | .spec.namespaceSelector = {matchExpressions: [{key: "checked", operator: "Exists"}]}' >"$policy"
  same $'e2e hardened skipped\ne2e plain skipped' "$(check_deployments --policy "$policy")"
  kubectl label namespace "$namespace" checked= >/dev/null
  same $'e2e hardened admitted\ne2e plain denied' "$(check_deployments --policy "$policy")"
  # A resource that a user must not list does not hide the others.
  KUBECONFIG=$(kubeconfig_of system:kube-scheduler) "$PROGRAM" check --cluster >/dev/null 2>"$errors" || code=$?
  same 2 "$code"
  grep --fixed-strings 'error: e2e: cannot list deployments.apps: forbidden: User "system:kube-scheduler"' "$errors"
  [[ $(<"$errors") != *"cannot list pods"* ]]
}

# --- Settings and fixes for what runs ---

# Prints a list of pod specs, most of which break rules.
specs_that_break_rules() {
  jq --null-input '
    def container: {name: "web", image: "nginx:1.29"};
    def agent($path; $readOnly): {
      containers: [container | .name = "agent" | .volumeMounts = [{name: "node", mountPath: "/node", readOnly: $readOnly}]],
      volumes: [{name: "node", hostPath: {path: $path}}]};
    [
      {containers: [container]},
      {containers: [container | .image = "registry.example.com/shop/web"], hostNetwork: true},
      {containers: [container | .securityContext = {privileged: true}]},
      agent("/var/log"; true),
      agent("/run"; false),
      {containers: [container | .volumeMounts = [{name: "data", mountPath: "/usr/lib/nginx"}]], volumes: [{name: "data", emptyDir: {}}]}
    ]'
}

# Converts settings in YAML to JSON.
settings_as_json() { # FILE
  { printf 'apiVersion: example.com/v1\nkind: Settings\nmetadata: {name: settings}\nspec:\n' && sed 's/^/  /' "$1"; } |
    "$PROGRAM" request - | jq .object.spec
}

@test "baseline admits a cluster with twenty workloads, and each exemption is needed" {
  local settings=$BATS_TEST_TMPDIR/settings.yaml objects exemptions
  needs_client
  needs_nodes
  in_namespace
  twenty_workloads "$(specs_that_break_rules)" | k create --filename - >/dev/null
  objects=$(k get deployments,statefulsets,daemonsets,jobs,cronjobs,replicationcontrollers --output name | wc -l)
  # Three Deployments have two pods each, and a CronJob waits for its hour.
  eventually 60 eval '(($(k get pods --output name | wc -l) >= 20))'
  run "$PROGRAM" check --cluster --namespace "$namespace"
  [ "$status" -eq 1 ]
  "$PROGRAM" baseline --cluster --namespace "$namespace" --expires 2999-12-31 >"$settings"
  sed --silent '/^#/p' "$settings"
  "$PROGRAM" check --cluster --namespace "$namespace" --policy "$settings"
  # Pods are counted with the workloads that create them.
  ((objects == 18))
  grep --extended-regexp "^# Settings that admit what exists now: [0-9]+ objects, [0-9]+ of them controlled by others\." "$settings"
  [[ $(grep --only-matching 'Pod test-[0-9]*/app-[0-9]*' "$settings" | sort --unique | wc -l) -le 2 ]]
  settings_as_json "$settings" >"$BATS_TEST_TMPDIR/settings.json"
  exemptions=$(jq '.exemptions | length' "$BATS_TEST_TMPDIR/settings.json")
  ((exemptions >= 3))
  for ((exemption = 0; exemption < exemptions; exemption++)); do
    jq "del(.exemptions[$exemption])" "$BATS_TEST_TMPDIR/settings.json" >"$BATS_TEST_TMPDIR/less.json"
    run "$PROGRAM" check --cluster --namespace "$namespace" --policy "$BATS_TEST_TMPDIR/less.json"
    [ "$status" -eq 1 ]
  done
}

@test "kubectl applies the objects that fix prints for a cluster" {
  needs_client
  in_namespace
  k create --filename <(workload Deployment plain "$PLAIN")
  k create --filename <(workload CronJob plain "$PLAIN")
  "$PROGRAM" fix --cluster --namespace "$namespace" >"$BATS_TEST_TMPDIR/fixed.yaml"
  k apply --filename "$BATS_TEST_TMPDIR/fixed.yaml"
  has_field deployment/plain '{.spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem}' true
  has_field cronjob/plain '{.spec.jobTemplate.spec.template.spec.containers[0].securityContext.runAsNonRoot}' true
  same "" "$("$PROGRAM" fix --cluster --namespace "$namespace" | grep 'kind: Deployment')"
}

@test "the API server accepts what fix writes" {
  local example
  in_namespace
  for example in examples/fix/nginx.yaml examples/nginx/1-plain.yaml examples/httpd/1-plain.yaml; do
    cp "$example" "$BATS_TEST_TMPDIR/fixed.yaml"
    "$PROGRAM" fix "$BATS_TEST_TMPDIR/fixed.yaml" || (($? == 1))
    ! cmp --silent "$example" "$BATS_TEST_TMPDIR/fixed.yaml"
    k apply --dry-run=server --filename "$BATS_TEST_TMPDIR/fixed.yaml"
  done
}
