#!/usr/bin/env bats
# How users get the program: archives, the action, hooks and the kubectl plugin. The archive contains the program of `make program`.

load helpers

setup_file() {
  export DIST=$BATS_FILE_TMPDIR/dist
  export VERSION RELEASES ARCHIVE
  VERSION=$(scripts/dist/version)
  RELEASES=file://$BATS_FILE_TMPDIR/releases
  # Without debug information, which would take seconds to compress.
  cp "$PROGRAM" "$BATS_FILE_TMPDIR/immutable-pods"
  strip "$BATS_FILE_TMPDIR/immutable-pods" || true
  ARCHIVE=$(scripts/dist/archive "$(triple)" "$BATS_FILE_TMPDIR/immutable-pods")
  mkdir "$BATS_FILE_TMPDIR/releases"
  cp -R "$DIST" "$BATS_FILE_TMPDIR/releases/v$VERSION"
}

setup() {
  # What a runner of GitHub Actions sets.
  export RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP=$BATS_TEST_TMPDIR GITHUB_SERVER_URL=https://github.com
  export GITHUB_PATH=$BATS_TEST_TMPDIR/path GITHUB_OUTPUT=$BATS_TEST_TMPDIR/outputs
  [[ $(uname -s) != Darwin ]] || RUNNER_OS=macOS
  [[ $(uname -m) != a* ]] || RUNNER_ARCH=ARM64
}

# Prints the platform of this machine, as releases name it.
triple() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
  esac
}

# Adds a command to the PATH that a test replaces.
command_named() { # NAME
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  cat >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# Creates a stand-in for the program, which is small.
small_program() {
  command_named small-program <<END
#!/bin/sh
case \$1 in --version) echo "immutable-pods $VERSION" ;; *) echo "\$*" ;; esac
END
}

@test "a newcomer unpacks the archive, checks and fixes, without cargo" {
  e2e-tests/newcomer "$ARCHIVE" >"$BATS_TEST_TMPDIR/seconds" 2>&1 || { cat "$BATS_TEST_TMPDIR/seconds" && false; }
  sed 's/^/# /' "$BATS_TEST_TMPDIR/seconds" >&3
}

@test "equal files give equal archives" {
  small_program
  for triple in "$(triple)" x86_64-pc-windows-msvc; do
    if [[ $triple == *windows* ]] && ! command -v zip >/dev/null; then
      echo "# skipped: the archive for Windows needs zip" >&3
      continue
    fi
    DIST=$BATS_TEST_TMPDIR/1 scripts/dist/archive "$triple" "$BATS_TEST_TMPDIR/bin/small-program"
    (umask 077 && TZ=Asia/Tokyo DIST=$BATS_TEST_TMPDIR/2 scripts/dist/archive "$triple" "$BATS_TEST_TMPDIR/bin/small-program")
  done
  diff -r "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
}

@test "the archive contains what its documents name" {
  folder=immutable-pods-$VERSION-$(triple)
  tar -t -z -f "$ARCHIVE" >"$BATS_TEST_TMPDIR/files"
  for file in immutable-pods LICENSE README.md examples/nginx/1-plain.yaml \
    completions/immutable-pods.bash completions/immutable-pods.fish completions/_immutable-pods completions/_immutable-pods.ps1; do
    grep --line-regexp --fixed-strings "$folder/$file" "$BATS_TEST_TMPDIR/files"
  done
  run grep --invert-match "^$folder/" "$BATS_TEST_TMPDIR/files"
  [[ $status -eq 1 ]]
}

@test "a program of another version is not archived" {
  command_named old-program <<<'#!/bin/sh
echo immutable-pods 0.0.1'
  run scripts/dist/archive "$(triple)" "$BATS_TEST_TMPDIR/bin/old-program"
  [[ $status -eq 2 ]]
  [[ $output == *": expected version $VERSION, got immutable-pods 0.0.1" ]]
}

# --- The action ---

@test "the action installs a release" {
  command_named gh <<<'#!/bin/sh
echo "gh $*"'
  run scripts/action/install
  [[ $status -eq 0 ]]
  [[ $output == "gh attestation verify immutable-pods-$VERSION-$(triple).tar.gz --repo immutable-pods/immutable-pods-policy"* ]]
  PATH=$(cat "$GITHUB_PATH"):$PATH
  [[ $(immutable-pods --version) == "immutable-pods $VERSION" ]]
}

