#!/usr/bin/env bats
# Tests a policy server with the requests of API servers and of the audit scanner.

load helpers

FIX='{readOnlyRootFilesystem: fix, allowPrivilegeEscalation: fix, runAsNonRoot: fix,
  capabilities: {mode: fix, requiredDrop: [ALL]}, writablePaths: [{paths: [/tmp]}]}'

setup_file() {
  local url=file://$PWD/$MODULE
  cat >"$BATS_FILE_TMPDIR/policies.yml" <<EOF
defaults: {module: "$url"}
fixing: {module: "$url", settings: $FIX, allowedToMutate: true}
fixing-without-leave: {module: "$url", settings: $FIX}
every-rule:
  module: $url
  settings: {ephemeralContainers: deny, interactiveAccess: deny, shellRemoval: deny, sharedProcessNamespace: deny}
warning: {module: "$url", settings: {enforcement: warn}}
monitoring: {module: "$url", policyMode: monitor}
with-a-message: {module: "$url", message: containers stay as they were built}
group:
  policies:
    hardened: {module: "$url"}
    fixed: {module: "$url", settings: $FIX}
  expression: hardened() || fixed()
  message: neither hardened nor fixed
EOF
  start_policy_server "$BATS_FILE_TMPDIR"
  export POLICY_SERVER_URL policy_server_pid
}

teardown_file() {
  stop "$policy_server_pid"
}

# Converts a request to the form of the audit scanner: an object and its kind, without a user and a resource.
as_audited() {
  jq '{uid, name, namespace, kind, requestKind, operation, object,
    resource: (.resource + {resource: .kind.kind}), userInfo: {}, dryRun: false}'
}

@test "a hardened pod is admitted" {
  request_of neutral/pod | ask validate defaults | answers "$(admitted)"
}

@test "a denial lists every required change after a summary" {
  request_of updates/findings/all | jq '.operation = "CREATE" | .oldObject = null' |
    ask validate defaults | jq --raw-output .status.message >"$BATS_TEST_TMPDIR/message"
  diff --unified - "$BATS_TEST_TMPDIR/message" <<'EOF'
6 findings in container "web", the pod: readOnlyRootFilesystem, privileged, allowPrivilegeEscalation, runAsNonRoot, hostNamespaces, imageReference
spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem: container "web" must set it to true [readOnlyRootFilesystem]
spec.template.spec.containers[0].securityContext.privileged: container "web" must not set it to true [privileged]
spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: container "web" must set it to false [allowPrivilegeEscalation]
spec.template.spec.containers[0].securityContext.runAsNonRoot: container "web" must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]
spec.template.spec.hostNetwork: the pod must not share the host's network namespace [hostNamespaces]
spec.template.spec.containers[0].image: container "web" must not use the tag "latest" without a digest: "registry.example.com/shop/web:latest" [imageReference]
EOF
}

@test "an update is denied for new findings" {
  request_of updates/findings/one-more-violation | ask validate defaults |
    answers "$(deny_of updates/findings/one-more-violation | denied)"
}

@test "a shell in a container is denied" {
  request_of interactive_access/denied/exec | ask validate every-rule |
    answers "$(deny_of interactive_access/denied/exec | denied)"
}

@test "a new debugger is denied" {
  request_of ephemeral_containers/denied/kubectl-debug | ask validate every-rule |
    answers "$(deny_of ephemeral_containers/denied/kubectl-debug | denied)"
}

@test "shells and debuggers are admitted if their rules are off" {
  request_of interactive_access/denied/exec | ask validate defaults | answers "$(admitted)"
  request_of ephemeral_containers/denied/kubectl-debug | ask validate defaults | answers "$(admitted)"
}

@test "enforcement: warn returns warnings" {
  request_of privileged/denied/every-container | ask validate warning |
    answers "$(deny_of privileged/denied/every-container | warned)"
}

@test "monitor mode admits every request and counts findings" {
  request_of privileged/denied/every-container | ask validate monitoring |
    answers "$(admitted '{"auditAnnotations": {"privileged": "4"}}')"
}

@test "a policy with its own message puts the findings into the causes" {
  request_of privileged/denied/every-container | ask validate with-a-message |
    answers "$(deny_of privileged/denied/every-container | denied | jq '.status += {
      message: "containers stay as they were built",
      details: {causes: [{field: null, reason: null, message: .status.message}]}}')"
}

