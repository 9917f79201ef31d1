#!/usr/bin/env bats
# A dry run of .github/workflows/release.yml: runs the scripts of all jobs, in the order of the jobs, as the workflow contains them.
#
# A registry on this machine replaces ghcr.io, a folder the releases of GitHub, and a bare repository the repository there.
# e2e-tests/workflow.bash replaces actions, and e2e-tests/release-stub programs. cosign signs with a key. The program is built for
# this machine alone, and is in the archives of all platforms.

# shellcheck disable=SC2016 # jq has its own variables
# shellcheck disable=SC2154 # helpers set variables
load helpers
load workflow

TRIPLE=$(uname -m)-unknown-linux-musl

setup_file() {
  needs cargo curl git jq musl-gcc rustup zip "$KWCTL" "$DOCKER_REGISTRY"
  rustup target list --installed | grep --quiet --line-regexp "$TRIPLE" || skip "rustup has no target $TRIPLE"
  export RUN=$BATS_FILE_TMPDIR TAG REGISTRY registry_pid
  git clone --quiet . "$RUN/source"
  TAG=v$("$RUN/source/scripts/dist/version")
  cargo run --quiet --locked --package xtask -- workflow "$RUN/source/.github/workflows/release.yml" >"$RUN/workflow.json"
  cargo run --quiet --locked --package xtask -- workflow "$RUN/source/action.yml" >"$RUN/action.json"
  start_registry "$RUN"
  create_origin
  install_stubs
  mkdir "$RUN"/{artifacts,releases}
  jq --null-input --arg ref_name "$TAG" --arg token "$(cat "$RUN/token")" '
    {repository: "immutable-pods/immutable-pods-policy", repository_owner: "immutable-pods", $ref_name, $token}' >"$RUN/github.json"
  # `.ci/run` runs the checks of this job.
  echo test >"$RUN/done"
}

teardown_file() { stop "$registry_pid"; }

# Creates the repository on GitHub with the tag of the release. It contains the last commit.
create_origin() {
  git clone --quiet --bare "$RUN/source" "$RUN/origin.git"
  git -C "$RUN/origin.git" tag --force "$TAG" HEAD >/dev/null
}

# Creates the programs that come first in the PATH of all steps.
install_stubs() {
  local name
  mkdir -p "$RUN"/{bin,real,go/bin}
  for name in apt-get buildah cargo cosign docker gh go kwctl podman sudo; do
    ln -s "$PWD/e2e-tests/release-stub" "$RUN/bin/$name"
  done
  has cargo-cyclonedx || ln -s "$PWD/e2e-tests/release-stub" "$RUN/bin/cargo-cyclonedx"
  ln -s "$PWD/e2e-tests/release-stub" "$RUN/go/bin/helm"
  for name in cargo cosign helm "$KWCTL"; do
    ! has "$name" || ln -s "$(command -v "$name")" "$RUN/real/${name##*/}"
  done
  echo "$REGISTRY" >"$RUN/address"
  echo "insecure_sources: [\"$REGISTRY\"]" >"$RUN/sources.yaml"
  echo "token-$RANDOM" >"$RUN/token"
  : >"$RUN/calls"
  : >"$RUN/ran"
  has cosign || return 0
  (cd "$RUN" && COSIGN_PASSWORD='' cosign generate-key-pair 2>/dev/null)
}

# Runs a job that has no matrix.
job() { # JOB
  needs_jobs_of "$1"
  run_job "$1"
  echo "$1" >>"$RUN/done"
}

# Prints the digest of a tag in the registry.
digest_of_tag() { # IMAGE TAG
  curl --silent --fail --head --output /dev/null --write-out '%header{docker-content-digest}' \
    --header 'Accept: application/vnd.oci.image.index.v1+json' --header 'Accept: application/vnd.oci.image.manifest.v1+json' \
    "http://$REGISTRY/v2/$1/manifests/$2"
}

