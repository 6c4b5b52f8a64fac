{{/* What no schema can say of the values. All of it comes at once. */}}
{{- define "sluice.validate" -}}
{{- $problems := list -}}
{{- if not (values (.Values.config.pipelines | default dict) | compact) -}}
{{- $problems = append $problems "config.pipelines is empty: write Sluice's config below `config`; deploy/chart/examples has some to begin with" -}}
{{- end -}}
{{- if hasKey .Values.config "admin" -}}
{{- $problems = append $problems "config.admin: the chart writes it; set admin.address and admin.port instead" -}}
{{- end -}}
{{- $folders := dict "plugin_cache" .Values.config.plugin_cache "crash_bundles.folder" (.Values.config.crash_bundles | default dict).folder -}}
{{- range $key, $folder := $folders -}}
{{- if and $folder (not (regexMatch "^/var/lib/sluice/[^/]+" $folder)) -}}
{{- $problems = append $problems (printf "config.%s is %s, and pods write below /var/lib/sluice alone" $key $folder) -}}
{{- end -}}
{{- end -}}
{{- range $role := include "sluice.roles" . | fromJsonArray -}}
{{- $context := dict "root" $ "role" $role -}}
{{- $problems = concat $problems (include "sluice.problemsOfRole" $context | fromJsonArray) -}}
{{- range $name, $pipeline := include "sluice.pipelines" $context | fromJson -}}
{{- with ($pipeline.source | default dict).files -}}
{{- $problems = concat $problems (include "sluice.problemsOfFiles" (dict "root" $ "name" $name "files" .) | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n- %s\n" (join "\n- " $problems)) -}}
{{- end -}}
{{- end -}}

{{- define "sluice.problemsOfRole" -}}
{{- $problems := list -}}
{{- $values := index .root.Values .role -}}
{{- range $file := include "sluice.secretFiles" . | fromJsonArray -}}
{{- if not (index $.root.Values.secrets $file) -}}
{{- $problems = append $problems (printf "secrets.%s is missing: the config of the %s names /etc/sluice/secrets/%s; write  secrets: { %s: { secret: NAME, key: KEY } }" $file $.role $file $file) -}}
{{- end -}}
{{- end -}}
{{- if and (contains "/etc/sluice/plugins/" (include "sluice.document" .)) (not $values.pluginConfigMaps) -}}
{{- $problems = append $problems (printf "%s.pluginConfigMaps is empty, and its config names files in /etc/sluice/plugins: name the ConfigMaps that hold them, or take plugins of the image from /usr/share/sluice/plugins" .role) -}}
{{- end -}}
{{- $grace := .root.Values.config.grace_period | default "" -}}
{{- if regexMatch "^[0-9]+(s|m|h)$" $grace -}}
{{- $unit := index (dict "s" 1 "m" 60 "h" 3600) (regexFind "[smh]$" $grace) -}}
{{- $seconds := mul (regexFind "^[0-9]+" $grace | int) $unit -}}
{{- if ge $seconds (int64 $values.terminationGracePeriodSeconds) -}}
{{- $problems = append $problems (printf "config.grace_period is %s, and a pod of the %s is killed after %d s: raise %s.terminationGracePeriodSeconds" $grace .role (int $values.terminationGracePeriodSeconds) .role) -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end -}}

{{- define "sluice.problemsOfFiles" -}}
{{- $problems := list -}}
{{- $place := printf "config.pipelines.%s.source.files" .name -}}
{{- $checkpoints := .files.checkpoints | default "" -}}
{{- if not (regexMatch "^/var/lib/sluice(/[^/]+)*/?$" $checkpoints) -}}
{{- $problems = append $problems (printf "%s.checkpoints is %q: write /var/lib/sluice, where agent.checkpoints of the node is mounted, or a folder below it" $place $checkpoints) -}}
{{- end -}}
{{- range $pattern := .files.include -}}
{{- $mounted := false -}}
{{- range $.root.Values.agent.logFolders -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .)) $pattern -}}{{- $mounted = true -}}{{- end -}}
{{- end -}}
{{- if not $mounted -}}
{{- $problems = append $problems (printf "%s.include: %s lies in no folder of agent.logFolders, so nothing of it is mounted" $place $pattern) -}}
{{- end -}}
{{- end -}}
{{- toJson $problems -}}
{{- end -}}
