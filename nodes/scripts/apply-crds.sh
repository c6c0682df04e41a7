# Applies a bundle of CRDs server-side and waits until each serves the versions that its users need.
# URL, SHA256: the bundle. CRDS: `name=version,version` each.

kubectl() { k3s kubectl "$@"; }

serves() {
  local served
  served=$(kubectl get crd "$1" -o jsonpath='{range .spec.versions[?(@.served==true)]}{.name}{" "}{end}') || return 1
  [[ " $served " == *" $2 "* ]]
}

bundle=/var/lib/homelab/crds/$SHA256.yaml
download "$URL" "$SHA256" "$bundle" 0644
kubectl apply --server-side --force-conflicts --field-manager=homelab -f "$bundle"

for wanted in "${CRDS[@]}"; do
  crd=${wanted%%=*}
  # Asked again and again: of a CRD that the API server has not looked at yet, kubectl wait says that its conditions are
  # no list, and ends at once.
  wait_until 120 "$crd to be established" kubectl wait --for=condition=Established --timeout=30s "crd/$crd"
  for version in $(tr ',' ' ' <<<"${wanted#*=}"); do
    serves "$crd" "$version" || fail "$crd does not serve $version; $URL is the wrong release or channel"
  done
done
