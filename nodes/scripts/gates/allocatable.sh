# Every node offers a resource to pods in the number that the configuration promises.
# RESOURCE: its name. NODES: `node=number` each. HINT: where to look if it does not.

kubectl() { k3s kubectl "$@"; }

offers() {
  kubectl get nodes \
    -o go-template="{{range .items}}{{.metadata.name}}={{with index .status.allocatable \"$RESOURCE\"}}{{.}}{{else}}0{{end}}{{\"\\n\"}}{{end}}"
}

problems() {
  local found node
  found=$(offers) || { echo "the API server does not answer"; return; }
  for node in "${NODES[@]}"; do
    grep -qxF "$node" <<<"$found" ||
      echo "${node%%=*} should offer ${node#*=} of $RESOURCE, it offers $(sed -n "s/^${node%%=*}=//p" <<<"$found")"
  done
}

no_problems() { [ -z "$(problems)" ]; }

if ! (wait_until "${WAIT_SECONDS:-540}" "$RESOURCE on every node" no_problems); then
  problems >&2
  fail "$RESOURCE is not offered as configured. $HINT"
fi
