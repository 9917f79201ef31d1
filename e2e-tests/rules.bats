#!/usr/bin/env bats
# Tests every rule with `kwctl run`, or with the program that replaces it.

load helpers

# The fixtures of a rule are in a folder with its name in snake case.
of_rule() { # RULE FOLDER FIXTURE
  local snake_case
  snake_case=$(echo "$1" | sed 's/[A-Z]/_&/g' | tr '[:upper:]' '[:lower:]')
  echo "$snake_case/$2/$3"
}

# Prints the response of the module to a fixture.
judge() { # FIXTURE SETTINGS [FLAG…]
  request_of "$1" >"$BATS_TEST_TMPDIR/request.json"
  "$KWCTL" run --request-path "$BATS_TEST_TMPDIR/request.json" --settings-json "$2" "$MODULE" "${@:3}"
}

admits() { # RULE FIXTURE
  local fixture settings
  fixture=$(of_rule "$1" pass "$2")
  settings=$(settings_of "$fixture")
  judge "$fixture" "$settings" | answers "$(admitted)"
}

denies() { # RULE FIXTURE
  local fixture
  fixture=$(of_rule "$1" fail "$2")
  judge "$fixture" "$(settings_of "$fixture")" | answers "$(comments finding "$fixture" | denied)"
}

warns() { # RULE FIXTURE
  local fixture
  fixture=$(of_rule "$1" fail "$2")
  judge "$fixture" "$(with_mode "$(settings_of "$fixture")" "$1" warn)" |
    answers "$(comments finding "$fixture" | warned)"
}

# Without the exemption, the same request is denied: see `denies`.
exempts() { # RULE FIXTURE
  local fixture namespace exemption
  fixture=$(of_rule "$1" fail "$2")
  namespace=$(request_of "$fixture" | jq .namespace)
  exemption="{\"reason\": \"it must\", \"rules\": [\"$1\"], \"namespaces\": [$namespace]}"
  judge "$fixture" "$(settings_of "$fixture" | jq --compact-output ".exemptions = [$exemption]")" |
    answers "$(admitted '{"auditAnnotations": {"exemptions": "exemptions[0]: it must"}}')"
}

fixes() { # RULE FIXTURE
  local fixture settings answer
  fixture=$(of_rule "$1" fix "$2")
  settings=$(with_mode "$(settings_of "$fixture")" "$1" fix)
  recording "$fixture" >"$BATS_TEST_TMPDIR/recording.json"
  answer=$(judge "$fixture" "$settings" --replay-host-capabilities-interactions "$BATS_TEST_TMPDIR/recording.json")
  jq 'del(.patch, .auditAnnotations.fixes)' <<<"$answer" |
    answers "$(admitted '{"auditAnnotations": {}, "patchType": "JSONPatch"}')"
  same "$(fixed_object_of "$fixture" | jq --sort-keys .)" \
    "$(request_of "$fixture" | jq .object | patched_by "$answer" | jq --sort-keys .)"
}

# Prints the registry responses of a fixture, in the format of kwctl.
recording() { # FIXTURE
  comments host "$1" | jq --slurp 'map({
    type: "Exchange",
    request: "!OciManifestDigest\nimage: \(.digest)\n",
    response: {type: "Success", payload: {digest: .is} | tojson}})'
}

