{{/* Where a pipeline runs. */}}
{{- define "sluice.roleOf" -}}
{{- if hasKey (.source | default dict) "files" -}}agent
{{- else if hasKey (.sink | default dict) "slack" -}}notifier
{{- else -}}indexer
{{- end -}}
{{- end -}}

{{/* The pipelines of a role, as JSON. */}}
{{- define "sluice.pipelines" -}}
{{- $mine := dict -}}
{{- range $name, $pipeline := .root.Values.config.pipelines -}}
{{- if and $pipeline (eq $.role (include "sluice.roleOf" ($pipeline | default dict))) -}}
{{- $_ := set $mine $name $pipeline -}}
{{- end -}}
{{- end -}}
{{- toJson $mine -}}
{{- end -}}

{{/* The roles that run, as JSON: those that are wanted and have a pipeline. */}}
{{- define "sluice.roles" -}}
{{- $roles := list -}}
{{- range $role := list "agent" "indexer" "notifier" -}}
{{- if and (index $.Values $role).enabled (ne "{}" (include "sluice.pipelines" (dict "root" $ "role" $role))) -}}
{{- $roles = append $roles $role -}}
{{- end -}}
{{- end -}}
{{- toJson $roles -}}
{{- end -}}

{{/* The config file of a role. */}}
{{- define "sluice.document" -}}
{{- $document := deepCopy .root.Values.config -}}
{{- $_ := set $document "pipelines" (include "sluice.pipelines" . | fromJson) -}}
{{- $admin := .root.Values.admin -}}
{{- $host := contains ":" $admin.address | ternary (printf "[%s]" $admin.address) $admin.address -}}
{{- $_ := set $document "admin" (dict "listen" (printf "%s:%d" $host (int $admin.port))) -}}
{{- if not (hasKey $document "grace_period") -}}
{{- $grace := sub (int (index .root.Values .role).terminationGracePeriodSeconds) 5 -}}
{{- $_ := set $document "grace_period" (printf "%ds" $grace) -}}
{{- end -}}
{{- toYaml $document -}}
{{- end -}}

{{/* The files of /etc/sluice/secrets that a role's config names, as JSON. */}}
{{- define "sluice.secretFiles" -}}
{{- $named := regexFindAll "/etc/sluice/secrets/[-._A-Za-z0-9]+" (include "sluice.document" .) -1 -}}
{{- $files := list -}}
{{- range $named -}}
{{- $files = append $files (trimPrefix "/etc/sluice/secrets/" .) -}}
{{- end -}}
{{- $files | uniq | sortAlpha | toJson -}}
{{- end -}}
