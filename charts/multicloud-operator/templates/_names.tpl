{{- define "multicloud.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "multicloud.fullname" -}}
{{- $name := include "multicloud.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "multicloud.selector" -}}
app.kubernetes.io/name: {{ include "multicloud.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "multicloud.labels" -}}
{{ include "multicloud.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "multicloud.subject" -}}
- kind: ServiceAccount
  name: {{ include "multicloud.fullname" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "multicloud.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "multicloud.port" -}}
{{- dig "http" "port" 8080 .Values.settings | int -}}
{{- end -}}

{{- define "multicloud.settings" -}}
{{- if hasKey .Values.settings "namespace" -}}
{{- fail "settings.namespace is the release's namespace: install with --namespace instead" -}}
{{- end -}}
{{- toYaml .Values.settings -}}
{{- end -}}
