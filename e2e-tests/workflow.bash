#!/usr/bin/env bash
# Runs the jobs of a workflow on this machine: scripts as they are, and functions in place of the actions that need GitHub.
#
# The folder $RUN contains
#   workflow.json, action.json  what `cargo xtask workflow` prints
#   github.json                 the context `github` of expressions
#   origin.git                  the repository on GitHub
#   bin                         programs that come first in the PATH
#   artifacts                   a folder for each uploaded artifact
#   jobs/JOB-INDEX              the folders of a job, and its log
#   done, ran                   the names of finished jobs, and of executed steps

# shellcheck disable=SC2016 # jq has its own variables

# Runs a job, and prints the end of its log if a step fails. INDEX is the position of an entry in its matrix.
run_job() { # JOB [INDEX]
  local folder=$RUN/jobs/$1-${2:-0}
  mkdir -p "$folder"/{workspace,temp,home}
  jq --arg job "$1" "$WORKFLOW_JQ"'steps($job)' "$RUN/workflow.json" >"$folder/steps.json" || return
  context_of "$1" "${2:-0}" >"$folder/context.json" || return
  : >"$folder/path"
  if ! run_steps "$folder" >"$folder/log" 2>&1; then
    tail --lines 60 "$folder/log"
    return 1
  fi
}

# Skips the test if a job did not succeed that this job needs.
needs_jobs_of() { # JOB
  local need
  for need in $(jq --raw-output --arg job "$1" '.jobs[$job].needs // [] | if type == "array" then .[] else . end' "$RUN/workflow.json"); do
    needs_job "$need"
  done
}

needs_job() { # JOB
  grep --quiet --line-regexp "$1" "$RUN/done" || skip "the job $1 did not succeed"
}

WORKFLOW_JQ=$(cat e2e-tests/workflow.jq)