# Prints the names in a folder on one line.
names_in() { # FOLDER
  (cd "$1" && echo *)
}

# Fails unless a stub was called in this way, so many times.
expect_calls() { # COUNT CALL
  same "$1" "$(grep --count --line-regexp --fixed-strings -- "$2" "$RUN/calls")" || { cat "$RUN/calls"; return 1; }
}

# Fails unless the signatures of an image are valid for the key of the suite.
verify() { # IMAGE DIGEST NEW_FORMAT…
  local format
  for format in "${@:3}"; do
    cosign verify --key "$RUN/cosign.pub" --insecure-ignore-tlog --allow-http-registry --allow-insecure-registry \
      --new-bundle-format="$format" "$REGISTRY/$1@$2"
  done
}

@test "the suite knows every action of the workflow" {
  same "$(awk '{ print $1 }' <<'END' | LC_ALL=C sort
./                                         runs action.yml, with the release in a folder
./.github/workflows/test.yml               left out, because .ci/run runs the same
actions/attest                             checks that the attested files and images exist, and signs nothing
actions/checkout                           fetches the tag from a bare repository
actions/download-artifact                  copies folders
actions/upload-artifact                    copies files into folders
github/codeql-action/upload-sarif          left out, because the workflow asks for no upload
kubewarden/github-actions/kwctl-installer  left out, because kwctl is installed
sigstore/cosign-installer                  left out: without cosign, the suite records calls of cosign and signs nothing
END
  )" "$(jq --raw-output '.. | objects | .uses | strings | sub("@.*"; "")' "$RUN/workflow.json" "$RUN/action.json" | LC_ALL=C sort --unique)"
}

@test "version: all files have the version of the tag" {
  job version
}

@test "build: the module is built in two folders" {
  needs_jobs_of build
  run_job build 0 3>&- &
  run_job build 1 || { wait; false; }
  wait $!
  echo build >>"$RUN/done"
}

@test "program: the program is built for this machine, and copied for the other platforms" {
  local index triple
  needs_jobs_of program
  index=$(jq --arg triple "$TRIPLE" "$WORKFLOW_JQ"'.jobs.program | entries | map(.triple) | index($triple)' "$RUN/workflow.json")
  # Keeps the compiled crates for the next dry run.
  JOB_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}/release-dry-run") run_job program "$index"
  for triple in $(jq --raw-output "$WORKFLOW_JQ"'.jobs.program | entries[].triple' "$RUN/workflow.json"); do
    [[ $triple != "$TRIPLE" ]] || continue
    cp -R "$RUN/artifacts/program-$TRIPLE" "$RUN/artifacts/program-$triple"
    [[ $triple != *windows* ]] || mv "$RUN/artifacts/program-$triple/immutable-pods" "$RUN/artifacts/program-$triple/immutable-pods.exe"
  done
  expect_calls 1 "sudo apt-get install --yes musl-tools"
  echo program >>"$RUN/done"
}

@test "archives: each platform has an archive, and a newcomer uses the one for Linux" {
  job archives
  same 5 "$(wc -l <"$RUN/artifacts/archives/SHA256SUMS")"
}

@test "crates: the crates of the module and of the program are listed" {
  job crates
  same "immutable-pods-sbom.cdx.json policy-sbom.cdx.json" "$(names_in "$RUN/artifacts/crates")"
  same "" "$(git -C "$RUN/jobs/crates-0/workspace" status --porcelain)"
}

@test "image: the image has both platforms of Linux, and its digest is signed" {
  local image=immutable-pods/immutable-pods-policy/cli digest
  job image
  same "amd64 arm64" "$(names_in "$RUN/image/linux")"
  digest=$(digest_of_tag "$image" "$TAG")
  expect_calls 1 "cosign sign --yes $REGISTRY/$image@$digest"
  expect_calls 1 "attest $REGISTRY/$image@$digest "
  expect_calls 1 "attest $REGISTRY/$image@$digest dist/immutable-pods-sbom.cdx.json"
}