@test "the action refuses a changed archive" {
  cp -R "$BATS_FILE_TMPDIR/releases" "$BATS_TEST_TMPDIR"
  echo changed >>"$BATS_TEST_TMPDIR/releases/v$VERSION/immutable-pods-$VERSION-$(triple).tar.gz"
  RELEASES=file://$BATS_TEST_TMPDIR/releases run scripts/action/install
  [[ $status -eq 2 ]]
  [[ $output == "::error title=immutable-pods::immutable-pods-$VERSION-$(triple).tar.gz: expected SHA-256 digest "* ]]
  [[ ! -e $GITHUB_PATH ]]
}

@test "the action refuses an archive without a valid attestation" {
  command_named gh <<<'#!/bin/sh
exit 1'
  run scripts/action/install
  [[ $status -eq 2 ]]
  [[ $output == *"the attestation of its build is not valid" ]]
  [[ ! -e $GITHUB_PATH ]]
}

@test "the action refuses what is not released" {
  VERSION=9.9.9 run scripts/action/install
  [[ $status -eq 2 && ${lines[1]} == "::error title=immutable-pods::cannot download $RELEASES/v9.9.9/"* ]]
  VERSION=../1.2.3 run scripts/action/install
  [[ $status -eq 2 && $output == '::error title=immutable-pods::version: expected a version such as 1.2.3, got "../1.2.3"' ]]
  RUNNER_ARCH=X86 run scripts/action/install
  [[ $status -eq 2 && $output == *"no release for this runner: $RUNNER_OS on X86" ]]
}

# Runs the step that checks, with the inputs as variables, and prints its outputs after the log.
action_check() {
  PATH=$BATS_FILE_TMPDIR:$PATH ARGS=${ARGS:-} FAIL_ON=${FAIL_ON:-deny} POLICY=${POLICY:-} SARIF=${SARIF:-true} \
    scripts/action/check
  cat "$GITHUB_OUTPUT"
}

@test "the action writes SARIF, and keeps the exit code" {
  PATHS=$'examples/nginx/1-plain.yaml\nexamples/nginx/6-pinned.yaml' run action_check
  [[ $status -eq 0 ]]
  [[ $output == *'container "nginx" must set it to true [readOnlyRootFilesystem]'* ]]
  [[ $output == *$'\n'"exit-code=1"$'\n'"sarif=$BATS_TEST_TMPDIR/immutable-pods.sarif" ]]
  [[ $(jq '.runs[0].results | length' "$BATS_TEST_TMPDIR/immutable-pods.sarif") -eq 4 ]]
}

@test "the action passes its inputs to the program" {
  command_named immutable-pods <<<'#!/bin/sh
printf "<%s>" "$@"'
  action_check() {
    scripts/action/check
  }
  export PATHS=$'a b.yaml\nc' POLICY=$'p.yaml\n\nq.yaml' FAIL_ON=warn ARGS=$'--recursive\n--crds\nc r d.yaml' SARIF=false
  run action_check
  [[ $output == "<check><--output><github><--fail-on><warn><--policy><p.yaml><--policy><q.yaml><--recursive><--crds><c r d.yaml><--><a b.yaml><c>" ]]
  FAIL_ON=never run action_check
  [[ $output == "<check><--output><github><--exit-zero>"* ]]
  FAIL_ON=warning run action_check
  [[ $status -eq 2 && $output == '::error title=immutable-pods::fail-on: expected deny, warn or never, got "warning"' ]]
}

@test "the action reports what cannot be read" {
  POLICY=missing.yaml PATHS=examples/nginx/6-pinned.yaml run action_check
  [[ $output == *"missing.yaml: "*$'\n'"exit-code=2" ]]
  SARIF=false PATHS=missing.yaml run action_check
  [[ $output == *"::error file=missing.yaml,title=not evaluated::"*$'\n'"exit-code=2" ]]
}

# --- The kubectl plugin ---