# Prints the contexts of a job. Its images are in the registry of the suite.
context_of() { # JOB INDEX
  jq --arg job "$1" --argjson index "$2" --arg registry "$REGISTRY" --slurpfile github "$RUN/github.json" "$WORKFLOW_JQ"'
    {github: $github[0], runner: {os: "Linux"}, strategy: {"job-index": $index}, steps: {},
     matrix: (.jobs[$job] | entries[$index])} as $context
    | ((.env // {}) + (.jobs[$job].env // {}) | substitute($context) | map_values(gsub("^ghcr.io/"; $registry + "/"))) as $env
    | $context + {$env}' "$RUN/workflow.json"
}

# Runs the steps in steps.json of a folder, until one fails.
run_steps() { # FOLDER
  local folder=$1 index
  for ((index = 0; index < $(jq length "$folder/steps.json"); index++)); do
    run_step || { echo "failed: $(jq --raw-output .label "$folder/step.json")"; return 1; }
  done
}

# Runs the step $index in $folder.
run_step() {
  local condition action
  jq --argjson index "$index" --slurpfile context "$folder/context.json" "$WORKFLOW_JQ"'
    .[$index] | if has("if") then .if |= (value($context[0]) | . != null and . != false and . != "") else . end
    | if .if == false then . else substitute($context[0]) end' "$folder/steps.json" >"$folder/step.json" || return
  condition=$(field .if)
  action=$(field .uses)
  echo "--- $(field .label): $(field .name) $action"
  if [[ $condition == false ]]; then
    echo "skipped"
    return
  fi
  if [[ -n $action ]]; then (use "${action%@*}"); else run_script; fi || return
  field .label >>"$RUN/ran"
}

# Prints a field of the step, or nothing.
field() { # PATH
  jq --raw-output "$1 | if . == null then empty else . end" "$folder/step.json"
}

# Runs the script of the step with the variables of a runner, and no others.
run_script() {
  local variables shell=(bash -e)
  # What GitHub documents for `shell: bash`, which differs from the default.
  [[ $(field .shell) != bash ]] || shell=(bash --noprofile --norc -eo pipefail)
  field .run >"$folder/temp/script"
  : >"$folder/output"
  eval "variables=($(jq --raw-output --slurpfile context "$folder/context.json" \
    '$context[0].env + (.env // {}) | to_entries | map("\(.key)=\(.value)") | @sh' "$folder/step.json"))"
  (
    cd "$folder/workspace/$(field '."working-directory"')" || exit
    env --ignore-environment "HOME=$folder/home" "PATH=$(tac "$folder/path" | tr '\n' ':')$RUN/bin:$PATH" LANG=C.UTF-8 \
      "CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}" "RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}" \
      CI=true GITHUB_ACTIONS=true GITHUB_ACTOR=releaser "GITHUB_ACTION_PATH=$folder/workspace" GITHUB_SERVER_URL=https://github.com \
      "GITHUB_REF=refs/tags/$TAG" "GITHUB_REF_NAME=$TAG" GITHUB_REF_TYPE=tag "GITHUB_SHA=$(git -C "$RUN/origin.git" rev-parse "$TAG^{}")" \
      "GITHUB_REPOSITORY=$(jq --raw-output .repository "$RUN/github.json")" "GITHUB_WORKSPACE=$folder/workspace" \
      "GITHUB_OUTPUT=$folder/output" "GITHUB_PATH=$folder/path" "RUNNER_TEMP=$folder/temp" RUNNER_OS=Linux \
      "RUNNER_ARCH=$([[ $(uname -m) == a* ]] && echo ARM64 || echo X64)" \
      ${JOB_TARGET_DIR:+"CARGO_TARGET_DIR=$JOB_TARGET_DIR"} "${variables[@]}" "${shell[@]}" "$folder/temp/script" </dev/null
  ) || return
  keep_outputs
}

# Adds the outputs of the step to the contexts.
keep_outputs() {
  jq --arg id "$(field .id)" --rawfile output "$folder/output" '
    .steps[$id].outputs = ($output | split("\n") | map(select(. != "") | capture("^(?<key>[a-z-]+)=(?<value>.*)$")) | from_entries)' \
    "$folder/context.json" >"$folder/context.new" && mv "$folder/context.new" "$folder/context.json"
}

# --- Actions ---

# Runs what replaces an action.
use() { # ACTION
  case $1 in
    actions/checkout) checkout ;;
    actions/upload-artifact) upload ;;
    actions/download-artifact) download ;;
    actions/attest) attest ;;
    ./) run_action ;;
    # The programs are installed, or replaced in $RUN/bin.
    sigstore/cosign-installer | kubewarden/github-actions/kwctl-installer) ;;
    *) echo "no replacement of the action $1"; return 1 ;;
  esac
}

input() { # NAME [DEFAULT]
  field ".with[\"$1\"]" | grep . || echo "${2:-}"
}

# Fails if the step has an input that the replacement of the action ignores.
expect_inputs() { # NAME…
  jq --exit-status --arg names "$*" '(.with // {} | keys) - ($names | split(" ")) | . == [] or error("unknown inputs: \(.)")' "$folder/step.json" >/dev/null
}

# Fetches only the commit of the tag, as the action does.
checkout() {
  local target commit
  expect_inputs path persist-credentials || return
  target=$folder/workspace/$(input path)
  commit=$(git -C "$RUN/origin.git" rev-parse "$TAG^{}")
  git init --quiet "$target" &&
    git -C "$target" remote add origin "file://$RUN/origin.git" &&
    git -C "$target" fetch --quiet --no-tags --depth 1 origin "+$commit:refs/tags/$TAG" &&
    git -C "$target" -c advice.detachedHead=false checkout --quiet --force "refs/tags/$TAG"
}

