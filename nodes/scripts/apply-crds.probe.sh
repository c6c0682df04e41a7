# Fact crd.<name>: served, or what is wrong with it.

states=$(crd_states)
while read -r crd state; do
  [ -z "$crd" ] || fact "crd.$crd" "$state"
done <<<"$states"
