# Every node of the configuration has joined and is Ready. NODES: their names.

kubectl() { k3s kubectl "$@"; }

all_ready() {
  local node
  for node in "${NODES[@]}"; do
    [ "$(kubectl get node "$node" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ] ||
      return 1
  done
}

if ! (wait_until 540 "nodes to be Ready" all_ready); then
  kubectl get nodes -o wide || true
  fail "not every node is Ready; on a node that is missing read: journalctl -u k3s-agent -n 50"
fi