@test "readOnlyRootFilesystem admits containers with a read-only root" { admits readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem denies containers with a writable root" { denies readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem warns about containers with a writable root" { warns readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem admits exempt violations" { exempts readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem fixes an unset field" { fixes readOnlyRootFilesystem every-container; }

@test "privileged admits unprivileged containers" { admits privileged false-null-or-unset; }
@test "privileged denies privileged containers" { denies privileged every-container; }
@test "privileged warns about privileged containers" { warns privileged every-container; }
@test "privileged admits exempt violations" { exempts privileged every-container; }

@test "allowPrivilegeEscalation admits containers that set it to false" { admits allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation denies containers that do not set it to false" { denies allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation warns about containers that do not set it to false" { warns allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation admits exempt violations" { exempts allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation fixes an unset field" { fixes allowPrivilegeEscalation every-container; }

@test "runAsNonRoot admits a user within the ranges" { admits runAsNonRoot user-ranges-inherited; }
@test "runAsNonRoot denies containers that may run as root" { denies runAsNonRoot every-container; }
@test "runAsNonRoot warns about containers that may run as root" { warns runAsNonRoot every-container; }
@test "runAsNonRoot admits exempt violations" { exempts runAsNonRoot every-container; }
@test "runAsNonRoot fixes containers without a user" { fixes runAsNonRoot every-container; }

@test "hostNamespaces admits allowed namespaces" { admits hostNamespaces allowed; }
@test "hostNamespaces denies every host namespace" { denies hostNamespaces all; }
@test "hostNamespaces warns about every host namespace" { warns hostNamespaces all; }
@test "hostNamespaces admits exempt violations" { exempts hostNamespaces all; }

@test "imageReference admits the digest that the settings require" { admits imageReference digest-where-one-is-required; }
@test "imageReference denies images without a fixed tag" { denies imageReference every-container; }
@test "imageReference warns about images without a fixed tag" { warns imageReference every-container; }
@test "imageReference admits exempt violations" { exempts imageReference every-container; }
@test "imageReference fixes a tag with its digest" { fixes imageReference one-image-in-many-containers; }

@test "imageChange admits a digest for the old tag" { admits imageChange pinning; }
@test "imageChange denies a new image in a running pod" { denies imageChange kubectl-set-image; }
@test "imageChange warns about a new image in a running pod" { warns imageChange kubectl-set-image; }
@test "imageChange admits exempt violations" { exempts imageChange kubectl-set-image; }

@test "hostPathVolumes admits allowed paths" { admits hostPathVolumes every-container; }
@test "hostPathVolumes denies a denied path in every notation" { denies hostPathVolumes denied-in-disguise; }
@test "hostPathVolumes warns about a denied path" { warns hostPathVolumes denied-in-disguise; }
@test "hostPathVolumes admits exempt violations" { exempts hostPathVolumes denied-in-disguise; }

@test "writableMounts admits mounts next to protected paths" { admits writableMounts beside-the-protected-places; }
@test "writableMounts denies mounts that reach a protected path" { denies writableMounts at-below-and-above; }
@test "writableMounts warns about mounts that reach a protected path" { warns writableMounts at-below-and-above; }
@test "writableMounts admits exempt violations" { exempts writableMounts at-below-and-above; }

@test "capabilities admits containers that drop everything" { admits capabilities every-container; }
@test "capabilities denies added capabilities and missing drops" { denies capabilities add-and-drop; }
@test "capabilities warns about added capabilities and missing drops" { warns capabilities add-and-drop; }
@test "capabilities admits exempt violations" { exempts capabilities add-and-drop; }
@test "capabilities fixes containers that do not drop everything" { fixes capabilities every-container; }

@test "procMount admits the default" { admits procMount default; }
@test "procMount denies a debugger that unmasks /proc" { denies procMount kubectl-debug; }
@test "procMount warns about a debugger that unmasks /proc" { warns procMount kubectl-debug; }
@test "procMount admits exempt violations" { exempts procMount kubectl-debug; }

@test "sysctls admits safe sysctls" { admits sysctls safe; }
@test "sysctls denies unsafe sysctls" { denies sysctls unsafe; }
@test "sysctls warns about unsafe sysctls" { warns sysctls unsafe; }
@test "sysctls admits exempt violations" { exempts sysctls unsafe; }

@test "ephemeralContainers admits an existing debugger" { admits ephemeralContainers old-debugger-and-new-label; }
@test "ephemeralContainers denies a new debugger" { denies ephemeralContainers kubectl-debug; }
@test "ephemeralContainers warns about a new debugger" { warns ephemeralContainers kubectl-debug; }
@test "ephemeralContainers admits exempt violations" { exempts ephemeralContainers kubectl-debug; }

@test "interactiveAccess admits an allowed command" { admits interactiveAccess allowed-command; }
@test "interactiveAccess denies a shell in a running pod" { denies interactiveAccess exec; }
@test "interactiveAccess warns about a shell in a running pod" { warns interactiveAccess exec; }
@test "interactiveAccess admits exempt violations" { exempts interactiveAccess exec; }

@test "shellRemoval admits a probe that removes the shells" { admits shellRemoval rm; }
@test "shellRemoval denies a container that keeps its shells" { denies shellRemoval no-probe; }
@test "shellRemoval warns about a container that keeps its shells" { warns shellRemoval no-probe; }
@test "shellRemoval admits exempt violations" { exempts shellRemoval no-probe; }

@test "sharedProcessNamespace admits containers with separate processes" { admits sharedProcessNamespace false; }
@test "sharedProcessNamespace denies containers that share their processes" { denies sharedProcessNamespace several-containers; }
@test "sharedProcessNamespace warns about containers that share their processes" { warns sharedProcessNamespace several-containers; }
@test "sharedProcessNamespace admits exempt violations" { exempts sharedProcessNamespace several-containers; }

@test "every rule in the README has tests" {
  same "$(verdicts_of_readme | sort)" \
    "$(sed -n 's/^@test .* { \([a-z]*\) \([A-Za-z]*\) [^ ]*; }$/\2 \1/p' "$BATS_TEST_FILENAME" | sort)"
}

# Prints the required tests of each rule in the README.
verdicts_of_readme() {
  # shellcheck disable=SC2016 # names in the README have backticks
  local rule='^\| `([A-Za-z]+)` \| .* \| (.*) \| `[a-z]+` \|$' line
  while read -r line; do
    if [[ $line =~ $rule ]]; then
      printf '%s\n' "${BASH_REMATCH[1]} "{admits,denies,warns,exempts}
      [[ ${BASH_REMATCH[2]} == – ]] || echo "${BASH_REMATCH[1]} fixes"
    fi
  done <README.md
}

@test "findings have the order of the rules" {
  judge updates/all '{"onUpdate": "all"}' | answers "$(comments finding updates/all | denied)"
}

@test "a finding without a fix denies the object, and the object does not change" {
  local fixture=read_only_root_filesystem/fix/unset-beside-false
  judge "$fixture" '{"readOnlyRootFilesystem": "fix"}' | answers "$(comments finding "$fixture" | denied)"
}

@test "an expired exemption causes a warning" {
  local expected
  expected=$(comments finding exemptions/expired | denied |
    jq '.warnings = ["exemptions[0] expired on 2020-01-01: the mesh sets up the network"]')
  judge exemptions/expired "$(settings_of exemptions/expired)" | answers "$expected"
}

@test "enforcement: warn admits violations with warnings" {
  judge privileged/fail/every-container '{"enforcement": "warn"}' |
    answers "$(comments finding privileged/fail/every-container | warned)"
}
