#!/usr/bin/env bash
# A control plane on the loopback interface, and webhooks in the form that Kubewarden's controller registers.
#
# Programs come from the folder $KUBEBUILDER_ASSETS, as in envtest of controller-runtime, and from the PATH.

PATH=${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS:}$PATH
CLUSTER=$BATS_FILE_TMPDIR/cluster
# The working directory of every container.
CONTAINER=$CLUSTER/container
# The kubeconfig and the preferences of the user are ignored.
export KUBECONFIG=$CLUSTER/admin.kubeconfig KUBECACHEDIR=$CLUSTER/kubectl KUBECTL_KUBERC=false

# Pods run on simulated nodes.
needs_nodes() {
  needs kube-controller-manager kube-scheduler kwok
}

# The program must be built with its client.
needs_client() {
  "$PROGRAM" version --json | jq --exit-status '.features | index("cluster")' >/dev/null || skip "$PROGRAM is built without the feature cluster"
}

# --- The control plane ---

start_cluster() {
  mkdir "$CLUSTER"
  : >"$CLUSTER/pids"
  guard
  make_certificates
  start_api_server
  if has kube-controller-manager; then
    start kube-controller-manager --kubeconfig "$(kubeconfig_of system:kube-controller-manager)" \
      --use-service-account-credentials --service-account-private-key-file "$CLUSTER/service-accounts.key" \
      --root-ca-file "$CLUSTER/ca.crt" --leader-elect=false --secure-port 0 --node-monitor-grace-period 1h --kube-api-qps 500 --kube-api-burst 1000
  fi
  if has kube-scheduler; then
    start kube-scheduler --kubeconfig "$(kubeconfig_of system:kube-scheduler)" --leader-elect=false --secure-port 0 \
      --kube-api-qps 500 --kube-api-burst 1000
  fi
  if has kwok; then
    start_nodes
  fi
}

# Runs a program in the background until the cluster is stopped. $LOG names its output, if the program runs twice.
start() { # PROGRAM ARGUMENT…
  "$@" >"$CLUSTER/${LOG:-$1}.log" 2>&1 </dev/null 3>&- &
  echo $! >>"$CLUSTER/pids"
  # Prevents the message of the shell about the killed job.
  disown
}

# Starts a cluster with namespaces, accounts and the registered policies.
start_cluster_with_policies() {
  start_cluster
  kubectl create --filename e2e-tests/cluster/objects.yaml >/dev/null
  register
  export POLICY_SERVER_URL
}

# Stops the cluster. Its logs stay in the folder $KEEP.
end_cluster() {
  [[ -z $KEEP ]] || cp -r "$CLUSTER" "$KEEP"
  stop_cluster
}

stop_cluster() {
  # The stored data is not needed any more.
  xargs kill -KILL <"$CLUSTER/pids" 2>/dev/null || true
}

# Kills all started programs if the suite ends without its teardown.
guard() {
  (
    trap '' INT TERM HUP
    while kill -0 "$$" && kill -0 "$PPID" && pids=$(cat "$CLUSTER/pids"); do
      started=$pids
      sleep 1
    done
    xargs kill -KILL <<<"$started"
  ) >/dev/null 2>&1 </dev/null 3>&- &
}

# Creates one certificate authority for all servers, and a key for service account tokens.
make_certificates() {
  local key=(-newkey ec -pkeyopt "ec_paramgen_curve:prime256v1" -nodes)
  {
    openssl req -x509 "${key[@]}" -days 3 -subj /CN=control-plane -keyout "$CLUSTER/ca.key" -out "$CLUSTER/ca.crt"
    openssl req -x509 "${key[@]}" -days 3 -subj /CN=127.0.0.1 -CA "$CLUSTER/ca.crt" -CAkey "$CLUSTER/ca.key" \
      -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
      -keyout "$CLUSTER/server.key" -out "$CLUSTER/server.crt"
    openssl ecparam -genkey -name prime256v1 -noout -out "$CLUSTER/service-accounts.key"
  } 2>"$CLUSTER/openssl.log" || { cat "$CLUSTER/openssl.log"; return 1; }
}

