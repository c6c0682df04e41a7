# A CSI driver is registered with every kubelet, below the kubelet root that volumes are really mounted under.
# DRIVER: its name. NAMESPACE, DAEMONSET: its node plugin. KUBELET_ROOT: root-dir of every kubelet. NODES: their names.

kubectl() { k3s kubectl "$@"; }

# What is still wrong, a line each. Silence means that the API server answered and everything is there.
problems() {
  local plugin drivers node
  plugin=$(kubectl -n "$NAMESPACE" get daemonset "$DAEMONSET" --ignore-not-found \
    -o jsonpath='{.spec.template.spec.volumes[?(@.name=="registration-dir")].hostPath.path}') ||
    { echo "the API server does not answer"; return; }
  if [ "${plugin%/}" != "$KUBELET_ROOT/plugins_registry" ]; then
    echo "$NAMESPACE/$DAEMONSET registers in '${plugin:-nothing, it does not exist}', kubelets look in '$KUBELET_ROOT/plugins_registry'"
  fi
  # shellcheck disable=SC2016  # a Go template
  drivers=$(kubectl get csinodes \
    -o go-template='{{range .items}}{{$node := .metadata.name}}{{range .spec.drivers}}{{$node}}={{.name}}{{"\n"}}{{end}}{{end}}') ||
    { echo "the API server does not answer"; return; }
  for node in "${NODES[@]}"; do
    grep -qxF "$node=$DRIVER" <<<"$drivers" || echo "$node: $DRIVER is not in its CSINode"
  done
}

no_problems() { [ -z "$(problems)" ]; }

if ! (wait_until "${WAIT_SECONDS:-540}" "$DRIVER on every node" no_problems); then
  problems >&2
  fail "$DRIVER cannot mount volumes everywhere. Compare what the kubelet was given (journalctl -u k3s -u k3s-agent | grep -- --root-dir) with cluster.kubeletRoot, and read: k3s kubectl -n $NAMESPACE logs daemonset/$DAEMONSET --all-containers --tail=50"
fi
