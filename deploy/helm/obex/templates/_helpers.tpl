{{/* Names, labels, and the configuration file with what the chart knows better. */}}

{{- define "obex.name" -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "obex.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "obex.labels" -}}
{{ include "obex.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "obex.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* 1, 2 or 3, as docs/configuration.md defines it. */}}
{{- define "obex.phase" -}}
{{- if not (hasKey .Values.config "idp") }}1{{ else if dig "dpop" "enabled" false .Values.config }}3{{ else }}2{{ end }}
{{- end }}

{{/* Not empty when more than one process may serve the same URL. */}}
{{- define "obex.several" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}yes{{ end }}
{{- end }}

{{/* Refuses what would only go wrong later. */}}
{{- define "obex.check" -}}
{{- $config := .Values.config }}
{{- range list (list "obex" "listen" "port") (list "obex" "tls" "tls.existingSecret") (list "limits" "drain_delay" "drain.delaySeconds") (list "limits" "drain_timeout" "drain.timeoutSeconds") (list "metrics" "listen" "metricsPort") }}
{{- if hasKey (get $config (index . 0) | default dict) (index . 1) }}
{{- fail (printf "config.%s.%s is set by the chart: use the value %s" (index . 0) (index . 1) (index . 2)) }}
{{- end }}
{{- end }}
{{- range list "obex.public_url" "backend.url" "resource.url" }}
{{- $path := splitList "." . }}
{{- $_ := dig (index $path 0) (index $path 1) "" $config | required (printf "config.%s is required; ci/ in the chart has examples" .) }}
{{- end }}
{{- include "obex.refuseSecrets" $config }}
{{- $assertion := dig "backend" "assertion" dict $config }}
{{- if and (include "obex.several" .) (get $assertion "enabled") (not (get $assertion "key_file")) }}
{{- fail "replicas must sign assertions with one key: set config.backend.assertion.key_file (docs/your-backend.md)" }}
{{- end }}
{{- if and (include "obex.several" .) (hasKey $config "login") (ne (dig "login" "store" "backend" "memory" $config) "redis") }}
{{- fail "with more than one replica a login would be known to one of them alone: set config.login.store.backend to redis" }}
{{- end }}
{{- if and (include "obex.several" .) (eq (include "obex.phase" .) "3") }}
{{- if ne (dig "dpop" "replay_cache" "backend" "memory" $config) "redis" }}
{{- fail "with more than one replica a proof could be used once at each: set config.dpop.replay_cache.backend to redis (docs/dpop.md)" }}
{{- end }}
{{- $dpop := $config.dpop }}
{{- $obex := dig "obex" dict $config }}
{{- if and (eq (get $dpop "nonce" | toString) "required") (not (or (get $dpop "nonce_secret_file") (get $dpop "nonce_secret") (get $obex "secret_file") (get $obex "secret"))) }}
{{- fail "replicas must share the secret of their nonces: set config.dpop.nonce_secret_file, or config.obex.secret_file (docs/dpop.md)" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The configuration becomes a ConfigMap, and the values of a release are kept in the clear. */}}
{{- define "obex.refuseSecrets" -}}
{{- range $name, $value := dig "backend" "headers" dict . }}
{{- $isCredential := regexMatch "(?i)auth|cookie|credential|key|password|secret|token" $name }}
{{- if and $isCredential (not (hasSuffix "_file" $name)) (not (contains "${" (toString $value))) }}
{{- fail (printf "config.backend.headers.%s would stand in a ConfigMap: write %s_file, the path of a key of secrets.existingSecret (docs/kubernetes.md)" $name $name) }}
{{- end }}
{{- end }}
{{- $dpop := dig "dpop" dict . }}
{{- $secrets := dict "obex.secret" (dig "obex" "secret" "" .) "dpop.nonce_secret" (get $dpop "nonce_secret") "dpop.replay_cache.redis.url" (dig "replay_cache" "redis" "url" "" $dpop) "redis.url" (dig "redis" "url" "" .) }}
{{- $idp := dig "idp" dict . }}
{{- $_ := set $secrets "idp.introspection.client_secret" (dig "introspection" "client_secret" "" $idp) }}
{{- range $index, $issuer := dig "additional_issuers" list $idp }}
{{- $_ := set $secrets (printf "idp.additional_issuers[%d].introspection.client_secret" $index) (dig "introspection" "client_secret" "" $issuer) }}
{{- end }}
{{- range $name, $value := $secrets }}
{{- $isSecret := or (and $value (hasSuffix "secret" $name)) (contains "@" (toString $value)) }}
{{- if and $isSecret (not (contains "${" (toString $value))) }}
{{- fail (printf "config.%s would stand in a ConfigMap: write config.%s_file, the path of a key of secrets.existingSecret (docs/kubernetes.md)" $name $name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* obex.yaml: the configuration given, and what follows from other values. */}}
{{- define "obex.config" -}}
{{- include "obex.check" . }}
{{- $own := dict
  "obex" (dict "listen" (printf ":%d" (int .Values.port)))
  "limits" (dict "drain_delay" (printf "%ds" (int .Values.drain.delaySeconds)) "drain_timeout" (printf "%ds" (int .Values.drain.timeoutSeconds)))
  "metrics" (dict "listen" (printf ":%d" (int .Values.metricsPort))) }}
{{- if .Values.tls.existingSecret }}
{{- $_ := set $own.obex "tls" (dict "enabled" true "cert_file" "/etc/obex/certs/tls.crt" "key_file" "/etc/obex/certs/tls.key") }}
{{- end }}
{{- mergeOverwrite (deepCopy .Values.config) $own | toYaml }}
{{- end }}

{{/* What a container may do that needs nothing of the node. */}}
{{- define "obex.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Seconds from SIGTERM until Obex has certainly ended, one of them to spare. */}}
{{- define "obex.drained" -}}
{{ add .Values.drain.delaySeconds .Values.drain.timeoutSeconds 1 }}
{{- end }}

{{/* The container of the MCP server, with the order of shutdown. */}}
{{- define "obex.mcpServer" -}}
{{- $own := dict "securityContext" (include "obex.confined" . | fromYaml) }}
{{- if .Values.mcpServer.nativeSidecar }}
{{- $_ := set $own "restartPolicy" "Always" }}
{{- else }}
{{- $_ := set $own "lifecycle" (dict "preStop" (dict "sleep" (dict "seconds" (include "obex.drained" . | int)))) }}
{{- end }}
{{- mergeOverwrite $own (deepCopy .Values.mcpServer.container) | toYaml }}
{{- end }}