start_api_server() {
  local peer
  ETCD=http://127.0.0.1:$(free_port)
  peer=http://127.0.0.1:$(free_port)
  API_SERVER=https://127.0.0.1:$(free_port)
  # Tests start another API server.
  export ETCD
  start etcd --data-dir "$CLUSTER/etcd" --unsafe-no-fsync \
    --listen-client-urls "$ETCD" --advertise-client-urls "$ETCD" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  for user in admin,admin,system:masters system:kube-controller-manager system:kube-scheduler; do
    add_user "$user"
  done
  cat >"$CLUSTER/audit.yaml" <<YAML
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: RequestResponse, resources: [{group: "", resources: ["pods", "pods/*"]}, {group: apps}]}
- {level: Metadata}
YAML
  serve_api "$API_SERVER"
  eventually 120 is_ready || { tail "$CLUSTER/etcd.log" "$CLUSTER/kube-apiserver.log"; return 1; }
}

# Starts an API server. All of them share their data.
serve_api() { # URL [FLAG…]
  local options=("${@:2}")
  # This plug-in requires service accounts, which the controllers create.
  has kube-controller-manager || options+=(--disable-admission-plugins ServiceAccount)
  start kube-apiserver --etcd-servers "$ETCD" --bind-address 127.0.0.1 --secure-port "${1##*:}" \
    --cert-dir "$CLUSTER" --tls-cert-file "$CLUSTER/server.crt" --tls-private-key-file "$CLUSTER/server.key" \
    --token-auth-file "$CLUSTER/users.csv" --authorization-mode RBAC --endpoint-reconciler-type none \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$CLUSTER/service-accounts.key" \
    --service-account-signing-key-file "$CLUSTER/service-accounts.key" --service-cluster-ip-range 10.0.0.0/24 \
    --audit-policy-file "$CLUSTER/audit.yaml" --audit-log-path "$CLUSTER/audit.log" \
    --allow-privileged "${options[@]}"
}

is_ready() { # [URL]
  kubectl ${1:+--server "$1"} get --raw /readyz >/dev/null 2>&1
}

# Creates a user with a token and a kubeconfig.
add_user() { # NAME[,UID,GROUP]
  local token
  token=$(openssl rand -hex 16)
  echo "$token,$1" | sed 's/^\([^,]*,\([^,]*\)\)$/\1,\2/' >>"$CLUSTER/users.csv"
  cat >"$(kubeconfig_of "${1%%,*}")" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "$API_SERVER", certificate-authority: "$CLUSTER/ca.crt"}}]
users: [{name: e2e, user: {token: $token}}]
contexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]
current-context: e2e
YAML
}

kubeconfig_of() { # USER
  echo "$CLUSTER/${1#*:}.kubeconfig"
}

# Creates a node that kwok simulates: pods run and Jobs complete without containers. exec in a pod runs the command on this machine,
# in a folder of the suite.
start_nodes() {
  local port stages
  port=$(free_port)
  stages=$(dirname "$(command -v kwok)")/kwok-stages.yaml
  mkdir "$CONTAINER"
  echo "written by web" >"$CONTAINER/log"
  cat >"$CLUSTER/kwok.yaml" <<YAML
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterExec
metadata: {name: all}
spec: {execs: [{local: {workDir: "$CONTAINER"}}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterAttach
metadata: {name: all}
spec: {attaches: [{logsFile: "$CONTAINER/log"}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: all}
spec: {forwards: [{target: {address: 127.0.0.1, port: $port}}]}
YAML
  start kwok --kubeconfig "$KUBECONFIG" --manage-all-nodes=true --config "$stages,$CLUSTER/kwok.yaml" \
    --node-ip 127.0.0.1 --node-port "$port" --server-address "127.0.0.1:$port" \
    --tls-cert-file "$CLUSTER/server.crt" --tls-private-key-file "$CLUSTER/server.key"
  kubectl create --filename - >/dev/null <<YAML
apiVersion: v1
kind: Node
metadata: {name: node, labels: {kubernetes.io/hostname: node, kubernetes.io/os: linux}}
status:
  allocatable: {cpu: "1000", memory: 1000Gi, pods: "10000"}
  capacity: {cpu: "1000", memory: 1000Gi, pods: "10000"}
YAML
}

# --- Policies, in the form that Kubewarden's controller registers ---

# Prints every manifest of the project, variants, and the policies of the Helm chart if helm is installed. A manifest gets the name of
# its file, because all are registered at once.
policies() {
  local file
  while read -r file; do
    "$PROGRAM" request "$file" | jq --arg name "$(name_of_manifest "$file")" '
      .object | .metadata.name = $name | if .kind != "AdmissionPolicy" then del(.metadata.namespace) else . end'
  done < <(manifests) |
    jq --slurp . >"$CLUSTER/examples.json"
  jq --from-file e2e-tests/cluster/variants.jq <<<"$(jq 'map({(.metadata.name): .}) | add' "$CLUSTER/examples.json")" |
    jq --slurp add "$CLUSTER/examples.json" - <(policies_of_chart | jq --slurp .) <(policy_of_incidents | jq --slurp .) \
      >"$CLUSTER/policies.json"
}

# The policies of the chart have its default names, `immutable-pods` and `immutable-pods-fix`.
policies_of_chart() {
  ! has helm || helm template immutable-pods charts/immutable-pods-policy --set policies=fix+deny | "$PROGRAM" request - | jq .object
}

# The policy with the settings in docs/incident.md.
policy_of_incidents() {
  {
    sed '/^  settings:/,$d' examples/policies/cluster.yaml
    echo '  settings:'
    awk '/^```yaml/ { inside = 1; next } /^```/ { inside = 0 } inside { print "    " $0 }' docs/incident.md
  } | "$PROGRAM" request - | jq '.object | .metadata.name = "break-glass"'
}

manifests() {
  grep --recursive --files-with-matches --include '*.yaml' --exclude-dir upgrade '^apiVersion: policies.kubewarden.io/' examples | sort
}

name_of_manifest() { # FILE
  case $1 in
    # Policies refer to this policy server.
    */server.yaml) echo immutable-pods ;;
    examples/registry/policy.yaml) echo registry ;;
    *) basename "$1" .yaml ;;
  esac
}

