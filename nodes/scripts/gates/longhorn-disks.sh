# Every disk of the configuration takes volumes, no other disk does, and the default class is there.
# DISKS: `node/disk=path` each. STORAGE_CLASS: the class that Longhorn's manager makes itself.

kubectl() { k3s kubectl -n longhorn-system "$@"; }

# `node/disk=path True`, or False with Longhorn's reason; a line for each disk that Longhorn has.
# shellcheck disable=SC2016  # a Go template
TEMPLATE='
  {{- range .items}}{{$node := .metadata.name}}{{$status := .status.diskStatus}}
    {{- range $disk, $spec := .spec.disks}}
      {{- $node}}/{{$disk}}={{$spec.path}}
      {{- if $status}}{{with index $status $disk}}
        {{- range .conditions}}{{if eq .type "Schedulable"}} {{.status}} {{.reason}} {{.message}}{{end}}{{end}}
      {{- end}}{{end}}
      {{- "\n"}}
    {{- end}}
  {{- end}}'

problems() {
  local found disk wanted
  found=$(kubectl get nodes.longhorn.io -o go-template="$TEMPLATE") ||
    { echo "Longhorn's disks cannot be read"; return; }
  for disk in ${DISKS[@]+"${DISKS[@]}"}; do
    grep -qF "$disk True " <<<"$found " ||
      echo "$disk should be schedulable: $(grep -F "${disk%%=*}=" <<<"$found" || echo "Longhorn has no such disk")"
  done
  while IFS= read -r disk; do
    for wanted in ${DISKS[@]+"${DISKS[@]}"}; do
      [ "${disk%%=*}" != "${wanted%%=*}" ] || continue 2
    done
    [ -z "$disk" ] || echo "${disk%% *} is a disk of Longhorn, but not of the configuration"
  done <<<"$found"
  kubectl get storageclass "$STORAGE_CLASS" -o name >/dev/null || echo "StorageClass $STORAGE_CLASS does not exist"
}

no_problems() { [ -z "$(problems)" ]; }

if ! (wait_until "${WAIT_SECONDS:-540}" "Longhorn's disks" no_problems); then
  problems >&2
  fail "Longhorn's disks are not as configured. DiskPressure: the disk is fuller than storage-minimal-available-percentage allows, free some space. DiskNotReady: on the node, findmnt the path. A disk too many: in Longhorn's UI disable it, evict its replicas, delete it"
fi
