# Longhorn knows every node and took every setting. NODES: their names. SETTINGS: `name=value` each.
#
# One invalid setting makes Longhorn drop all of them without an error, and then it puts a disk on each root file system.

kubectl() { k3s kubectl -n longhorn-system "$@"; }

# `node wanted/seen True`: how many disks its spec lists and its status knows, and whether it is ready.
TEMPLATE='
  {{- range .items}}
    {{- .metadata.name}} {{if .spec.disks}}{{len .spec.disks}}{{else}}0{{end -}}
    /{{if .status.diskStatus}}{{len .status.diskStatus}}{{else}}0{{end}}
    {{- range .status.conditions}}{{if eq .type "Ready"}} {{.status}}{{end}}{{end}}
    {{- "\n"}}
  {{- end}}'

problems() {
  local settings nodes setting node
  settings=$(kubectl get settings.longhorn.io \
    -o go-template='{{range .items}}{{.metadata.name}}={{.value}}{{"\n"}}{{end}}') ||
    { echo "Longhorn's settings cannot be read"; return; }
  for setting in "${SETTINGS[@]}"; do
    grep -qxF "$setting" <<<"$settings" ||
      echo "setting ${setting%%=*} should be '${setting#*=}', Longhorn has '$(sed -n "s/^${setting%%=*}=//p" <<<"$settings")'"
  done
  # Longhorn refuses a change of disks while it is still looking at the last one, so both lists must be equally long.
  nodes=$(kubectl get nodes.longhorn.io -o go-template="$TEMPLATE") ||
    { echo "Longhorn's nodes cannot be read"; return; }
  for node in "${NODES[@]}"; do
    grep -qE "^$node ([0-9]+)/\1 True$" <<<"$nodes" ||
      echo "node $node (disks wanted/seen, ready): $(grep "^$node " <<<"$nodes" || echo "unknown to Longhorn")"
  done
}

no_problems() { [ -z "$(problems)" ]; }

if ! (wait_until "${WAIT_SECONDS:-540}" "Longhorn's nodes and settings" no_problems); then
  problems >&2
  fail "Longhorn is not as configured. If a setting differs, one of them is invalid and none was taken; read: k3s kubectl -n longhorn-system logs daemonset/longhorn-manager --tail=200 | grep -i setting"
fi
