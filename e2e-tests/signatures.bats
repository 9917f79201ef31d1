#!/usr/bin/env bats
# Signs the module in a registry with a key, as docs/verify.md describes, and verifies it with kwctl and policy-server. Nothing asks the
# services of Sigstore, so this works without a network.

load helpers

setup_file() {
  export REGISTRY SOURCES=$BATS_FILE_TMPDIR/sources.yaml SIGNED UNSIGNED TRUST=$BATS_FILE_TMPDIR/trust.json COSIGN_PASSWORD='' registry_pid
  start_registry "$BATS_FILE_TMPDIR"
  echo "insecure_sources: [\"$REGISTRY\"]" >"$SOURCES"
  SIGNED=$(push signed "$MODULE")
  # The smallest change of the module that is still a module.
  cp "$MODULE" "$BATS_FILE_TMPDIR/changed.wasm"
  printf '\0\2\1x' >>"$BATS_FILE_TMPDIR/changed.wasm"
  UNSIGNED=$(push unsigned "$BATS_FILE_TMPDIR/changed.wasm")
  write_trust
  cd "$BATS_FILE_TMPDIR" || return
  cosign generate-key-pair 2>/dev/null
  cosign generate-key-pair --output-key-prefix other 2>/dev/null
  sign "$SIGNED"
}

teardown_file() { stop "$registry_pid"; }

# Pushes a module, and prints its immutable reference.
push() { # TAG MODULE
  "$KWCTL" push --sources-path "$SOURCES" --output json "$2" "registry://$REGISTRY/policies/immutable-pods:$1" |
    jq --raw-output '"registry://\(.immutable_ref)"'
}

# Signs with the flags of the page.
sign() { # REFERENCE
  cosign sign --yes --key cosign.key --new-bundle-format=false --use-signing-config=false --tlog-upload=false \
    --allow-http-registry --allow-insecure-registry "${1#registry://}" >"$BATS_FILE_TMPDIR/cosign.log" 2>&1 ||
    { cat "$BATS_FILE_TMPDIR/cosign.log"; return 1; }
}

# Writes the roots of trust of an installation of Sigstore that nothing here uses.
write_trust() {
  local key certificate
  openssl ecparam -name prime256v1 -genkey -noout -out "$BATS_FILE_TMPDIR/root.key"
  openssl req -x509 -new -key "$BATS_FILE_TMPDIR/root.key" -subj /CN=root -days 2 -outform DER -out "$BATS_FILE_TMPDIR/root.der" 2>/dev/null
  certificate=$(base64 --wrap 0 "$BATS_FILE_TMPDIR/root.der")
  key=$(openssl ec -in "$BATS_FILE_TMPDIR/root.key" -pubout -outform DER 2>/dev/null | base64 --wrap 0)
  jq --null-input --arg key "$key" --arg certificate "$certificate" '{
    mediaType: "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
    trustedRoot: {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [{baseUrl: "http://127.0.0.1:1", hashAlgorithm: "SHA2_256", logId: {keyId: $key},
        publicKey: {rawBytes: $key, keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor: {start: "2020-01-01T00:00:00Z"}}}],
      certificateAuthorities: [{subject: {organization: "root", commonName: "root"}, uri: "http://127.0.0.1:1",
        certChain: {certificates: [{rawBytes: $certificate}]}, validFor: {start: "2020-01-01T00:00:00Z"}}],
      ctlogs: [], timestampAuthorities: []
    }}' >"$TRUST"
}

verify() { # REFERENCE KEY
  "$KWCTL" verify --sources-path "$SOURCES" --sigstore-trust-config "$TRUST" --verification-key "$BATS_FILE_TMPDIR/$2" "$1"
}

@test "kwctl accepts the signed module" {
  run verify "$SIGNED" cosign.pub
  [[ $status -eq 0 && $output == *"Policy successfully verified"* ]] || { echo "$output"; return 1; }
}

@test "kwctl refuses a module without a signature, and another key" {
  run verify "$UNSIGNED" cosign.pub
  [[ $status -ne 0 && $output == *"no signatures found"* ]] || { echo "$output"; return 1; }
  run verify "$SIGNED" other.pub
  [[ $status -ne 0 && $output == *"constraints were not satisfied"* ]] || { echo "$output"; return 1; }
}

# Starts a policy server that loads only modules with a signature.
start_verifying() { # REFERENCE
  local folder=$BATS_TEST_TMPDIR
  echo "policy: {module: \"$1\"}" >"$folder/policies.yml"
  jq --null-input --rawfile key "$BATS_FILE_TMPDIR/cosign.pub" \
    '{apiVersion: "v1", allOf: [{kind: "pubKey", owner: null, key: $key}]}' >"$folder/verification.yml"
  start_policy_server "$folder" --sources-path "$SOURCES" --verification-path "$folder/verification.yml" --sigstore-trust-config "$TRUST"
}

@test "a policy server with a verification file loads the signed module" {
  start_verifying "$SIGNED"
  same true "$(request_of neutral/pod | ask validate policy | jq .allowed)"
  stop "$policy_server_pid"
}

@test "a policy server with a verification file refuses a changed module" {
  run start_verifying "$UNSIGNED"
  [[ $status -ne 0 && $output == *"cannot be verified: no signatures found"* ]] || { echo "$output"; return 1; }
}
