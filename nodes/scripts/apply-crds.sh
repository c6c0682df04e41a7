# Applies a bundle of CRDs server-side and waits until each serves the versions that its users need.
# URL, SHA256: the bundle.

bundle=/var/lib/homelab/crds/$SHA256.yaml
download "$URL" "$SHA256" "$bundle" 0644
k3s kubectl apply --server-side --force-conflicts --field-manager=homelab -f "$bundle"

# Asked again and again: of a CRD that the API server has not looked at yet, kubectl wait says that its conditions are no
# list, and ends at once.
wait_until 180 "CRDs to be established" \
  k3s kubectl wait --for=condition=Established --timeout=60s "${CRD_NAMES[@]/#/crd/}"

states=$(crd_states)
if grep -qv ' served$' <<<"$states"; then
  fail "$(grep -v ' served$' <<<"$states" | tr '\n' ';') $URL is the wrong release or channel"
fi
