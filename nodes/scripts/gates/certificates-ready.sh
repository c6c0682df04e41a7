# Every certificate is issued by the chosen issuer and valid.
# NAMESPACE. ISSUER: name of the ClusterIssuer. CERTIFICATES: `name=host` each. ADDRESS: the gateway's. PATIENCE: seconds.

kubectl() { k3s kubectl "$@"; }

certificate() { kubectl -n "$NAMESPACE" get certificate "$1" -o jsonpath="$2"; }

# Ready, and that said of the present specification: after a change of the issuer the old verdict stands for a moment.
ready() {
  local verdict
  verdict=$(certificate "$1" \
    '{range .status.conditions[?(@.type=="Ready")]}{.status}/{.observedGeneration}{end}/{.metadata.generation}') || return 1
  [[ $verdict =~ ^True/([0-9]+)/([0-9]+)$ ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
}

failed_since() {
  local last
  last=$(certificate "$1" '{.status.lastFailureTime}') || return 1
  [[ -n $last && $last > $2 ]]
}

# After a failure cert-manager waits an hour, then longer, before it tries again. Who runs this again has repaired
# something, so it tries at once; this is what `cmctl renew` does.
try_again() {
  local now
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  kubectl -n "$NAMESPACE" patch certificate "$1" --subresource=status --type=merge --patch \
    "{\"status\":{\"conditions\":[{\"type\":\"Issuing\",\"status\":\"True\",\"reason\":\"ManuallyTriggered\",\"message\":\"Tried again by homelab\",\"lastTransitionTime\":\"$now\"}]}}" >/dev/null
  say_changed "certificate $1 tried again"
}

explain() {
  local entry
  for entry in "$@"; do
    echo "certificate ${entry%%=*} for ${entry#*=}: $(certificate "${entry%%=*}" \
      '{.status.conditions[?(@.type=="Ready")].message}{" "}{.status.conditions[?(@.type=="Issuing")].message}')"
    echo "  from here ${entry#*=} is $(getent ahostsv4 "${entry#*=}" | awk 'NR==1{print $1}')"
  done
  kubectl -n "$NAMESPACE" get challenges \
    -o jsonpath='{range .items[*]}challenge for {.spec.dnsName}: {.status.state} {.status.reason}{"\n"}{end}' || true
  cat <<TEXT
Let's Encrypt must reach http://<host>/ from the internet, on port 80. Check, in this order:
  1. public DNS: the host's A record is your public address, and it has no AAAA record that leads elsewhere
  2. the router: TCP 80 and 443 of that address are forwarded to $ADDRESS, and the provider does not block port 80
  3. the gateway: from another machine of the LAN, curl -i http://<host>/ --resolve <host>:80:$ADDRESS answers 301
  4. limits: production allows five failures an hour and host; stay on certificates.issuer staging until all is well
Then run again: it tries again at once.
TEXT
}

started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for entry in "${CERTIFICATES[@]}"; do
  if ! ready "${entry%%=*}" && [ -n "$(certificate "${entry%%=*}" '{.status.lastFailureTime}')" ]; then
    try_again "${entry%%=*}"
  fi
done

end=$((SECONDS + PATIENCE))
while true; do
  waiting=()
  broken=()
  for entry in "${CERTIFICATES[@]}"; do
    if ! ready "${entry%%=*}"; then
      waiting+=("$entry")
      ! failed_since "${entry%%=*}" "$started" || broken+=("$entry")
    fi
  done
  [ ${#waiting[@]} -gt 0 ] || break
  if [ ${#broken[@]} -gt 0 ]; then
    explain "${broken[@]}"
    fail "$ISSUER has refused the certificate of: ${broken[*]#*=}"
  fi
  if [ "$SECONDS" -ge "$end" ]; then
    explain "${waiting[@]}"
    fail "$ISSUER has not issued within $PATIENCE s the certificate of: ${waiting[*]#*=}"
  fi
  sleep 5
done
