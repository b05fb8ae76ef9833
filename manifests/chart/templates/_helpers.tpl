{{- define "awsauth.labels" -}}
app.kubernetes.io/name: awsauth
app.kubernetes.io/part-of: awsauth
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "awsauth.controllerLabels" -}}
{{ include "awsauth.labels" . }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "awsauth.backupLabels" -}}
{{ include "awsauth.labels" . }}
app.kubernetes.io/component: backup
{{- end }}

{{- define "awsauth.selector" -}}
app.kubernetes.io/name: awsauth
app.kubernetes.io/component: controller
{{- end }}

{{- define "awsauth.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default "awsauth-controller" }}
{{- else -}}
{{ required "serviceAccount.name is required if serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "awsauth.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "awsauth.serviceAccount" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "awsauth.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end }}

{{- /* Renders all objects of a file with the chart's labels, and adds .annotations to each. Replaces the user of the controller by .controller. */ -}}
{{- define "awsauth.file" -}}
{{- $top := .top }}
{{- $annotations := .annotations }}
{{- $controller := default "system:serviceaccount:kube-system:awsauth-controller" .controller }}
{{- $file := $top.Files.Get .path | replace "system:serviceaccount:kube-system:awsauth-controller" $controller }}
{{- range $text := splitList "\n---\n" $file }}
{{- $object := fromYaml $text }}
{{- $_ := set $object.metadata "labels" (include "awsauth.labels" $top | fromYaml) }}
{{- if $annotations }}
{{- $_ := set $object.metadata "annotations" (merge (default dict $object.metadata.annotations) $annotations) }}
{{- end }}
---
{{ toYaml $object }}
{{- end }}
{{- end }}
