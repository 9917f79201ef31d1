{{/* The module as policy servers pull it. Rancher's default for the registry is empty. */}}
{{- define "immutable-pods-policy.module" -}}
{{- $registry := .Values.global.cattle.systemDefaultRegistry | default (index .Chart.Annotations "kubewarden/registry") -}}
registry://{{ $registry }}/{{ .Values.module.repository }}:{{ .Values.module.tag }}
{{- end }}

{{- define "immutable-pods-policy.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Audit reports and `kubectl get --output wide` show them. */}}
{{- define "immutable-pods-policy.annotations" -}}
{{- range $key := list "io.kubewarden.policy.category" "io.kubewarden.policy.severity" }}
{{ $key }}: {{ index $.Chart.Annotations $key }}
{{- end }}
{{- end }}

{{/* The fields that both policies share. */}}
{{- define "immutable-pods-policy.common" -}}
module: {{ include "immutable-pods-policy.module" . }}
policyServer: {{ .Values.policyServer }}
mode: {{ .Values.mode }}
failurePolicy: {{ .Values.failurePolicy }}
namespaceSelector:
  matchExpressions:
    {{- toYaml .Values.namespaceSelector.matchExpressions | nindent 4 }}
{{- end }}

{{/* The settings of the denying policy, with other rules in mode `fix`. A rule is an object, or a mode alone. */}}
{{- define "immutable-pods-policy.fixSettings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- range $rule := .Values.fix.rules -}}
{{- $options := get $settings $rule -}}
{{- if kindIs "map" $options -}}
{{- $_ := set $options "mode" "fix" -}}
{{- else -}}
{{- $_ := set $settings $rule "fix" -}}
{{- end -}}
{{- end -}}
{{- with .Values.fix.writablePaths -}}
{{- $_ := set $settings "writablePaths" . -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end }}
