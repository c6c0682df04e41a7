# Questions about CRDs. CRDS: `name=version,version` each.

CRD_NAMES=("${CRDS[@]%%=*}")

# served_versions: of each CRD that there is, `name=version,version,`; one call, because each takes seconds on a busy server.
# kubectl prints a list only of several.
served_versions() {
  k3s kubectl get crd "${CRD_NAMES[@]}" --ignore-not-found -o go-template='
    {{- define "crd" }}{{ .metadata.name }}={{ range .spec.versions }}{{ if .served }}{{ .name }},{{ end }}{{ end }}{{ "\n" }}{{ end }}
    {{- if eq .kind "List" }}{{ range .items }}{{ template "crd" . }}{{ end }}{{ else }}{{ template "crd" . }}{{ end }}'
}

# crd_states: `name state` of each; served, absent, or not serving <version>
crd_states() {
  local served wanted crd version state
  served=$(served_versions) || return 1
  for wanted in "${CRDS[@]}"; do
    crd=${wanted%%=*}
    state=served
    for version in $(tr ',' ' ' <<<"${wanted#*=}"); do
      grep -Eq "^${crd//./\\.}=(.*,)?$version," <<<"$served" || state="not serving $version"
    done
    grep -q "^${crd//./\\.}=" <<<"$served" || state=absent
    echo "$crd $state"
  done
}