@test "unset fields are fixed" {
  local answer
  answer=$(request_of fixes/rules/all-rules | ask validate fixing)
  jq 'del(.patch)' <<<"$answer" | answers "$(admitted '{
    "patchType": "JSONPatch",
    "auditAnnotations": {
      "fixes": "readOnlyRootFilesystem: 1; allowPrivilegeEscalation: 1; runAsNonRoot: 1; capabilities: 1"}}')"
  same "$(fixed_object_of fixes/rules/all-rules | jq --sort-keys .)" \
    "$(request_of fixes/rules/all-rules | jq .object | patched_by "$answer" | jq --sort-keys .)"
}

@test "a fix is rejected if the policy must not mutate" {
  request_of fixes/rules/all-rules | ask validate fixing-without-leave | jq '{allowed, message: .status.message, patch}' |
    answers '{"allowed": false, "message": "Request rejected by policy fixing-without-leave. The policy attempted to mutate the request, but it is currently configured to not allow mutations."}'
}

@test "an object without findings is admitted if the policy must not mutate" {
  request_of fixes/rules/all-rules | jq --argjson fixed "$(fixed_object_of fixes/rules/all-rules)" '.object = $fixed' |
    ask validate fixing-without-leave | answers "$(admitted)"
}

@test "a group admits a request that one of its policies admits" {
  request_of neutral/pod | ask validate group | answers "$(admitted)"
}

@test "a group reports the reason of each policy, and does not fix" {
  request_of fixes/rules/all-rules | ask validate group | jq '.status.details.causes |= sort_by(.field)' |
    answers '{"allowed": false, "status": {"message": "neither hardened nor fixed", "details": {"causes": [
      {"field": "spec.policies.fixed", "reason": null, "message": "mutation is not allowed inside of policy group"},
      {"field": "spec.policies.hardened", "reason": null, "message": "3 findings in container \"web\": readOnlyRootFilesystem, allowPrivilegeEscalation, runAsNonRoot\nspec.containers[0].securityContext.readOnlyRootFilesystem: container \"web\" must set it to true [readOnlyRootFilesystem]\nspec.containers[0].securityContext.allowPrivilegeEscalation: container \"web\" must set it to false [allowPrivilegeEscalation]\nspec.containers[0].securityContext.runAsNonRoot: container \"web\" must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]"}
    ]}}}'
}

@test "an audit admits a hardened pod" {
  request_of neutral/pod | as_audited | ask audit every-rule | answers "$(admitted)"
}

@test "an audit reports findings, also in monitor mode" {
  local expected
  expected=$(deny_of privileged/denied/argo-rollout | denied)
  request_of privileged/denied/argo-rollout | as_audited | ask audit defaults | answers "$expected"
  request_of privileged/denied/argo-rollout | as_audited | ask audit monitoring | answers "$expected"
}

@test "a policy server does not start with wrong settings, and logs the errors" {
  cat >"$BATS_TEST_TMPDIR/policies.yml" <<EOF
wrong: {module: "file://$PWD/$MODULE", settings: {privilegd: deny, hostNamespaces: fix}}
EOF
  if start_policy_server "$BATS_TEST_TMPDIR"; then
    stop "$policy_server_pid"
    return 1
  fi
  grep --fixed-strings 'hostNamespaces: mode "fix" is not supported by this rule' "$BATS_TEST_TMPDIR/log"
  grep --fixed-strings 'privilegd: unknown key, did you mean "privileged"?' "$BATS_TEST_TMPDIR/log"
}

@test "a policy server does not start with settings that 0.1.0 accepted" {
  { printf 'old:\n  module: file://%s\n' "$PWD/$MODULE"; sed -n '/^  settings:/,$p' examples/upgrade/0.1.0.yaml; } >"$BATS_TEST_TMPDIR/policies.yml"
  if start_policy_server "$BATS_TEST_TMPDIR"; then
    stop "$policy_server_pid"
    return 1
  fi
  while IFS= read -r error; do
    grep --fixed-strings "$error" "$BATS_TEST_TMPDIR/log"
  done < <(sed -n '/^```text errors/,/^```$/s/^line [^:]*: //p' docs/upgrade.md)
}
