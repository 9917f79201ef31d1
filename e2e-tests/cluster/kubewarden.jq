# Converts a list of policies and policy servers to the output of Kubewarden's controller: the webhooks, and the policies.yml of all
# policy servers. Also sets the default fields of the API server.

def unique_name:
  {
    ClusterAdmissionPolicy: "clusterwide-\(.metadata.name)",
    ClusterAdmissionPolicyGroup: "clusterwide-group-\(.metadata.name)",
    AdmissionPolicy: "namespaced-\(.metadata.namespace)-\(.metadata.name)",
    AdmissionPolicyGroup: "namespaced-group-\(.metadata.namespace)-\(.metadata.name)",
  }[.kind];

def is_cluster_wide: .kind | startswith("Cluster");

# Kubewarden uses only the expressions of the selector.
def namespace_selector:
  if is_cluster_wide then
    {matchExpressions: ([{key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kubewarden"]}]
      + (.spec.namespaceSelector.matchExpressions // []))}
  else {matchLabels: {"kubernetes.io/metadata.name": .metadata.namespace}}
  end;

def webhook:
  unique_name as $name
  | {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: (if .spec.mutating then "MutatingWebhookConfiguration" else "ValidatingWebhookConfiguration" end),
      metadata: {name: $name},
      webhooks: [
        {
          name: "\($name).kubewarden.admission",
          admissionReviewVersions: ["v1"],
          failurePolicy: (.spec.failurePolicy // "Fail"),
          matchPolicy: (.spec.matchPolicy // "Equivalent"),
          namespaceSelector: namespace_selector,
          objectSelector: (.spec.objectSelector // {}),
          rules: (is_cluster_wide as $cluster | .spec.rules | map({scope: (if $cluster then "*" else "Namespaced" end)} + .)),
          sideEffects: (.spec.sideEffects // "None"),
          timeoutSeconds: (.spec.timeoutSeconds // 10),
        }
        + if .spec.mutating then {reinvocationPolicy: "Never"} else {} end
        + if .spec.matchConditions then {matchConditions: .spec.matchConditions} else {} end
      ],
    };

def with($field): if .[$field] then {($field): .[$field]} else {} end;

# Namespaced policies have the capabilities of their policy server.
def host_capabilities($servers):
  if is_cluster_wide then ["*"] else $servers[.spec.policyServer // "default"] // ["*"] end;

def entry($servers):
  host_capabilities($servers) as $capabilities
  | {namespacedName: {Namespace: (.metadata.namespace // ""), Name: .metadata.name}, policyMode: (.spec.mode // "protect")}
    + if .spec.policies then
        {
          policies: (.spec.policies | map_values(
            {"module": .module, settings: (.settings // null), hostCapabilities: $capabilities} + with("timeoutEvalSeconds"))),
          expression: .spec.expression,
          message: .spec.message,
        }
      else
        {"module": .spec.module, allowedToMutate: (.spec.mutating // false), settings: (.spec.settings // null),
          hostCapabilities: $capabilities}
        + (.spec | with("message") + with("timeoutEvalSeconds"))
      end;

(map(select(.kind == "PolicyServer") | {(.metadata.name): .spec.namespacedPoliciesCapabilities}) | add // {}) as $servers
| map(select(.kind != "PolicyServer"))
| {
    webhooks: (map(webhook) | sort_by(.metadata.name)),
    policies: (map({(unique_name): entry($servers)}) | add),
  }