# Registers all policies, and starts a policy server that loads them. Kubewarden's controller creates the webhooks if it is
# installed. Otherwise this script creates the same webhooks.
register() {
  policies
  kubectl create namespace shop >/dev/null
  if has_controller; then
    register_by_controller
  else
    convert
  fi
  serve
}

# Converts the policies in policies.json like Kubewarden's controller.
convert() {
  jq --from-file e2e-tests/cluster/kubewarden.jq "$CLUSTER/policies.json" >"$CLUSTER/made.json"
  jq '{apiVersion: "v1", kind: "List", items: .webhooks}' "$CLUSTER/made.json" >"$CLUSTER/webhooks.json"
  jq .policies "$CLUSTER/made.json" >"$CLUSTER/written-policies.json"
}

# Starts a policy server for the converted policies, and creates their webhooks.
serve() {
  jq --arg file "file://$(realpath "$MODULE")" 'walk(if type == "object" and has("module") then .module = $file else . end)' \
    "$CLUSTER/written-policies.json" >"$CLUSTER/policies.yml"
  start_policy_server "$CLUSTER" --cert-file "$CLUSTER/server.crt" --key-file "$CLUSTER/server.key"
  # shellcheck disable=SC2154 # start_policy_server sets the variable
  echo "$policy_server_pid" >>"$CLUSTER/pids"
  disown "$policy_server_pid"
  POLICY_SERVER_URL=https://${POLICY_SERVER_URL#*//}
  served "$CLUSTER/webhooks.json" | kubectl create --filename - >/dev/null
}

# Prints webhooks that call the local policy server. The labels of a namespace select the policies that apply, because all policies
# are registered at once.
served() { # FILE
  jq --arg url "$POLICY_SERVER_URL" --arg ca "$(base64 --wrap 0 "$CLUSTER/ca.crt")" '
    .items |= map(
      (.metadata.name | split("-")[1:] | join("-") | ltrimstr("group-")) as $policy
      | .metadata = {name: .metadata.name, labels: {"app.kubernetes.io/part-of": "kubewarden"}}
      | .webhooks |= map(
          .clientConfig = {url: "\($url)/validate/\(.name | rtrimstr(".kubewarden.admission"))", caBundle: $ca}
          | if .namespaceSelector.matchExpressions then
              .namespaceSelector.matchExpressions += [{key: "policy/\($policy)", operator: "Exists"}]
            else . end))' "$1"
}

# Prints the webhooks of the manifests in examples/, without the address of a policy server, and the policies.yml.
written() {
  jq --slurp --sort-keys --slurpfile examples "$CLUSTER/examples.json" '
    ($examples[0] | map(select(.kind != "PolicyServer") | .metadata.name)) as $names
    | {
        webhooks: [.[0].items[]
          | select(.metadata.name | test("^[a-z-]+-(\($names | join("|")))$"))
          | {apiVersion, kind, metadata: {name: .metadata.name}, webhooks: (.webhooks | map(del(.clientConfig)))}]
          | sort_by(.metadata.name),
        policies: .[1] | with_entries(select(.value.namespacedName.Name | IN($names[]))),
      }' "$CLUSTER/webhooks.json" "$CLUSTER/written-policies.json"
}

