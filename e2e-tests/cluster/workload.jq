# Creates an object with kind $kind, name $name and pod spec $spec.

{metadata: {labels: {app: $name}}, spec: $spec} as $template
| {matchLabels: {app: $name}} as $selector
| ($template | .spec.restartPolicy = "Never") as $once
| {
    Pod: ["v1", $spec],
    PodTemplate: ["v1", null],
    ReplicationController: ["v1", {replicas: 1, selector: {app: $name}, template: $template}],
    ReplicaSet: ["apps/v1", {replicas: 1, selector: $selector, template: $template}],
    Deployment: ["apps/v1", {replicas: 2, selector: $selector, template: $template}],
    StatefulSet: ["apps/v1", {
      replicas: 1, selector: $selector, serviceName: $name, template: $template,
      volumeClaimTemplates: [{metadata: {name: "data"}, spec: {
        accessModes: ["ReadWriteOnce"], resources: {requests: {storage: "1Gi"}}}}]}],
    DaemonSet: ["apps/v1", {selector: $selector, template: $template}],
    Job: ["batch/v1", {template: $once}],
    CronJob: ["batch/v1", {schedule: "0 * * * *", jobTemplate: {spec: {template: $once}}}],
    Rollout: ["argoproj.io/v1alpha1", {replicas: 1, selector: $selector, template: $template}],
  }[$kind] as [$version, $body]
| {apiVersion: $version, kind: $kind, metadata: {name: $name, labels: {app: $name}}}
  + if $kind == "PodTemplate" then {template: $template} else {spec: $body} end