# An artifact contains files without their mode: a file at its root, the content of a folder, or what matches a pattern.
upload() {
  local target files
  expect_inputs name path if-no-files-found || return
  target=$RUN/artifacts/$(input name)
  cd_workspace || return
  mapfile -t files < <(compgen -G "$(input path)")
  [[ ${#files[@]} -gt 0 ]] || { echo "no files: $(input path)"; return 1; }
  mkdir "$target" || return
  if [[ -d ${files[0]} ]]; then files=("${files[0]}"/*); fi
  cp -R "${files[@]}" "$target" && find "$target" -type f -exec chmod 644 {} +
}

# One artifact, or all with `merge-multiple`, become the content of the folder. Several become folders in it.
download() {
  local pattern target artifacts=() artifact
  expect_inputs pattern path merge-multiple || return
  # Braces are alternatives.
  pattern=$(input pattern | sed 's/{/@(/; s/}/)/; s/,/|/g')
  target=$(input path .)
  cd_workspace || return
  for artifact in "$RUN/artifacts"/*; do
    # shellcheck disable=SC2053 # it is a pattern
    [[ ${artifact##*/} != $pattern ]] || artifacts+=("$artifact")
  done
  [[ ${#artifacts[@]} -gt 0 ]] || { echo "no artifact: $pattern"; return 1; }
  mkdir -p "$target"
  if [[ $(input merge-multiple) == true || ${#artifacts[@]} -eq 1 ]]; then artifacts=("${artifacts[@]/%//.}"); fi
  cp -R "${artifacts[@]}" "$target"
}

# Checks the inputs, and that the attested files and images exist.
attest() {
  local name digest checksums sbom path
  expect_inputs subject-path subject-name subject-digest subject-checksums sbom-path push-to-registry create-storage-record || return
  name=$(input subject-name) digest=$(input subject-digest) checksums=$(input subject-checksums) sbom=$(input sbom-path)
  cd_workspace || return
  if [[ -n $digest ]]; then
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "not a digest: $digest"; return 1; }
    has_manifest "$name" "$digest" || { echo "not in the registry: $name@$digest"; return 1; }
    echo "attest $name@$digest $sbom" >>"$RUN/calls"
  elif [[ -n $checksums ]]; then
    sha256sum --check --strict --quiet "$checksums" || return
    echo "attest $checksums $sbom" >>"$RUN/calls"
  else
    while read -r path; do
      compgen -G "$path" >"$folder/subjects" || { echo "no files: $path"; return 1; }
      while read -r path; do echo "attest $path $sbom" >>"$RUN/calls"; done <"$folder/subjects"
    done < <(input subject-path)
  fi
  # The action refuses other files.
  [[ -z $sbom ]] || jq --exit-status '.bomFormat == "CycloneDX" and .serialNumber and .specVersion' "$sbom" >/dev/null ||
    { echo "$sbom: expected CycloneDX with a serial number"; return 1; }
}

# Runs the steps of action.yml. The releases are a folder.
run_action() {
  local outer=$folder
  mkdir "$outer/action" && ln -s ../workspace ../temp ../home "$outer/action" || return
  : >"$outer/action/path"
  jq '.runs.steps | to_entries | map(.value + {label: "action.yml \(.key)"})' "$RUN/action.json" >"$outer/action/steps.json"
  jq --slurpfile action "$RUN/action.json" --slurpfile step "$outer/step.json" --arg releases "file://$RUN/releases" '
    .steps = {} | .inputs = ($action[0].inputs | map_values(.default)) + $step[0].with + {$releases}' \
    "$outer/context.json" >"$outer/action/context.json"
  run_steps "$outer/action"
}

cd_workspace() {
  cd "$folder/workspace" || return
}

# Returns whether a registry has a manifest.
has_manifest() { # IMAGE REFERENCE
  curl --silent --fail --head --output /dev/null --header 'Accept: application/vnd.oci.image.index.v1+json' \
    --header 'Accept: application/vnd.oci.image.manifest.v1+json' "http://${1%%/*}/v2/${1#*/}/manifests/$2"
}
