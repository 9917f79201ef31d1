#!/usr/bin/env bats
# Every rule, by the command of policy authors: `kwctl run`, or a program that answers in its place.

load helpers

# Prints the name of a case of a rule. The cases of a rule are in a folder with its name in snake case.
of_rule() { # RULE CASE
  local snake_case
  snake_case=$(echo "$1" | sed 's/[A-Z]/_&/g' | tr '[:upper:]' '[:lower:]')
  echo "$snake_case/$2"
}

# Prints the response of the module to the request of a case.
judge() { # CASE SETTINGS [FLAG…]
  "$KWCTL" run --request-path "$CASES/$1/request.json" --settings-json "$2" "$MODULE" "${@:3}"
}

admits() { # RULE CASE
  local case settings
  case=$(of_rule "$1" "$2")
  settings=$(settings_of "$case")
  judge "$case" "$settings" | answers "$(admitted)"
}

denies() { # RULE CASE
  local case
  case=$(of_rule "$1" "$2")
  judge "$case" "$(settings_of "$case")" | answers "$(deny_of "$case" | denied)"
}

warns() { # RULE CASE
  local case
  case=$(of_rule "$1" "$2")
  judge "$case" "$(with_mode "$(settings_of "$case")" "$1" warn)" |
    answers "$(deny_of "$case" | warned)"
}

# Without the exemption the same request is denied: see `denies`.
exempts() { # RULE CASE
  local case namespace exemption
  case=$(of_rule "$1" "$2")
  namespace=$(request_of "$case" | jq .namespace)
  exemption="{\"reason\": \"it must\", \"rules\": [\"$1\"], \"namespaces\": [$namespace]}"
  judge "$case" "$(settings_of "$case" | jq --compact-output ".exemptions = [$exemption]")" |
    answers "$(admitted '{"auditAnnotations": {"exemptions": "exemptions[0]: it must"}}')"
}

fixes() { # RULE CASE
  local case answer
  case=$(of_rule "$1" "$2")
  answer=$(judge "$case" "$(settings_of "$case")" --replay-host-capabilities-interactions "$CASES/$case/recording.json")
  jq 'del(.patch, .auditAnnotations.fixes)' <<<"$answer" |
    answers "$(admitted '{"auditAnnotations": {}, "patchType": "JSONPatch"}')"
  same "$(fixed_object_of "$case" | jq --sort-keys .)" \
    "$(request_of "$case" | jq .object | patched_by "$answer" | jq --sort-keys .)"
}

@test "readOnlyRootFilesystem admits containers with a read-only root" { admits readOnlyRootFilesystem admitted/every-container; }
@test "readOnlyRootFilesystem denies containers with a writable root" { denies readOnlyRootFilesystem denied/every-container; }
@test "readOnlyRootFilesystem warns about containers with a writable root" { warns readOnlyRootFilesystem denied/every-container; }
@test "readOnlyRootFilesystem admits exempt violations" { exempts readOnlyRootFilesystem denied/every-container; }
@test "readOnlyRootFilesystem fixes an unset field" { fixes readOnlyRootFilesystem fixes/every-container; }

@test "privileged admits unprivileged containers" { admits privileged admitted/false-null-or-unset; }
@test "privileged denies privileged containers" { denies privileged denied/every-container; }
@test "privileged warns about privileged containers" { warns privileged denied/every-container; }
@test "privileged admits exempt violations" { exempts privileged denied/every-container; }

@test "allowPrivilegeEscalation admits containers that set it to false" { admits allowPrivilegeEscalation admitted/every-container; }
@test "allowPrivilegeEscalation denies containers that do not set it to false" { denies allowPrivilegeEscalation denied/every-container; }
@test "allowPrivilegeEscalation warns about containers that do not set it to false" { warns allowPrivilegeEscalation denied/every-container; }
@test "allowPrivilegeEscalation admits exempt violations" { exempts allowPrivilegeEscalation denied/every-container; }
@test "allowPrivilegeEscalation fixes an unset field" { fixes allowPrivilegeEscalation fixes/every-container; }

@test "runAsNonRoot admits a user within the ranges" { admits runAsNonRoot ranges/user-ranges-inherited; }
@test "runAsNonRoot denies containers that may run as root" { denies runAsNonRoot denied/every-container; }
@test "runAsNonRoot warns about containers that may run as root" { warns runAsNonRoot denied/every-container; }
@test "runAsNonRoot admits exempt violations" { exempts runAsNonRoot denied/every-container; }
@test "runAsNonRoot fixes containers without a user" { fixes runAsNonRoot fixes/every-container; }

@test "hostNamespaces admits allowed namespaces" { admits hostNamespaces admitted/allowed; }
@test "hostNamespaces denies every host namespace" { denies hostNamespaces denied/all; }
@test "hostNamespaces warns about every host namespace" { warns hostNamespaces denied/all; }
@test "hostNamespaces admits exempt violations" { exempts hostNamespaces denied/all; }

@test "imageReference admits the digest that the settings require" { admits imageReference admitted/digest-where-one-is-required; }
@test "imageReference denies images without a fixed tag" { denies imageReference denied/every-container; }
@test "imageReference warns about images without a fixed tag" { warns imageReference denied/every-container; }
@test "imageReference admits exempt violations" { exempts imageReference denied/every-container; }
@test "imageReference fixes a tag with its digest" { fixes imageReference fixes/one-image-in-many-containers; }

@test "imageChange admits a digest for the old tag" { admits imageChange admitted/pinning; }
@test "imageChange denies a new image in a running pod" { denies imageChange denied/kubectl-set-image; }
@test "imageChange warns about a new image in a running pod" { warns imageChange denied/kubectl-set-image; }
@test "imageChange admits exempt violations" { exempts imageChange denied/kubectl-set-image; }

