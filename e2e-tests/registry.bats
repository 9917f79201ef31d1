#!/usr/bin/env bats
# Tests the path of the module through a registry, and registry responses about the images in a pod.

load helpers

setup_file() {
  export REGISTRY SOURCES=$BATS_FILE_TMPDIR/sources.yaml PUSHED WEB_DIGEST
  start_registry "$BATS_FILE_TMPDIR"
  echo "insecure_sources: [\"$REGISTRY\"]" >"$SOURCES"
  PUSHED=$(push v0.2.0)
  WEB_DIGEST=$(push_image web:1.4 1000)
  push_image tools:3 root

  local settings="{runAsNonRoot: {inspectImage: true}, imageReference: {mode: fix, require: digest}}"
  cat >"$BATS_FILE_TMPDIR/policies.yml" <<EOF
defaults: {module: "$PUSHED"}
asking:
  module: $PUSHED
  settings: $settings
  allowedToMutate: true
  hostCapabilities: [oci/v1/oci_manifest_config, oci/v1/manifest_digest]
asking-without-leave: {module: "$PUSHED", settings: $settings, allowedToMutate: true}
EOF
  start_policy_server "$BATS_FILE_TMPDIR" --sources-path "$SOURCES"
  export registry_pid policy_server_pid POLICY_SERVER_URL
}

teardown_file() {
  stop "$policy_server_pid"
  stop "$registry_pid"
}

# Pushes the module, and prints its immutable reference.
push() { # TAG
  "$KWCTL" push --sources-path "$SOURCES" --output json "$MODULE" "registry://$REGISTRY/policies/immutable-pods:$1" |
    jq --raw-output '"registry://\(.immutable_ref)"'
}

# Pushes an image that contains only a user, and prints its digest.
push_image() { # NAME:TAG USER
  local repository=http://$REGISTRY/v2/shop/${1%:*} config manifest upload
  config=$BATS_FILE_TMPDIR/config.json
  manifest=$BATS_FILE_TMPDIR/manifest.json
  jq --null-input --arg user "$2" '
    {architecture: "amd64", os: "linux", config: {User: $user}, rootfs: {type: "layers", diff_ids: []}}' >"$config"
  upload=$(curl --silent --fail --request POST --dump-header - "$repository/blobs/uploads/" |
    sed -n 's/^[Ll]ocation: \(.*\)\r$/\1/p')
  curl --silent --show-error --fail --upload-file "$config" "$upload&digest=$(digest_of "$config")"
  jq --null-input --arg digest "$(digest_of "$config")" --argjson size "$(wc -c <"$config")" '
    "application/vnd.oci.image" as $type
    | {schemaVersion: 2, mediaType: "\($type).manifest.v1+json", layers: [],
       config: {mediaType: "\($type).config.v1+json", digest: $digest, size: $size}}' >"$manifest"
  curl --silent --show-error --fail --header "Content-Type: application/vnd.oci.image.manifest.v1+json" \
    --upload-file "$manifest" "$repository/manifests/${1#*:}"
  digest_of "$manifest"
}

digest_of() { # FILE
  echo "sha256:$(sha256sum "$1" | cut -d ' ' -f 1)"
}

# Prints the request to create a pod with one container, which runs as the user of its image.
pod_of() { # NAME:TAG
  request_of run_as_non_root/denied/unset |
    jq --arg image "$REGISTRY/shop/$1" '.object.spec.containers[0].image = $image'
}

@test "the registry returns the same module for its digest" {
  "$KWCTL" pull --sources-path "$SOURCES" --output-path "$BATS_TEST_TMPDIR/pulled.wasm" "$PUSHED"
  cmp "$MODULE" "$BATS_TEST_TMPDIR/pulled.wasm"
}

@test "a module has the same digest under every tag" {
  same "$PUSHED" "$(push v0.1.1)"
  same "${PUSHED/@/:v0.1.1@}" "$("$KWCTL" digest --sources-path "$SOURCES" "${PUSHED%@*}:v0.1.1")"
}

@test "kwctl runs the module from the registry" {
  request_of neutral/pod >"$BATS_TEST_TMPDIR/request.json"
  "$KWCTL" run --sources-path "$SOURCES" --request-path "$BATS_TEST_TMPDIR/request.json" "$PUSHED" |
    answers "$(admitted)"
}

@test "a policy server loads the module from the registry, by its digest" {
  request_of neutral/pod | ask validate defaults | answers "$(admitted)"
  request_of privileged/denied/every-container | ask validate defaults |
    answers "$(deny_of privileged/denied/every-container | denied)"
}

@test "an image gets the digest of its tag from the registry, and may run as its own user" {
  local answer
  answer=$(pod_of web:1.4 | ask validate asking)
  jq 'del(.patch)' <<<"$answer" |
    answers "$(admitted '{"patchType": "JSONPatch", "auditAnnotations": {"fixes": "imageReference: 1"}}')"
  same "$REGISTRY/shop/web:1.4@$WEB_DIGEST" \
    "$(pod_of web:1.4 | jq .object | patched_by "$answer" | jq --raw-output '.spec.containers[0].image')"
}

@test "an image that runs as root is denied before its digest is looked up" {
  pod_of tools:3 | ask validate asking | answers "$(denied <<EOF
spec.containers[0].securityContext.runAsUser: container "web" must set it to a UID other than 0: image "$REGISTRY/shop/tools:3" runs as "root" [runAsNonRoot]
EOF
)"
}

@test "a missing image is denied without the error of the registry" {
  pod_of web:1.5 | ask validate asking | answers "$(denied <<EOF
spec.containers[0].securityContext.runAsUser: container "web" must set it to a UID other than 0: the user of image "$REGISTRY/shop/web:1.5" is unknown: the registry look-up failed [runAsNonRoot]
EOF
)"
}

@test "a policy without the registry capability denies" {
  pod_of web:1.4 | ask validate asking-without-leave | answers "$(denied <<EOF
spec.containers[0].securityContext.runAsUser: container "web" must set it to a UID other than 0: the user of image "$REGISTRY/shop/web:1.4" is unknown: the registry look-up failed [runAsNonRoot]
EOF
)"
}