# --- Kubewarden's controller ---

# The controller waits until the pods of policy servers are ready.
has_controller() {
  has kubewarden-controller && has kube-controller-manager && has kube-scheduler && has kwok && [[ -d $(charts) ]]
}

charts() {
  echo "${KUBEWARDEN_CHARTS:-$(dirname "$(command -v kubewarden-controller)")/kubewarden-charts}"
}

# Runs the controller until it has created webhooks and policies.yml. Then stops it, because it would undo changes to its webhooks.
register_by_controller() {
  local controller
  start_controller
  controller=$(tail -n 1 "$CLUSTER/pids")
  jq '{apiVersion: "v1", kind: "List", items: (. + [{apiVersion: "policies.kubewarden.io/v1", kind: "PolicyServer",
      metadata: {name: "default"}, spec: {image: "policy-server", replicas: 1}}])}' "$CLUSTER/policies.json" |
    kubectl create --filename - >/dev/null
  eventually 120 has_written || { tail -n 20 "$CLUSTER/kubewarden-controller.log"; kubectl get pods,clusteradmissionpolicies --all-namespaces; return 1; }
  kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations --output json \
    --selector app.kubernetes.io/part-of=kubewarden >"$CLUSTER/webhooks.json"
  kubectl get configmaps --namespace kubewarden --output json --selector kubewarden/policy-server |
    jq '[.items[].data["policies.yml"] | fromjson] | add' >"$CLUSTER/written-policies.json"
  stop "$controller"
  kubectl delete --filename "$CLUSTER/webhooks.json" >/dev/null
  # They would call the controller.
  kubectl delete --filename "$(charts)/generated-webhooks-manifests.yaml" >/dev/null
}

