{{/* What every pod of a role has beside its containers. */}}
{{- define "sluice.podSettings" -}}
{{- $values := index .root.Values .role -}}
serviceAccountName: {{ include "sluice.serviceAccount" . }}
{{- /* Nothing asks the API server. */}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "sluice.podMetadata" -}}
{{- $values := index .root.Values .role -}}
labels:
  {{- include "sluice.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/part-of: sluice
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: sluice
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Of a pod that runs under Pod Security "restricted". Files of secrets belong to its group. */}}
{{- define "sluice.restricted" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "sluice.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "sluice.containerImage" -}}
image: {{ include "sluice.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end -}}

{{- define "sluice.environment" -}}
{{- $values := index .root.Values .role -}}
{{- $own := list -}}
{{- if eq .role "agent" -}}
{{- $own = append $own (dict "name" "NODE_NAME" "valueFrom" (dict "fieldRef" (dict "fieldPath" "spec.nodeName"))) -}}
{{- end -}}
{{- with .root.Values.log.filter -}}
{{- $own = append $own (dict "name" "RUST_LOG" "value" .) -}}
{{- end -}}
{{- with concat $own $values.extraEnv -}}
env:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Whether a process writes: below /var/lib/sluice and nowhere else. The agent does so anyway, on its node. */}}
{{- define "sluice.writes" -}}
{{- if and (ne .role "agent") (contains "/var/lib/sluice" (include "sluice.document" .)) -}}yes{{- end -}}
{{- end -}}

{{/* The config and what it names: files, never environment. */}}
{{- define "sluice.volumes" -}}
{{- $values := index .root.Values .role -}}
- name: config
  configMap: { name: {{ include "sluice.roleName" . }} }
{{- with $values.pluginConfigMaps }}
- name: plugins
  projected:
    sources:
      {{- range . }}
      - configMap: { name: {{ . }} }
      {{- end }}
{{- end }}
{{- with include "sluice.secretFiles" . | fromJsonArray }}
- name: secrets
  projected:
    # 0440 in octal.
    defaultMode: 288
    sources:
      {{- range $file := . }}
      {{- $from := index $.root.Values.secrets $file }}
      - {{ hasKey $from "secret" | ternary "secret" "configMap" }}:
          name: {{ $from.secret | default $from.configMap }}
          items: [{ key: {{ $from.key }}, path: {{ $file }} }]
      {{- end }}
{{- end }}
{{- if include "sluice.writes" . }}
- name: state
  emptyDir: { sizeLimit: 256Mi }
{{- end }}
{{- end -}}

{{- define "sluice.mounts" -}}
- { name: config, mountPath: /etc/sluice, readOnly: true }
{{- if (index .root.Values .role).pluginConfigMaps }}
- { name: plugins, mountPath: /etc/sluice/plugins, readOnly: true }
{{- end }}
{{- if include "sluice.secretFiles" . | fromJsonArray }}
- { name: secrets, mountPath: /etc/sluice/secrets, readOnly: true }
{{- end }}
{{- if include "sluice.writes" . }}
- { name: state, mountPath: /var/lib/sluice }
{{- end }}
{{- end -}}

{{/* `sluice check` with what the pod has; the argument's `online` says whether it asks the servers, too. */}}
{{- define "sluice.check" -}}
name: sluice-check
{{ include "sluice.containerImage" . }}
args: [check{{ if .online }}, --online{{ end }}]
{{ with include "sluice.environment" . }}{{ . }}
{{ end -}}
resources:
  requests: { cpu: 10m, memory: 32Mi }
  limits: { memory: 512Mi }
securityContext:
  {{- include "sluice.confined" . | nindent 2 }}
volumeMounts:
  {{- include "sluice.mounts" . | nindent 2 }}
{{- end -}}

{{/* The process itself. `mounts` of the argument are further mounts, as YAML. */}}
{{- define "sluice.container" -}}
{{- $values := index .root.Values .role -}}
name: sluice
{{ include "sluice.containerImage" . }}
args: [run, --log-format, json, --report-every, {{ .root.Values.log.reportEvery | toString | quote }}]
{{ with include "sluice.environment" . }}{{ . }}
{{ end -}}
ports:
  - { name: admin, containerPort: {{ .root.Values.admin.port }} }
livenessProbe:
  httpGet: { path: /healthz, port: admin }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: admin }
  periodSeconds: 5
  timeoutSeconds: 5
resources:
  {{- toYaml $values.resources | nindent 2 }}
securityContext:
  {{- include "sluice.confined" . | nindent 2 }}
volumeMounts:
  {{- include "sluice.mounts" . | nindent 2 }}
  {{- with .mounts }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}
