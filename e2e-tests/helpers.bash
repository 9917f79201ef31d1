#!/usr/bin/env bash
# Helpers for all suites: cases as requests, and expected responses.

KWCTL=${KWCTL:-kwctl}
POLICY_SERVER=${POLICY_SERVER:-policy-server}
DOCKER_REGISTRY=${DOCKER_REGISTRY:-docker-registry}
PROGRAM=${PROGRAM:-target/debug/immutable-pods}
MODULE=${MODULE:-annotated-policy.wasm}
# The folder that `cargo xtask cases` fills.
CASES=${CASES:-target/cases}

cd "$BATS_TEST_DIRNAME/.." || exit

# Backtraces would appear in the output for users.
unset RUST_BACKTRACE RUST_LIB_BACKTRACE
# The tests do not read or change files of the user.
export XDG_CACHE_HOME="$BATS_RUN_TMPDIR/cache" XDG_CONFIG_HOME="$BATS_RUN_TMPDIR/config"
export XDG_DATA_HOME="$BATS_RUN_TMPDIR/data"
# Blocks network access: kwctl and policy-server would fetch keys from Sigstore. A proxy does not listen on this port.
export HTTPS_PROXY=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

has() { # PROGRAM
  command -v "$1" >/dev/null
}

# Skips a test if a program is missing.
needs() { # PROGRAM…
  local program
  for program in "$@"; do
    has "$program" || skip "there is no $program"
  done
}

# Repeats a command until it succeeds.
eventually() { # SECONDS COMMAND…
  local deadline=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.3
  done
}

# --- Cases: `cargo xtask cases` writes them as files, see xtask/src/cases.rs ---

request_of() { # CASE
  cat "$CASES/$1/request.json"
}

settings_of() { # CASE
  cat "$CASES/$1/settings.json"
}

# The lines of the denial.
deny_of() { # CASE
  cat "$CASES/$1/deny.txt"
}

# The object that is admitted in place of the requested one.
fixed_object_of() { # CASE
  cat "$CASES/$1/fixed.json"
}

# Prints settings with another mode for a rule. The options of the rule are kept.
with_mode() { # SETTINGS RULE MODE
  jq --compact-output --arg rule "$2" --arg mode "$3" \
    '.[$rule] |= ((objects // {}) + {mode: $mode})' <<<"$1"
}

# --- Responses ---

# Prints a response that admits, with additional fields as JSON.
admitted() { # [MORE]
  jq --null-input --argjson more "${1:-"{}"}" '{allowed: true} + $more'
}

# Prints a response that denies with the findings on stdin, one per line. A summary precedes several findings.
denied() {
  jq --raw-input --null-input "$FINDINGS"'
    def summary:
      (map(subject) | distinct) as $subjects
      | "\(length) findings in \($subjects[:3] | join(", "))"
        + if ($subjects | length) > 3 then " and \(($subjects | length) - 3) more" else "" end
        + ": \(map(rule) | distinct | join(", "))";
    [inputs]
    | (if length > 1 then [summary] else [] end) as $first
    | {allowed: false, status: {message: ($first + . | join("\n")), code: 403}, auditAnnotations: '"$COUNTS"'}'
}

# Prints a response that admits with the findings on stdin as warnings, one per rule.
warned() {
  jq --raw-input --null-input "$FINDINGS"'
    def warning:
      if length == 1 then first
      else
        (first | rule) as $rule
        | "\(first | rtrimstr(" [\($rule)]")), and \(length - 1) more in \(.[1:] | map(subject) | distinct | join(", ")) [\($rule)]"
      end;
    [inputs]
    | . as $findings
    | {
        allowed: true,
        warnings: [map(rule) | distinct[] as $rule | $findings | map(select(rule == $rule)) | warning],
        auditAnnotations: '"$COUNTS"',
      }'
}