@test "publish: the module is in the registry and in the release, and its digest is signed" {
  local image=immutable-pods/immutable-pods-policy digest
  job publish
  digest=$(digest_of_tag "$image" "$TAG")
  "$KWCTL" pull --sources-path "$RUN/sources.yaml" --output-path "$BATS_TEST_TMPDIR/pulled.wasm" "registry://$REGISTRY/$image@$digest"
  cmp "$BATS_TEST_TMPDIR/pulled.wasm" "$RUN/releases/$TAG/annotated-policy.wasm"
  expect_calls 1 "cosign sign --yes --new-bundle-format=false --use-signing-config=false $REGISTRY/$image@$digest"
  expect_calls 1 "cosign sign --yes --new-bundle-format=true --use-signing-config=true $REGISTRY/$image@$digest"
  expect_calls 1 "cosign sign-blob --yes --bundle SHA256SUMS.sigstore.json SHA256SUMS"
  expect_calls 1 "attest $REGISTRY/$image@$digest "
  expect_calls 1 "attest SHA256SUMS "
  expect_calls 1 "attest annotated-policy.wasm policy-sbom.cdx.json"
  expect_calls 1 "attest immutable-pods-${TAG#v}-x86_64-pc-windows-msvc.zip immutable-pods-sbom.cdx.json"
  grep --quiet "^gh release create $TAG --verify-tag --title $TAG --notes-file notes.md --prerelease=false " "$RUN/calls"
}

@test "publish: the release has every file that its checksums and the krew manifest name" {
  needs_job publish
  cd "$RUN/releases/$TAG"
  sha256sum --check --strict --quiet SHA256SUMS
  same "$(LC_ALL=C ls --ignore 'SHA256SUMS*' --ignore '*.tgz' --ignore hauler.yaml)" "$(awk '{ print $2 }' SHA256SUMS | LC_ALL=C sort)"
  same 5 "$(grep --count ' uri: ' immutable-pods.yaml)"
  tr -d '"' <immutable-pods.yaml | awk '$1 == "uri:" { sub(".*/", "", $2); name = $2 } $1 == "sha256:" { print $2 "  " name }' |
    sha256sum --check --strict --quiet -
  ! has validate-krew-manifest || validate-krew-manifest -skip-install -manifest immutable-pods.yaml
  cmp "$RUN/notes.md" <("$RUN/jobs/publish-0/workspace/scripts/release-notes" "${TAG#v}")
}

@test "action: the action installs the program of the release" {
  local runner=ubuntu-24.04
  needs_jobs_of action
  [[ $TRIPLE != aarch64-* ]] || runner=ubuntu-24.04-arm
  run_job action "$(jq --arg runner "$runner" "$WORKFLOW_JQ"'.jobs.action | entries | map(.runner) | index($runner)' "$RUN/workflow.json")"
  grep --quiet "^gh attestation verify immutable-pods-${TAG#v}-$TRIPLE.tar.gz .* --source-ref refs/tags/$TAG " "$RUN/calls"
  echo action >>"$RUN/done"
}

