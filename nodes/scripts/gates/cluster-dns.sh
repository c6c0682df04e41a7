# The cluster's DNS answers the platform's own names with the gateway's address.
# SERVER: address of the DNS service. ADDRESS: the gateway's. NAMES: the platform's host names.

kubectl() { k3s kubectl "$@"; }

install_packages bind9-dnsutils

all_answered() {
  local name
  for name in "${NAMES[@]}"; do
    [ "$(dig +short +time=2 +tries=1 "@$SERVER" "$name" A)" = "$ADDRESS" ] || return 1
  done
}

show_answers() {
  local name
  for name in "${NAMES[@]}"; do
    echo "$name: $(dig +short +time=2 +tries=1 "@$SERVER" "$name" A | tr '\n' ' ')"
  done
  kubectl -n kube-system logs deployment/coredns --tail=20 || true
}

# A changed config map reaches a running pod after up to two minutes, and CoreDNS looks every 30 seconds. It can miss a
# change that comes during a reload (coredns/coredns#6243); a restart reads everything anew.
if ! (wait_until 200 "$SERVER to answer with $ADDRESS" all_answered); then
  kubectl -n kube-system rollout restart deployment/coredns
  kubectl -n kube-system rollout status deployment/coredns --timeout=120s
  say_changed "coredns restarted, it had not taken over its config map"
  if ! (wait_until 60 "$SERVER to answer with $ADDRESS" all_answered); then
    show_answers
    fail "the cluster's DNS at $SERVER does not answer every name with $ADDRESS; see its answers and log above, and: kubectl -n kube-system get configmap coredns-custom -o yaml"
  fi
fi