@test "hostPathVolumes admits allowed paths" { admits hostPathVolumes admitted/every-container; }
@test "hostPathVolumes denies a denied path in every notation" { denies hostPathVolumes denied/denied-in-disguise; }
@test "hostPathVolumes warns about a denied path" { warns hostPathVolumes denied/denied-in-disguise; }
@test "hostPathVolumes admits exempt violations" { exempts hostPathVolumes denied/denied-in-disguise; }

@test "writableMounts admits mounts next to protected paths" { admits writableMounts admitted/beside-the-protected-places; }
@test "writableMounts denies mounts that reach a protected path" { denies writableMounts denied-paths/at-below-and-above; }
@test "writableMounts warns about mounts that reach a protected path" { warns writableMounts denied-paths/at-below-and-above; }
@test "writableMounts admits exempt violations" { exempts writableMounts denied-paths/at-below-and-above; }

@test "capabilities admits containers that drop everything" { admits capabilities admitted/every-container; }
@test "capabilities denies added capabilities and missing drops" { denies capabilities denied/add-and-drop; }
@test "capabilities warns about added capabilities and missing drops" { warns capabilities denied/add-and-drop; }
@test "capabilities admits exempt violations" { exempts capabilities denied/add-and-drop; }
@test "capabilities fixes containers that do not drop everything" { fixes capabilities fixes/every-container; }

@test "procMount admits the default" { admits procMount admitted/default; }
@test "procMount denies a debugger that unmasks /proc" { denies procMount denied/kubectl-debug; }
@test "procMount warns about a debugger that unmasks /proc" { warns procMount denied/kubectl-debug; }
@test "procMount admits exempt violations" { exempts procMount denied/kubectl-debug; }

@test "sysctls admits safe sysctls" { admits sysctls admitted/safe; }
@test "sysctls denies unsafe sysctls" { denies sysctls denied/unsafe; }
@test "sysctls warns about unsafe sysctls" { warns sysctls denied/unsafe; }
@test "sysctls admits exempt violations" { exempts sysctls denied/unsafe; }

@test "ephemeralContainers admits an existing debugger" { admits ephemeralContainers admitted/old-debugger-and-new-label; }
@test "ephemeralContainers denies a new debugger" { denies ephemeralContainers denied/kubectl-debug; }
@test "ephemeralContainers warns about a new debugger" { warns ephemeralContainers denied/kubectl-debug; }
@test "ephemeralContainers admits exempt violations" { exempts ephemeralContainers denied/kubectl-debug; }

@test "interactiveAccess admits an allowed command" { admits interactiveAccess admitted/allowed-command; }
@test "interactiveAccess denies a shell in a running pod" { denies interactiveAccess denied/exec; }
@test "interactiveAccess warns about a shell in a running pod" { warns interactiveAccess denied/exec; }
@test "interactiveAccess admits exempt violations" { exempts interactiveAccess denied/exec; }

@test "shellRemoval admits a probe that removes the shells" { admits shellRemoval admitted/rm; }
@test "shellRemoval denies a container that keeps its shells" { denies shellRemoval denied/no-probe; }
@test "shellRemoval warns about a container that keeps its shells" { warns shellRemoval denied/no-probe; }
@test "shellRemoval admits exempt violations" { exempts shellRemoval denied/no-probe; }

@test "sharedProcessNamespace admits containers with separate processes" { admits sharedProcessNamespace admitted/false; }
@test "sharedProcessNamespace denies containers that share their processes" { denies sharedProcessNamespace denied/several-containers; }
@test "sharedProcessNamespace warns about containers that share their processes" { warns sharedProcessNamespace denied/several-containers; }
@test "sharedProcessNamespace admits exempt violations" { exempts sharedProcessNamespace denied/several-containers; }

@test "every rule of the README is tested here" {
  same "$(verdicts_of_readme | sort)" \
    "$(sed -n 's/^@test .* { \([a-z]*\) \([A-Za-z]*\) [^ ]*; }$/\2 \1/p' "$BATS_TEST_FILENAME" | sort)"
}

# What there is to test about each rule in the README's table.
verdicts_of_readme() {
  # shellcheck disable=SC2016 # the README puts names in backticks
  local rule='^\| \[`([A-Za-z]+)`\]\([^)]*\) \| .* \| (.*) \| `[a-z]+` \|$' line
  while read -r line; do
    if [[ $line =~ $rule ]]; then
      printf '%s\n' "${BASH_REMATCH[1]} "{admits,denies,warns,exempts}
      [[ ${BASH_REMATCH[2]} == – ]] || echo "${BASH_REMATCH[1]} fixes"
    fi
  done <README.md
}

@test "what several rules find is told in their order" {
  judge updates/findings/all '{"onUpdate": "all"}' | answers "$(deny_of updates/findings/all | denied)"
}

@test "what could not be fixed is denied, and nothing is changed" {
  local case=read_only_root_filesystem/fixes/unset-beside-false
  judge "$case" '{"readOnlyRootFilesystem": "fix"}' | answers "$(deny_of "$case" | denied)"
}

@test "an exemption that has expired is told in a warning" {
  local case=exemptions/containers/expired expected
  expected=$(deny_of "$case" | denied |
    jq '.warnings = ["exemptions[0] expired on 2020-01-01: the mesh sets up the network"]')
  judge "$case" "$(settings_of "$case")" | answers "$expected"
}

@test "enforcement: warn admits what would be denied" {
  judge privileged/denied/every-container '{"enforcement": "warn"}' |
    answers "$(deny_of privileged/denied/every-container | warned)"
}
