# Authentik has applied the homelab's blueprint, and every client finds its own provider through the gateway, at the
# very addresses that the clients were given.
# NAMESPACE, WORKER: deployment of the worker. BLUEPRINT, BLUEPRINT_SHA256: its path below /blueprints, and its content.
# HOST, GATEWAY_IP: public name, and the address that it must answer on. TRUST_ANY_CERTIFICATE: true with Let's Encrypt's
# staging certificates, which nothing trusts. ISSUERS, DISCOVERIES: one of each for every client, in the same order.
# AUTHORIZATION, TOKEN: endpoints that all clients share. WAIT_SECONDS,
# MOUNT_SECONDS: patience with the providers and with the mounted file; default 600 and 120.

kubectl() { k3s kubectl "$@"; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

in_worker() { kubectl --namespace "$NAMESPACE" exec "deployment/$WORKER" -- "$@"; }

# An exec may still reach a pod of the rollout before, which has the blueprint of then.
mounted() {
  local found
  found=$(in_worker sha256sum "/blueprints/$BLUEPRINT") || return 1
  [ "${found%% *}" = "$BLUEPRINT_SHA256" ]
}

# Authentik would apply it by itself, within an hour, and would keep a failure to itself. This is idempotent.
apply_blueprint() { in_worker ak apply_blueprint "$BLUEPRINT" >"$scratch/apply" 2>&1; }

fetch() {
  local port options=(--silent --show-error --fail --max-time 20 --noproxy '*')
  port=$(sed -nE 's|^https://[^/:]+:([0-9]+)/.*|\1|p' <<<"$1")
  [ "$TRUST_ANY_CERTIFICATE" != true ] || options+=(--insecure)
  curl "${options[@]}" --resolve "$HOST:${port:-443}:$GATEWAY_IP" "$1"
}

# field NAME <document: a text of a JSON document on one level.
field() { grep -oE "\"$1\": *\"[^\"]*\"" | sed -E 's/^"[^"]*": *"(.*)"$/\1/'; }

# equals NAME WANTED: what the fetched document says, byte for byte, because clients compare it so.
equals() {
  local found
  found=$(field "$1" <"$scratch/document" || true)
  [ "$found" = "$2" ] || {
    echo "$1 is '$found', its clients expect '$2'"
    return 1
  }
}

# fetch_document URL: into the scratch folder; what curl says against it goes to standard output.
fetch_document() {
  fetch "$1" >"$scratch/document" 2>"$scratch/curl" || {
    cat "$scratch/curl"
    return 1
  }
}

# check_client ISSUER DISCOVERY: fails with the reason on standard output.
check_client() {
  fetch_document "$2" || return 1
  equals issuer "$1" && equals authorization_endpoint "$AUTHORIZATION" && equals token_endpoint "$TOKEN" &&
    equals jwks_uri "$1jwks/" || return 1
  fetch_document "$1jwks/" || return 1
  grep -q '"kid"' "$scratch/document" || {
    echo "the provider has no signing key: $1jwks/ is empty"
    return 1
  }
}

check_clients() {
  local index
  for index in "${!ISSUERS[@]}"; do
    check_client "${ISSUERS[index]}" "${DISCOVERIES[index]}" >"$scratch/reason" || {
      echo "${DISCOVERIES[index]}" >"$scratch/failed"
      return 1
    }
  done
}

# The blueprint refers to flows, keys and users that Authentik creates after its own start, in any order.
configured() {
  rm -f "$scratch/failed"
  apply_blueprint && check_clients
}

kubectl --namespace "$NAMESPACE" rollout status "deployment/$WORKER" --timeout=600s
wait_until "${MOUNT_SECONDS:-120}" "the worker to have the blueprint of this run" mounted

if ! (wait_until "${WAIT_SECONDS:-600}" "every client's provider" configured); then
  [ ! -s "$scratch/apply" ] || tail -n 20 "$scratch/apply" >&2
  if [ -s "$scratch/failed" ]; then
    fail "$(cat "$scratch/failed") does not answer as its client expects: $(tr '\n' ' ' <"$scratch/reason")"
  fi
  fail "Authentik refuses the blueprint; what it says stands above"
fi
echo "every one of ${#ISSUERS[@]} clients finds its provider at https://$HOST"