# jq functions: the container and the rule of a finding. `distinct` keeps the first of equal items at its position.
# shellcheck disable=SC2016 # jq has its own variables
FINDINGS='
  def subject: capture("^.*?: (?<subject>the pod|[a-z ]+ \"([^\"\\\\]|\\\\.)*\")").subject;
  def rule: capture("\\[(?<rule>\\w+)\\]$").rule;
  def distinct: reduce .[] as $item ([]; if IN(.[]; $item) then . else . + [$item] end);'

# Prints the number of findings per rule, in the format of the audit annotations.
COUNTS='(map(capture("\\[(?<rule>\\w+)\\]$").rule) | group_by(.) | map({(first): (length | tostring)}) | add)'

# Fails with a diff unless the response on stdin has the expected content. Ignores the request id and fields that the response
# does not contain.
answers() { # EXPECTED
  same "$(jq --sort-keys . <<<"$1")" "$(jq --sort-keys 'del(.uid) | with_entries(select(.value != null))')"
}

# Fails with a diff unless two texts are equal.
same() { # EXPECTED ACTUAL
  diff --label expected --label actual --unified <(echo "$1") <(echo "$2")
}

# Applies the patch of a response to the object on stdin.
patched_by() { # ANSWER
  jq --argjson patch "$(jq --raw-output .patch <<<"$1" | base64 --decode)" --from-file e2e-tests/patch.jq
}

# --- Servers, which listen only on the loopback interface ---

# Prints a free port below the range of outgoing connections.
free_port() {
  local port
  until port=$((20000 + RANDOM % 10000)) && ! is_open "$port"; do :; done
  echo "$port"
}

is_open() { # PORT
  (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts policy-server with the policies.yml of a folder, and waits until it is ready. Sets $policy_server_pid and
# $POLICY_SERVER_URL. Policies have a minute to answer, because the machine may be busy.
start_policy_server() { # FOLDER [FLAG…]
  local folder=$1 port probe
  port=$(free_port)
  probe=$(free_port)
  POLICY_SERVER_URL=http://127.0.0.1:$port
  "$POLICY_SERVER" --policies "$folder/policies.yml" --policies-download-dir "$folder/downloads" \
    --sigstore-cache-dir "$folder/sigstore" --addr 127.0.0.1 --port "$port" --readiness-probe-port "$probe" \
    --workers 2 --policy-timeout 60 --log-no-color --ignore-kubernetes-connection-failure "${@:2}" \
    >"$folder/log" 2>&1 3>&- &
  policy_server_pid=$!
  wait_for "$policy_server_pid" "http://127.0.0.1:$probe/readiness" || { cat "$folder/log"; return 1; }
}

# Starts a registry that stores its files in a folder, and waits until it is ready. Sets $registry_pid and $REGISTRY.
start_registry() { # FOLDER
  REGISTRY=127.0.0.1:$(free_port)
  cat >"$1/registry.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: "$1/registry"}}
http: {addr: "$REGISTRY"}
YAML
  "$DOCKER_REGISTRY" serve "$1/registry.yml" >"$1/registry.log" 2>&1 3>&- &
  registry_pid=$!
  wait_for "$registry_pid" "http://$REGISTRY/v2/" || { cat "$1/registry.log"; return 1; }
}

# Waits until a server answers. Fails if its process ends, or after two minutes.
wait_for() { # PID URL
  local deadline=$((SECONDS + 120))
  until curl --silent --fail --output /dev/null "$2"; do
    kill -0 "$1" 2>/dev/null && ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

# Stops a server if it was started, before its folder is removed.
stop() { # [PID]
  [[ -z $1 ]] || { kill "$1" && wait "$1"; } 2>/dev/null || true
}

# Prints the response of policy-server to the request on stdin. `validate` is the endpoint for API servers, `audit` for the audit
# scanner.
ask() { # validate|audit POLICY
  jq '{apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: .}' |
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data-binary @- \
      "$POLICY_SERVER_URL/$1/$2" |
    jq .response
}