# Prints SHA256SUMS of a release with all platforms.
all_sums() {
  local triple
  for triple in {aarch64,x86_64}-apple-darwin {aarch64,x86_64}-unknown-linux-musl; do
    echo "$(printf '%064d' 1)  immutable-pods-$VERSION-$triple.tar.gz"
  done
  echo "$(printf '%064d' 2)  immutable-pods-$VERSION-x86_64-pc-windows-msvc.zip"
}

@test "the krew manifest is valid" {
  command -v validate-krew-manifest >/dev/null || skip "validate-krew-manifest is not installed"
  scripts/dist/krew-manifest <(all_sums) >"$BATS_TEST_TMPDIR/immutable-pods.yaml"
  validate-krew-manifest -skip-install -manifest "$BATS_TEST_TMPDIR/immutable-pods.yaml"
}

@test "a krew manifest names every archive with its digest" {
  scripts/dist/krew-manifest <(all_sums) >"$BATS_TEST_TMPDIR/manifest"
  tr -d '"' <"$BATS_TEST_TMPDIR/manifest" | awk '$1 == "uri:" { uri = $2 } $1 == "sha256:" { print $2 "  " uri }' |
    sort >"$BATS_TEST_TMPDIR/actual"
  all_sums | sed "s,  ,  https://github.com/immutable-pods/immutable-pods-policy/releases/download/v$VERSION/," | sort |
    diff - "$BATS_TEST_TMPDIR/actual"
}

@test "a release without an archive has no krew manifest" {
  all_sums | grep --invert-match aarch64-apple >"$BATS_TEST_TMPDIR/SHA256SUMS"
  run scripts/dist/krew-manifest "$BATS_TEST_TMPDIR/SHA256SUMS"
  [[ $status -eq 1 ]]
  [[ $output == *"no archive of version $VERSION for aarch64-apple-darwin" ]]
}

# --- Hooks of pre-commit ---

# Creates a repository with a denied and an admitted pod, and one with the hooks of this checkout.
create_repositories() {
  command -v pre-commit >/dev/null || skip "pre-commit is not installed"
  git init --quiet "$BATS_TEST_TMPDIR/hooks"
  cp .pre-commit-hooks.yaml "$BATS_TEST_TMPDIR/hooks"
  git -C "$BATS_TEST_TMPDIR/hooks" add .
  git -C "$BATS_TEST_TMPDIR/hooks" -c user.name=a -c user.email=a@example.com commit --quiet --message hooks
  git init --quiet "$BATS_TEST_TMPDIR/repository"
  cp examples/nginx/1-plain.yaml "$BATS_TEST_TMPDIR/repository/denied.yaml"
  cp examples/nginx/6-pinned.yaml "$BATS_TEST_TMPDIR/repository/admitted.yaml"
  echo text >"$BATS_TEST_TMPDIR/repository/README"
  git -C "$BATS_TEST_TMPDIR/repository" add .
}

# Runs a hook on files of the repository.
try_hook() { # HOOK FILE…
  cd "$BATS_TEST_TMPDIR/repository" || return
  PRE_COMMIT_HOME=$BATS_TEST_TMPDIR/cache PATH=$BATS_FILE_TMPDIR:$PATH pre-commit try-repo ../hooks "$1" --files "${@:2}"
}

@test "the hook for an installed program evaluates the changed files" {
  create_repositories
  run try_hook immutable-pods-system admitted.yaml README
  [[ $status -eq 0 ]]
  run try_hook immutable-pods-system admitted.yaml denied.yaml
  [[ $status -eq 1 ]]
  [[ $output == *"denied.yaml: Pod default/nginx denied"* ]]
  [[ $output == *"3 objects: 1 admitted, 1 denied, 1 with nothing to evaluate"* ]]
}

@test "the hook for the image evaluates the changed files" {
  create_repositories
  # Runs the program where the image would.
  command_named docker <<'END'
#!/bin/bash
[[ $1 == run ]] || { echo '{}' && exit; }
while [[ $1 != ghcr.io/* ]]; do shift; done
echo "image: $1"
exec immutable-pods "${@:2}"
END
  run try_hook immutable-pods admitted.yaml denied.yaml
  [[ $status -eq 1 ]]
  [[ $output == *"image: ghcr.io/immutable-pods/immutable-pods-policy/cli:v$VERSION"* ]]
  [[ $output == *"3 objects: 1 admitted, 1 denied, 1 with nothing to evaluate"* ]]
}