# Creates the definitions of Kubewarden's kinds.
define_kinds() {
  local crds
  crds=$(charts)/kubewarden-crds/templates
  sed --silent '/{{/!p' "$crds"/crds/*.yaml "$crds"/{,cluster}policyreports.yaml | kubectl create --filename - >/dev/null
}

start_controller() {
  local port probe certificates=$CLUSTER/k8s-webhook-server/serving-certs
  define_kinds
  kubectl create namespace kubewarden >/dev/null
  kubectl create serviceaccount policy-server --namespace kubewarden >/dev/null
  # In the format that the controller reads.
  openssl ec -in "$CLUSTER/ca.key" -out "$CLUSTER/ca.ec.key" 2>/dev/null
  kubectl create secret generic kubewarden-ca --namespace kubewarden --from-file "ca.crt=$CLUSTER/ca.crt" \
    --from-file "ca.key=$CLUSTER/ca.ec.key" >/dev/null
  mkdir -p "$certificates"
  cp "$CLUSTER/server.crt" "$certificates/tls.crt"
  cp "$CLUSTER/server.key" "$certificates/tls.key"
  port=$(free_port)
  probe=$(free_port)
  # No flag binds the webhook server to the loopback interface: its port is open on all interfaces until the controller is stopped.
  TMPDIR=$CLUSTER start kubewarden-controller --kubeconfig "$KUBECONFIG" --deployments-namespace kubewarden \
    --webhook-server-port "$port" --health-probe-bind-address "127.0.0.1:$probe" --metrics-bind-address 0
  wait_for "$(tail -n 1 "$CLUSTER/pids")" "http://127.0.0.1:$probe/readyz" || { cat "$CLUSTER/kubewarden-controller.log"; return 1; }
  kubectl create --dry-run=client --output json --filename "$(charts)/generated-webhooks-manifests.yaml" |
    jq --arg url "https://127.0.0.1:$port" --arg ca "$(base64 --wrap 0 "$CLUSTER/ca.crt")" '
      walk(if type == "object" and has("service") then {url: ($url + .service.path), caBundle: $ca} else . end)' |
    kubectl create --filename - >/dev/null
}

has_written() {
  local webhooks
  webhooks=$(kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations --output name \
    --selector app.kubernetes.io/part-of=kubewarden | wc -l)
  ((webhooks == $(jq 'map(select(.kind != "PolicyServer")) | length' "$CLUSTER/policies.json")))
}

# --- Helpers for tests ---

# Pod specs: without security fields, hardened, and denied by all settings.
# shellcheck disable=SC2034 # tests use the variables
PLAIN='{"containers": [{"name": "web", "image": "nginx:1.29"}]}'
# shellcheck disable=SC2034
HARDENED='{"containers": [{"name": "web", "image": "nginx:1.29", "securityContext":
  {"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}}}]}'
PRIVILEGED='{"containers": [{"name": "web", "image": "nginx:1.29", "securityContext": {"privileged": true}}]}'

workload() { # KIND NAME SPEC [FILTER]
  jq --null-input --arg kind "$1" --arg name "$2" --argjson spec "$3" --from-file e2e-tests/cluster/workload.jq | jq "${4:-.}"
}

# Prints twenty workloads of all kinds, which take turns with the pod specs in a list.
twenty_workloads() { # SPECS [FILTER]
  local app
  jq --compact-output --null-input --argjson specs "$1" '
    ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "Pod"] as $kinds
    | range(20) as $n
    | {kind: $kinds[$n % 7], name: "app-\($n)", spec: $specs[$n % ($specs | length)]}' |
    while read -r app; do
      workload "$(jq --raw-output .kind <<<"$app")" "$(jq --raw-output .name <<<"$app")" "$(jq .spec <<<"$app")" "${2:-.}"
    done
}

# Creates a namespace for the test, in which some policies apply.
in_namespace() { # [POLICY…]
  namespace=test-$BATS_TEST_NUMBER
  printf '%s\n' "$@" | jq --raw-input --null-input --arg name "$namespace" '{
      apiVersion: "v1", kind: "Namespace",
      metadata: {name: $name, labels: ([inputs | select(. != "") | {"policy/\(.)": ""}] | add)}}' |
    kubectl create --filename - >/dev/null
  ! has kube-controller-manager || eventually 30 k get serviceaccount default >/dev/null 2>&1
}

# Runs kubectl in the namespace of the test.
k() {
  kubectl --namespace "$namespace" "$@"
}

# Changes the policies that apply in the namespace of the test.
enforce() { # POLICY…
  local policies=("${@/#/policy/}")
  kubectl label namespace "$namespace" "${policies[@]/%/=}" >/dev/null
  eventually 30 denies_privileged
}

denies_privileged() {
  ! workload Pod probe "$PRIVILEGED" | k create --dry-run=server --filename - >/dev/null 2>&1
}

# Fails unless a policy denies the request of the command. Sets $message to the output for the user.
denied_by() { # POLICY COMMAND…
  local denial="admission webhook \"clusterwide-$1.kubewarden.admission\" denied the request: "
  if message=$("${@:2}" 2>&1); then
    echo "must be denied: $message"
    return 1
  fi
  if [[ $message != *"$denial"* ]]; then
    echo "must be denied by $1: $message"
    return 1
  fi
  message=${message#*"$denial"}
}

# Fails unless a field of an object has a value.
has_field() { # OBJECT JSONPATH VALUE
  same "$3" "$(k get "$1" --output "jsonpath=$2")"
}

rolled_out() { # DEPLOYMENT
  k rollout status "$1" --timeout 60s >/dev/null || {
    k get replicasets,pods
    echo "$(k get replicasets --output name | wc -l) ReplicaSets, $(k get "$1" --output 'jsonpath={.status.collisionCount}') collisions"
    return 1
  }
}

# Fails unless a Deployment has one ReplicaSet per template, and only the last one has pods.
has_replicasets() { # DEPLOYMENT COUNT
  k get replicasets --selector "app=$1" --output name >"$BATS_TEST_TMPDIR/replicasets"
  same "$2" "$(wc -l <"$BATS_TEST_TMPDIR/replicasets")"
  has_field "deployment/$1" '{.status.collisionCount}' ""
  same 1 "$(k get replicasets --selector "app=$1" --output 'jsonpath={range .items[?(@.spec.replicas>0)]}{.metadata.name}{"\n"}{end}' | wc -l)"
}

# Prints an audit annotation of a policy for the last request for an object.
audited() { # POLICY OBJECT ANNOTATION
  jq --raw-output --slurp --arg namespace "$namespace" --arg name "$2" --arg annotation "clusterwide-$1.kubewarden.admission/$3" '
    map(select(.objectRef.namespace == $namespace and .objectRef.name == $name) | .annotations[$annotation] | values) | last' \
    <(grep --fixed-strings "\"namespace\":\"$namespace\"" "$CLUSTER/audit.log")
}
