#!/usr/bin/env bash
# What the suites share: fixtures as requests, and answers as they must be.

KWCTL=${KWCTL:-kwctl}
POLICY_SERVER=${POLICY_SERVER:-policy-server}
DOCKER_REGISTRY=${DOCKER_REGISTRY:-docker-registry}
HOST=${HOST:-target/debug/immutable-pods-host}
MODULE=${MODULE:-annotated-policy.wasm}

cd "$BATS_TEST_DIRNAME/.." || exit

# Backtraces would stand in what the user reads.
unset RUST_BACKTRACE RUST_LIB_BACKTRACE
# Nothing of the user's own has a part in the tests, and nothing is left to it.
export XDG_CACHE_HOME="$BATS_RUN_TMPDIR/cache" XDG_CONFIG_HOME="$BATS_RUN_TMPDIR/config"
export XDG_DATA_HOME="$BATS_RUN_TMPDIR/data"
# Nothing leaves the machine: kwctl and policy-server would ask Sigstore for keys, and no proxy listens at this port.
export HTTPS_PROXY=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

# --- Fixtures: see tests/engine/fixture.rs ---

fixture() { # NAME
  echo "tests/fixtures/$1.yaml"
}

# What follows a word in the comments of a fixture, such as its findings, one a line.
comments() { # WORD NAME
  sed -n "s/^# $1: //p" "$(fixture "$2")"
}

settings_of() { # NAME
  local settings
  settings=$(comments settings "$1")
  echo "${settings:-"{}"}"
}

# The requests to create the objects of a fixture, in a list.
requests_of() { # NAME
  "$HOST" request "$(fixture "$1")" | jq --slurp .
}

# In folders of fixes, the last of several objects is what becomes of the one before it.
is_of_fixes() { # NAME
  [[ $1 == */fix/* || $1 == fixes/* || $1 == registry/* ]]
}

# What a fixture asks: to create its object, or to put the second of two in the place of the first one.
request_of() { # NAME
  local skip=0
  is_of_fixes "$1" && skip=1
  requests_of "$1" | jq --compact-output --argjson skip "$skip" '
    if length > $skip then .[:length - $skip] else . end
    | .[0] as $old | .[1] as $new
    | if $new then
        $new + {operation: "UPDATE", oldObject: $old.object} | .options.kind = "UpdateOptions"
      else $old end'
}

# What becomes of the object of a fixture.
fixed_object_of() { # NAME
  requests_of "$1" | jq '.[-1].object'
}

# Settings with the mode of a rule, and its options kept.
with_mode() { # SETTINGS RULE MODE
  jq --compact-output --arg rule "$2" --arg mode "$3" \
    '.[$rule] |= ((objects // {}) + {mode: $mode})' <<<"$1"
}

# --- Answers ---

# An answer that admits, with anything else it must hold, in JSON.
admitted() { # [MORE]
  jq --null-input --argjson more "${1:-"{}"}" '{allowed: true} + $more'
}

# An answer that denies for the findings on stdin, one a line. A line that sums them up precedes several findings.
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

# An answer that admits with the findings on stdin as warnings, one for each rule.
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

# What a finding says: whose it is, and the rule. `distinct` keeps the first of equal items where it is.
# shellcheck disable=SC2016 # jq has variables of its own
FINDINGS='
  def subject: capture("^.*?: (?<subject>the pod|[a-z ]+ \"([^\"\\\\]|\\\\.)*\")").subject;
  def rule: capture("\\[(?<rule>\\w+)\\]$").rule;
  def distinct: reduce .[] as $item ([]; if IN(.[]; $item) then . else . + [$item] end);'

# How many findings each rule has, as the audit log has it.
COUNTS='(map(capture("\\[(?<rule>\\w+)\\]$").rule) | group_by(.) | map({(first): (length | tostring)}) | add)'

# Fails, and shows the difference, unless the answer on stdin is the one given. Which request it is for, and what the
# answer leaves out, does not count.
answers() { # EXPECTED
  same "$(jq --sort-keys . <<<"$1")" "$(jq --sort-keys 'del(.uid) | with_entries(select(.value != null))')"
}

# Fails, and shows the difference, unless two texts are the same.
same() { # EXPECTED ACTUAL
  diff --label expected --label actual --unified <(echo "$1") <(echo "$2")
}

# What an object, on stdin, becomes by the patch of an answer.
patched_by() { # ANSWER
  jq --argjson patch "$(jq --raw-output .patch <<<"$1" | base64 --decode)" --from-file e2e-tests/patch.jq
}

# --- Servers, which listen on the loopback alone ---

# A port that nobody listens on, below those that outgoing connections take.
free_port() {
  local port
  until port=$((20000 + RANDOM % 10000)) && ! is_open "$port"; do :; done
  echo "$port"
}

is_open() { # PORT
  (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts policy-server with the policies.yml of a folder, and waits until it is ready. Leaves its process in
# $policy_server_pid, and its address in $POLICY_SERVER_URL. Policies have a minute to answer, for machines that are busy.
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

# Waits until a server answers, for as long as its process lives and at most two minutes.
wait_for() { # PID URL
  local deadline=$((SECONDS + 120))
  until curl --silent --fail --output /dev/null "$2"; do
    kill -0 "$1" 2>/dev/null && ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

# Ends a server, if it was ever started, before the folder that it writes to is removed.
stop() { # [PID]
  [[ -z $1 ]] || { kill "$1" && wait "$1"; } 2>/dev/null || true
}

# The answer of policy-server to the request on stdin: `validate` asks as an API server does, `audit` as the audit
# scanner does.
ask() { # validate|audit POLICY
  jq '{apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: .}' |
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data-binary @- \
      "$POLICY_SERVER_URL/$1/$2" |
    jq .response
}
