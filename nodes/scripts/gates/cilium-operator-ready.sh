# Cilium's operator serves what the program writes next: its own resources and its GatewayClass.
# RELEASE: Cilium's version. CRDS: `name=version` each. GATEWAY_CLASS: name of the class.

kubectl() { k3s kubectl "$@"; }

serves() {
  local crd=${1%%=*} version=${1#*=}
  [ "$(kubectl get crd "$crd" -o jsonpath='{.status.conditions[?(@.type=="Established")].status}')" = True ] &&
    [ "$(kubectl get crd "$crd" -o jsonpath="{.spec.versions[?(@.name==\"$version\")].served}")" = true ]
}

accepted() {
  [ "$(kubectl get gatewayclass "$GATEWAY_CLASS" \
    -o jsonpath='{.status.conditions[?(@.type=="Accepted")].status}')" = True ]
}

operator_says() {
  kubectl -n kube-system logs deployment/cilium-operator --tail=200 2>/dev/null |
    grep -iE 'level=(warn|error|fatal)|gateway' | tail -n 15 || true
}

for wanted in "${CRDS[@]}"; do
  if ! (wait_until 180 "$wanted" serves "$wanted"); then
    operator_says
    fail "Cilium $RELEASE has not registered ${wanted%%=*} ${wanted#*=}; its operator does: read its lines above"
  fi
done

# The operator looks for the CRDs of Gateway API once, when it starts. They come before it, so this restarts nothing
# unless somebody has removed and restored them.
if ! (wait_until 90 "GatewayClass $GATEWAY_CLASS to be accepted" accepted); then
  kubectl -n kube-system rollout restart deployment/cilium-operator
  kubectl -n kube-system rollout status deployment/cilium-operator --timeout=180s
  say_changed "cilium-operator restarted, it had started without Gateway API"
  if ! (wait_until 120 "GatewayClass $GATEWAY_CLASS to be accepted" accepted); then
    operator_says
    fail "Cilium $RELEASE does not accept GatewayClass $GATEWAY_CLASS; its operator wants versions of Gateway API's CRDs that are not served: read its lines above"
  fi
fi