@test "chart: the chart is in the registry and in the release, and its digest is signed" {
  local image=immutable-pods/charts/immutable-pods-policy digest
  needs helm
  job chart
  digest=$(digest_of_tag "$image" "${TAG#v}")
  expect_calls 1 "cosign sign --yes --new-bundle-format=false --use-signing-config=false $REGISTRY/$image@$digest"
  expect_calls 1 "cosign sign --yes --new-bundle-format=true --use-signing-config=true $REGISTRY/$image@$digest"
  expect_calls 1 "attest $REGISTRY/$image@$digest "
  [[ -f $RUN/releases/$TAG/immutable-pods-policy-${TAG#v}.tgz && -f $RUN/releases/$TAG/hauler.yaml ]]
}

@test "artifacthub: the branch has three files, and gets a commit with each release" {
  local branch=(git -C "$RUN/origin.git")
  job artifacthub
  same 1 "$("${branch[@]}" rev-list --count artifacthub)"
  rm -rf "$RUN/jobs/artifacthub-0"
  # The package of the second release has another time, in seconds.
  sleep 1
  run_job artifacthub
  same 2 "$("${branch[@]}" rev-list --count artifacthub)"
  same "README.md artifacthub-pkg.yml artifacthub-repo.yml" "$("${branch[@]}" ls-tree --name-only artifacthub | xargs)"
  same "Show $TAG on Artifact Hub" "$("${branch[@]}" log -1 --format=%s artifacthub)"
  "${branch[@]}" show artifacthub:artifacthub-pkg.yml >"$BATS_TEST_TMPDIR/package"
  grep --quiet "^createdAt: $(date --utc +%Y-%m-%d)T" "$BATS_TEST_TMPDIR/package"
}

@test "the images and files exist that Artifact Hub, Hauler and the hook for the image name" {
  local names name
  needs_job publish
  cd "$RUN/source"
  mapfile -t names < <(grep --only-matching --no-filename 'ghcr[.]io/[a-z/-]*:[0-9a-z.-]*' artifacthub-pkg.yml charts/hauler.yaml .pre-commit-hooks.yaml | sort --unique)
  same 2 "${#names[@]}"
  for name in "${names[@]#ghcr.io/}"; do
    has_manifest "$REGISTRY/${name%:*}" "${name##*:}" || { echo "not in the registry: $name"; return 1; }
  done
  mapfile -t names < <(sed -n 's,.*/releases/download/,,p' artifacthub-pkg.yml)
  same 1 "${#names[@]}"
  [[ -f $RUN/releases/${names[0]} ]]
  # The identity in the certificate of a signature without a key.
  grep --quiet "certificate-identity: https://github.com/$(jq --raw-output .repository "$RUN/github.json")/.github/workflows/release.yml@refs/tags/$TAG$" \
    charts/hauler.yaml
}

@test "cosign accepts the signatures with the key of the suite" {
  local module=immutable-pods/immutable-pods-policy
  needs cosign
  needs_job publish
  verify "$module" "$(digest_of_tag "$module" "$TAG")" true false
  verify "$module/cli" "$(digest_of_tag "$module/cli" "$TAG")" true
  cd "$RUN/releases/$TAG"
  cosign verify-blob --key "$RUN/cosign.pub" --insecure-ignore-tlog --bundle SHA256SUMS.sigstore.json SHA256SUMS
  ! has helm || verify immutable-pods/charts/immutable-pods-policy "$(digest_of_tag immutable-pods/charts/immutable-pods-policy "${TAG#v}")" true false
}

@test "a failed push fails its step" {
  local job folder
  for job in publish chart; do
    folder=$RUN/jobs/$job-failed
    mkdir -p "$folder"/{workspace/target/chart,temp,home,bin}
    ln -s "$(type -P false)" "$folder/bin/helm"
    ln -s "$(type -P false)" "$folder/bin/kwctl"
    jq --arg job "$job" "$WORKFLOW_JQ"'steps($job) | map(select(.id == "push") | .label += " fails")' "$RUN/workflow.json" >"$folder/steps.json"
    context_of "$job" 0 >"$folder/context.json"
    echo "$folder/bin" >"$folder/path"
    run run_steps "$folder"
    [[ $status -ne 0 ]] || { echo "$output"; return 1; }
  done
}

@test "every script of the workflow ran" {
  local missing=chart
  ! has helm || missing=
  same "" "$(jq --raw-output --arg missing "$missing" "$WORKFLOW_JQ"'
    . as $workflow | .jobs | keys_unsorted[] | select(. != $missing) | . as $job | $workflow
    | select(.jobs[$job].steps) | steps($job)[].label' "$RUN/workflow.json" | grep --invert-match --line-regexp --file "$RUN/ran")"
}
