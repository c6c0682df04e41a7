# Every node of the configuration has joined, is Ready, and has the taints that keep pods away. NODES: their names. TAINTS: `node
# key=value:effect` each, or `key:effect`.
#
# K3s applies taints when a node registers for the first time, and never again. Tolerations follow the configuration.

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

# `node key=value:effect` of all.
all_taints() {
  # shellcheck disable=SC2016  # a variable of the template
  kubectl get nodes -o go-template='{{range .items}}{{$node := .metadata.name}}{{range .spec.taints -}}
    {{$node}} {{.key}}{{if .value}}={{.value}}{{end}}:{{.effect}}{{"\n"}}{{end}}{{end}}'
}
read_taints() { taints=$(all_taints); }
try 10 3 read_taints || fail "the nodes' taints cannot be read; run again"

# key_and_effect TAINT: of each node there is one with both at most.
key_and_effect() {
  echo "${1%%[=:]*}:${1##*:}"
}

# Not asked to be taken away: what comes and goes with a node's state, and what keeps no pod away.
PASSING='^node\.(kubernetes|cilium|cloudprovider\.kubernetes)\.io/|:PreferNoSchedule$'

commands=()
for node in "${NODES[@]}"; do
  found=$(sed -n "s/^$node //p" <<<"$taints")
  wanted=$(printf '%s\n' "${TAINTS[@]}" | sed -n "s/^$node //p")
  kept=$'\n'
  while read -r taint; do
    [ -n "$taint" ] || continue
    kept+=$(key_and_effect "$taint")$'\n'
    grep -qxF -- "$taint" <<<"$found" || commands+=("kubectl taint nodes $node --overwrite $taint")
  done <<<"$wanted"
  while read -r taint; do
    [ -n "$taint" ] || continue
    [[ $kept == *$'\n'"$(key_and_effect "$taint")"$'\n'* ]] || grep -qE "$PASSING" <<<"$taint" ||
      commands+=("kubectl taint nodes $node $(key_and_effect "$taint")-")
  done <<<"$found"
done
[ ${#commands[@]} -eq 0 ] || fail "taints are not as configured (machines.<name>.taints), and K3s changes none of a node that has joined.
Say so to Kubernetes, and run again:
$(printf '  %s\n' "${commands[@]}")"
