# Fact crd.<name>: served, or what is wrong with it. CRDS: `name=version,version` each.

for wanted in "${CRDS[@]}"; do
  crd=${wanted%%=*}
  served=$(k3s kubectl get crd "$crd" --ignore-not-found \
    -o jsonpath='{range .spec.versions[?(@.served==true)]}{.name}{" "}{end}')
  state=served
  for version in $(tr ',' ' ' <<<"${wanted#*=}"); do
    [[ " $served " == *" $version "* ]] || state="not serving $version"
  done
  fact "crd.$crd" "$state"
done
