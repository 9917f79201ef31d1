#!/usr/bin/env bats
# Every rule, by the command of policy authors: `kwctl run`, or a program that answers in its place.

load helpers

# A rule's own fixtures stand in the folder of its name in snake case.
of_rule() { # RULE FOLDER FIXTURE
  local snake_case
  snake_case=$(echo "$1" | sed 's/[A-Z]/_&/g' | tr '[:upper:]' '[:lower:]')
  echo "$snake_case/$2/$3"
}

# The answer of the module to a fixture, by the settings given.
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

# Without the exemption the same request is denied: see `denies`.
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

# What a fixture lets the registry say, as kwctl records it.
recording() { # FIXTURE
  comments host "$1" | jq --slurp 'map({
    type: "Exchange",
    request: "!OciManifestDigest\nimage: \(.digest)\n",
    response: {type: "Success", payload: {digest: .is} | tojson}})'
}

@test "readOnlyRootFilesystem admits containers with a read-only root" { admits readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem denies containers with a writable root" { denies readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem warns of containers with a writable root" { warns readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem leaves alone what is exempt" { exempts readOnlyRootFilesystem every-container; }
@test "readOnlyRootFilesystem fixes a root that nobody has decided on" { fixes readOnlyRootFilesystem every-container; }

@test "privileged admits containers that do not ask for it" { admits privileged false-null-or-unset; }
@test "privileged denies privileged containers" { denies privileged every-container; }
@test "privileged warns of privileged containers" { warns privileged every-container; }
@test "privileged leaves alone what is exempt" { exempts privileged every-container; }

@test "allowPrivilegeEscalation admits containers that forbid it" { admits allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation denies containers that do not forbid it" { denies allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation warns of containers that do not forbid it" { warns allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation leaves alone what is exempt" { exempts allowPrivilegeEscalation every-container; }
@test "allowPrivilegeEscalation fixes what nobody has decided on" { fixes allowPrivilegeEscalation every-container; }

@test "runAsNonRoot admits a user within the ranges" { admits runAsNonRoot user-ranges-inherited; }
@test "runAsNonRoot denies containers that may run as root" { denies runAsNonRoot every-container; }
@test "runAsNonRoot warns of containers that may run as root" { warns runAsNonRoot every-container; }
@test "runAsNonRoot leaves alone what is exempt" { exempts runAsNonRoot every-container; }
@test "runAsNonRoot fixes containers where nothing decides" { fixes runAsNonRoot every-container; }

@test "hostNamespaces admits what the settings allow" { admits hostNamespaces allowed; }
@test "hostNamespaces denies every namespace of the host" { denies hostNamespaces all; }
@test "hostNamespaces warns of every namespace of the host" { warns hostNamespaces all; }
@test "hostNamespaces leaves alone what is exempt" { exempts hostNamespaces all; }

@test "imageReference admits the digest that the settings require" { admits imageReference digest-where-one-is-required; }
@test "imageReference denies images without a tag that stays" { denies imageReference every-container; }
@test "imageReference warns of images without a tag that stays" { warns imageReference every-container; }
@test "imageReference leaves alone what is exempt" { exempts imageReference every-container; }
@test "imageReference fixes a tag by its digest" { fixes imageReference one-image-in-many-containers; }

@test "imageChange admits a digest for the tag that was there" { admits imageChange pinning; }
@test "imageChange denies another image in a running pod" { denies imageChange kubectl-set-image; }
@test "imageChange warns of another image in a running pod" { warns imageChange kubectl-set-image; }
@test "imageChange leaves alone what is exempt" { exempts imageChange kubectl-set-image; }

@test "hostPathVolumes admits what the settings allow" { admits hostPathVolumes every-container; }
@test "hostPathVolumes denies a path that is denied, however it is written" { denies hostPathVolumes denied-in-disguise; }
@test "hostPathVolumes warns of a path that is denied" { warns hostPathVolumes denied-in-disguise; }
@test "hostPathVolumes leaves alone what is exempt" { exempts hostPathVolumes denied-in-disguise; }

@test "writableMounts admits places beside the protected ones" { admits writableMounts beside-the-protected-places; }
@test "writableMounts denies mounts that reach a protected path" { denies writableMounts at-below-and-above; }
@test "writableMounts warns of mounts that reach a protected path" { warns writableMounts at-below-and-above; }
@test "writableMounts leaves alone what is exempt" { exempts writableMounts at-below-and-above; }

@test "capabilities admits containers that drop everything" { admits capabilities every-container; }
@test "capabilities denies what is added and what is not dropped" { denies capabilities add-and-drop; }
@test "capabilities warns of what is added and what is not dropped" { warns capabilities add-and-drop; }
@test "capabilities leaves alone what is exempt" { exempts capabilities add-and-drop; }
@test "capabilities fixes containers that do not drop everything" { fixes capabilities every-container; }

@test "procMount admits the default" { admits procMount default; }
@test "procMount denies a debugger that unmasks the kernel's files" { denies procMount kubectl-debug; }
@test "procMount warns of a debugger that unmasks the kernel's files" { warns procMount kubectl-debug; }
@test "procMount leaves alone what is exempt" { exempts procMount kubectl-debug; }

@test "sysctls admits those that are safe" { admits sysctls safe; }
@test "sysctls denies those that are not safe" { denies sysctls unsafe; }
@test "sysctls warns of those that are not safe" { warns sysctls unsafe; }
@test "sysctls leaves alone what is exempt" { exempts sysctls unsafe; }

@test "ephemeralContainers admits a debugger that is there already" { admits ephemeralContainers old-debugger-and-new-label; }
@test "ephemeralContainers denies a new debugger" { denies ephemeralContainers kubectl-debug; }
@test "ephemeralContainers warns of a new debugger" { warns ephemeralContainers kubectl-debug; }
@test "ephemeralContainers leaves alone what is exempt" { exempts ephemeralContainers kubectl-debug; }

@test "interactiveAccess admits a command that the settings allow" { admits interactiveAccess allowed-command; }
@test "interactiveAccess denies a shell in a running pod" { denies interactiveAccess exec; }
@test "interactiveAccess warns of a shell in a running pod" { warns interactiveAccess exec; }
@test "interactiveAccess leaves alone what is exempt" { exempts interactiveAccess exec; }

@test "shellRemoval admits a probe that removes the shells" { admits shellRemoval rm; }
@test "shellRemoval denies a container that keeps its shells" { denies shellRemoval no-probe; }
@test "shellRemoval warns of a container that keeps its shells" { warns shellRemoval no-probe; }
@test "shellRemoval leaves alone what is exempt" { exempts shellRemoval no-probe; }

@test "sharedProcessNamespace admits containers with processes of their own" { admits sharedProcessNamespace false; }
@test "sharedProcessNamespace denies containers that share their processes" { denies sharedProcessNamespace several-containers; }
@test "sharedProcessNamespace warns of containers that share their processes" { warns sharedProcessNamespace several-containers; }
@test "sharedProcessNamespace leaves alone what is exempt" { exempts sharedProcessNamespace several-containers; }

@test "every rule of the README is tested here" {
  same "$(verdicts_of_readme | sort)" \
    "$(sed -n 's/^@test .* { \([a-z]*\) \([A-Za-z]*\) [^ ]*; }$/\2 \1/p' "$BATS_TEST_FILENAME" | sort)"
}

# What there is to test about each rule in the README's table.
verdicts_of_readme() {
  # shellcheck disable=SC2016 # the README puts names in backticks
  local rule='^\| `([A-Za-z]+)` \| .* \| (.*) \| `[a-z]+` \|$' line
  while read -r line; do
    if [[ $line =~ $rule ]]; then
      printf '%s\n' "${BASH_REMATCH[1]} "{admits,denies,warns,exempts}
      [[ ${BASH_REMATCH[2]} == – ]] || echo "${BASH_REMATCH[1]} fixes"
    fi
  done <README.md
}

@test "what several rules find is told in their order" {
  judge updates/all '{"onUpdate": "all"}' | answers "$(comments finding updates/all | denied)"
}

@test "what could not be fixed is denied, and nothing is changed" {
  local fixture=read_only_root_filesystem/fix/unset-beside-false
  judge "$fixture" '{"readOnlyRootFilesystem": "fix"}' | answers "$(comments finding "$fixture" | denied)"
}

@test "an exemption that has expired is told in a warning" {
  local expected
  expected=$(comments finding exemptions/expired | denied |
    jq '.warnings = ["exemptions[0] expired on 2020-01-01: the mesh sets up the network"]')
  judge exemptions/expired "$(settings_of exemptions/expired)" | answers "$expected"
}

@test "enforcement: warn admits what would be denied" {
  judge privileged/fail/every-container '{"enforcement": "warn"}' |
    answers "$(comments finding privileged/fail/every-container | warned)"
}
