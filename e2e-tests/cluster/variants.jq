# Converts the example policies, by name, to a list of additional policies for the suite.

def variant($of; $name): .[$of] | .metadata.name = $name;
def with_kinds($group; $version; $kinds):
  .spec.rules += [{apiGroups: [$group], apiVersions: [$version], resources: $kinds, operations: ["CREATE", "UPDATE"]}];
# Kinds that users may register although the manifests do not, and a custom resource with a pod template.
def with_more_kinds: with_kinds("apps"; "v1"; ["replicasets"]) | with_kinds("argoproj.io"; "v1alpha1"; ["rollouts"]);
def exempting($who): .spec.settings.exemptions = [$who + {reason: "the platform looks after its own"}];

[
  (variant("fix-mutating"; "more-mutating") | with_more_kinds),
  (variant("fix-validating"; "more-validating") | with_more_kinds),
  (variant("strict"; "more-strict") | with_more_kinds),
  # Rules are set to mode fix one after another.
  (variant("fix-mutating"; "first-mutating") | with_more_kinds
    | .spec.settings = {enforcement: "warn", allowPrivilegeEscalation: "fix"}),
  (variant("fix-mutating"; "exempt-mutating") | with_more_kinds | exempting({groups: ["platform"]})),
  (variant("fix-validating"; "exempt-validating") | with_more_kinds | exempting({groups: ["platform"]})),
  (variant("fix-mutating"; "noexec-mutating") | with_more_kinds | .spec.settings.noexecMounts = "fix"),
  (variant("fix-validating"; "noexec-validating") | with_more_kinds | .spec.settings.noexecMounts = "deny"),
  (("baseline", "restricted", "immutable+restricted") as $preset
    | variant("cluster"; "preset-" + ($preset | gsub("\\+"; "-"))) | .spec.settings = {preset: $preset}),
  (variant("fix-mutating"; "seccomp-mutating") | .spec.settings = {enforcement: "warn", seccompProfile: "fix"}),
  # Registrations that decide which objects are evaluated, and what the policy server does.
  (variant("cluster"; "selected") | .spec.objectSelector = {matchExpressions: [{key: "app", operator: "NotIn", values: ["plain"]}]}),
  (variant("cluster"; "labelled") | .spec.namespaceSelector += {matchLabels: {"the/controller": "drops"}}),
  (variant("cluster"; "pods") | .spec.rules = [{apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"]}]),
  (variant("cluster"; "everything") | .spec.rules = [{apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: ["CREATE"]}]),
  (variant("cluster"; "monitored") | .spec.mode = "monitor"),
  (variant("fix-mutating"; "monitored-fix") | .spec.mode = "monitor"),
  (variant("fix-mutating"; "unmutating") | .spec.mutating = false),
  (variant("group"; "group-both") | .spec.expression = "hardened() && !(false || !contained())"),
  (variant("group"; "group-fixed") | .spec.expression = "contained()" | .spec.policies.contained.settings = {allowPrivilegeEscalation: "fix"}),
  (variant("live-access"; "commands")
    | .spec.settings.interactiveAccess += {allowedCommands: [["nginx", "-t"], ["cat", "*"]]})
]
