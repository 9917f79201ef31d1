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

# Prints the rules in the table of docs/rules, and with "fixes" only those that can fix.
rules() { # [fixes]
  # shellcheck disable=SC2016 # the table puts names in backticks
  local row='^\| \[`([A-Za-z]+)`\]\([^)]*\) \| .* \| (.*) \| `[a-z]+` \|$' line
  while read -r line; do
    if [[ $line =~ $row && ( -z ${1:-} || ${BASH_REMATCH[2]} != – ) ]]; then
      echo "${BASH_REMATCH[1]}"
    fi
  done <docs/rules/README.md
}

# Prints the verdict of a case: admitted, denied or fixed.
verdict_of() { # CASE
  if [[ -s $CASES/$1/deny.txt ]]; then
    echo denied
  elif [[ -e $CASES/$1/fixed.json ]]; then
    echo fixed
  else
    echo admitted
  fi
}

# Runs a function for the first case with a verdict of each rule. The output of a failed test ends with the case that failed.
for_each_rule() { # FUNCTION VERDICT [fixes]
  local rule request case tested=0
  for rule in $(rules "${3:-}"); do
    while read -r request; do
      case=${request#"$CASES/$(of_rule "$rule" "")"}
      case=${case%/request.json}
      if [[ $(verdict_of "$(of_rule "$rule" "$case")") == "$2" ]]; then
        echo "$rule $case"
        "$1" "$rule" "$case"
        ((tested += 1))
        continue 2
      fi
    done < <(find "$CASES/$(of_rule "$rule" "")" -name request.json | LC_ALL=C sort)
    echo "$rule has no case that is $2"
    return 1
  done
  [[ $tested -gt 0 ]]
}

@test "every rule admits objects without violations" { for_each_rule admits admitted; }
@test "every rule denies violations" { for_each_rule denies denied; }
@test "every rule warns about violations" { for_each_rule warns denied; }
@test "every rule admits exempt violations" { for_each_rule exempts denied; }
@test "every rule that can fix fixes violations" { for_each_rule fixes fixed fixes; }

@test "findings of several rules are in the order of the rules" {
  judge updates/findings/all '{"onUpdate": "all"}' | answers "$(deny_of updates/findings/all | denied)"
}

@test "an object that cannot be fixed is denied and not changed" {
  local case=read_only_root_filesystem/fixes/unset-beside-false
  judge "$case" '{"readOnlyRootFilesystem": "fix"}' | answers "$(deny_of "$case" | denied)"
}

@test "an expired exemption is reported in a warning" {
  local case=exemptions/containers/expired expected
  expected=$(deny_of "$case" | denied |
    jq '.warnings = ["exemptions[0] expired on 2020-01-01: the mesh sets up the network"]')
  judge "$case" "$(settings_of "$case")" | answers "$expected"
}

@test "enforcement: warn admits violations with warnings" {
  judge privileged/denied/every-container '{"enforcement": "warn"}' |
    answers "$(deny_of privileged/denied/every-container | warned)"
}
