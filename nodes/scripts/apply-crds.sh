# Applies a bundle of CRDs server-side and waits until each serves the versions that its users need.
# URL, SHA256: the bundle.

bundle=/var/lib/homelab/crds/$SHA256.yaml
download "$URL" "$SHA256" "$bundle" 0644
# A datastore that is busy for a moment refuses; the same apply again goes on where it was.
try 3 5 k3s kubectl apply --server-side --force-conflicts --field-manager=homelab -f "$bundle" ||
  fail "the API server refused the CRDs of $URL three times; its last words are above. Look: journalctl -u k3s -n 50"

# Asked again and again: of a CRD that the API server has not looked at yet, kubectl wait says that its conditions are no
# list, and ends at once.
wait_until 180 "CRDs to be established" \
  k3s kubectl wait --for=condition=Established --timeout=60s "${CRD_NAMES[@]/#/crd/}"

states=$(crd_states)
if grep -qv ' served$' <<<"$states"; then
  fail "$(grep -v ' served$' <<<"$states" | tr '\n' ';') $URL is the wrong release or channel"
fi
