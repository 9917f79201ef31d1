#!/usr/bin/env bash
# Compares presets with Pod Security Admission, which enforces the same level in another namespace.

# shellcheck disable=SC2154 # in_namespace sets the variable

# Prints the folder with the fixtures of Pod Security Admission for a level, which `make control-plane` copies.
pod_security_fixtures() { # LEVEL
  local folder
  folder=$(dirname "$(command -v kube-apiserver)")/pod-security-fixtures/$1
  [[ -d $folder ]] && echo "$folder"
}

# Creates a namespace with a preset, and one in which Pod Security Admission enforces the same level.
in_namespaces_of() { # LEVEL
  in_namespace
  enforced=$namespace-enforced
  kubectl create namespace "$enforced" >/dev/null
  ! has kube-controller-manager || eventually 30 kubectl --namespace "$enforced" get serviceaccount default >/dev/null 2>&1
}

# Starts to enforce a level in both namespaces.
enforce_level() { # LEVEL
  kubectl label namespace "$enforced" "pod-security.kubernetes.io/enforce=$1" >/dev/null
  kubectl label namespace "$namespace" "policy/preset-$1=" >/dev/null
  eventually 30 denies_host_network "$namespace"
  eventually 30 denies_host_network "$enforced"
}

denies_host_network() { # NAMESPACE
  ! workload Pod probe "$HARDENED" '.spec.hostNetwork = true' |
    kubectl --namespace "$1" create --dry-run=server --filename - >/dev/null 2>&1
}

# Prints the verdict on the output of kubectl.
verdict() { # STATUS MESSAGE
  case $1:$2 in
    0:*) echo admitted ;;
    *:*"denied the request"* | *"violates PodSecurity"*) echo denied ;;
    *) echo invalid ;;
  esac
}

# Prints the verdict on a command in a namespace.
verdict_on() { # COMMAND…
  local output status=0
  output=$("$@" 2>&1) || status=$?
  verdict "$status" "$output"
}

# Prints the verdict on each pod in a folder. Some have names that no pod can have.
verdicts_on_fixtures() { # NAMESPACE FOLDER
  local file
  for file in "$2"/*.yaml; do
    sed 's/^  name: .*/  name: fixture/' "$file" >"$BATS_TEST_TMPDIR/fixture.yaml"
    echo "$(basename "$2")/$(basename "$file" .yaml) $(verdict_on kubectl --namespace "$1" create --dry-run=server --filename "$BATS_TEST_TMPDIR/fixture.yaml")"
  done
}

# Prints the fixtures that Pod Security Admission of an older server denies although the newest standards admit them, as
# docs/migrate/pod-security-admission.md lists them.
denied_by_older_servers() { # LEVEL
  local minor
  minor=$(kubectl version --output json | jq --raw-output .serverVersion.minor | tr -cd 0-9)
  ((minor >= 35)) || [[ $1 == restricted ]] || echo "pass/procmount1 admitted"
  ((minor >= 37)) || echo "pass/sysctls1 admitted"
}

# Fails unless the preset and Pod Security Admission have the same verdict on every fixture of a level, and the verdict that the
# standards give it.
same_on_fixtures() { # LEVEL
  local fixtures kind
  fixtures=$(pod_security_fixtures "$1") || skip "there are no fixtures of Pod Security Admission: make control-plane"
  in_namespaces_of "$1"
  enforce_level "$1"
  for kind in pass fail; do
    verdicts_on_fixtures "$namespace" "$fixtures/$kind"
  done | sort >"$BATS_TEST_TMPDIR/preset"
  for kind in pass fail; do
    verdicts_on_fixtures "$enforced" "$fixtures/$kind"
  done | sort >"$BATS_TEST_TMPDIR/enforced"
  same "$(denied_by_older_servers "$1")" "$(comm -13 "$BATS_TEST_TMPDIR"/{enforced,preset})"
  # No API server accepts Unmasked in a pod that shares the users of its node.
  same "procmount0 procmount1" "$(sed -n 's|.*/\(.*\) invalid$|\1|p' "$BATS_TEST_TMPDIR/preset" | sort | xargs)"
  same "" "$(grep --invert-match --extended-regexp '^(pass/.* admitted|fail/.* denied|.* invalid)$' "$BATS_TEST_TMPDIR/preset")"
}

# Prints the verdict on each update of two pods in a namespace: a pod that the level allows, and one that it does not.
verdicts_on_updates() { # NAMESPACE
  local pod
  for pod in good bad; do
    update "$1" $pod label label pod $pod changed=yes
    update "$1" $pod annotation annotate pod $pod changed=yes
    update "$1" $pod toleration patch pod $pod --patch '{"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}}'
    update "$1" $pod deadline patch pod $pod --patch '{"spec": {"activeDeadlineSeconds": 3600}}'
    update "$1" $pod image set image pod/$pod web=nginx:1.30
    update "$1" $pod init-image set image pod/$pod setup=nginx:1.30
    echo "$pod good-debugger $(verdict_on add_debugger "$1" $pod "$GOOD_CONTEXT")"
    echo "$pod bad-debugger $(verdict_on add_debugger "$1" $pod '{"privileged": true}')"
  done
}

# Prints the verdict on one update.
update() { # NAMESPACE POD NAME ARGUMENT…
  echo "$2 $3 $(verdict_on kubectl --namespace "$1" "${@:4}" --dry-run=server)"
}

GOOD_CONTEXT='{"allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
  "seccompProfile": {"type": "RuntimeDefault"}}'

# Adds a debug container to a pod, without storing it.
add_debugger() { # NAMESPACE POD SECURITY_CONTEXT
  kubectl --namespace "$1" get pod "$2" --output json |
    jq --argjson context "$3" '.spec.ephemeralContainers += [{name: "debugger", image: "busybox:1.37", securityContext: $context}]' |
    kubectl replace --raw "/api/v1/namespaces/$1/pods/$2/ephemeralcontainers?dryRun=All" --filename -
}

# Fails unless the preset and Pod Security Admission have the same verdict on every update of pods that were created before.
same_on_updates() { # LEVEL
  local in
  in_namespaces_of "$1"
  for in in "$namespace" "$enforced"; do
    updated_pods | kubectl --namespace "$in" create --filename - >/dev/null
  done
  enforce_level "$1"
  verdicts_on_updates "$namespace" >"$BATS_TEST_TMPDIR/preset"
  verdicts_on_updates "$enforced" >"$BATS_TEST_TMPDIR/enforced"
  diff --unified "$BATS_TEST_TMPDIR/enforced" "$BATS_TEST_TMPDIR/preset"
  same "good label admitted
good image admitted
bad label admitted
bad image denied" "$(grep --regexp ' label ' --regexp ' image ' "$BATS_TEST_TMPDIR/preset")"
}

# Prints a pod that both levels allow, and one that neither allows.
updated_pods() {
  local pod
  pod=$(workload Pod good "$HARDENED" ".spec.containers[0].securityContext = $GOOD_CONTEXT
    | .spec.initContainers = [.spec.containers[0] | .name = \"setup\"]")
  echo "$pod"
  jq '.metadata.name = "bad" | .spec.containers[0].ports = [{containerPort: 80, hostPort: 8080}]' <<<"$pod"
}
