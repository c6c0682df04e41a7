# Facts of a node: K3s, and what the node reaches from where it stands. HYPERVISORS: names and addresses, parallel lists.
# BGP_PEER: address, or empty. KUBECONFIG_FILE: on the control plane, or empty.

k3s_section() {
  if [ -x "$BINARY_LINK" ] || [ -f "$CONFIG" ]; then
    fact installed yes
    k3s_facts
  else
    fact installed no
  fi
}

network_section() {
  local index
  for index in "${!HYPERVISOR_NAMES[@]}"; do
    fact "nfs.${HYPERVISOR_NAMES[$index]}" "$(tcp_state "${HYPERVISOR_ADDRESSES[$index]}" 2049)"
  done
  if [ -n "$BGP_PEER" ]; then
    if systemctl is-active --quiet "$UNIT.service"; then
      # A second connection to the peer would disturb the session that Cilium holds, so its socket is looked for.
      if [ -n "$(ss -Htn state established dst "$BGP_PEER:179")" ]; then
        fact bgp established
      else
        fact bgp "no session"
      fi
    else
      fact bgp "$(tcp_state "$BGP_PEER" 179)"
    fi
  fi
}

kubeconfig_section() {
  if [ -f "$KUBECONFIG_FILE" ]; then fact text "$(cat "$KUBECONFIG_FILE")"; else fact text ''; fi
}

section k3s k3s_section
[ -z "$KUBECONFIG_FILE" ] || section kubeconfig kubeconfig_section
section network network_section
