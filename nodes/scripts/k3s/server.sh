# K3s server on the control plane. SERVER_TOKEN and AGENT_TOKEN arrive beside the text.

require_same_token() {
  local found
  [ -s "$DATA_DIR/server/token" ] || return 0
  found=$(head -n 1 "$DATA_DIR/server/token")
  [ "${found##*:}" = "$SERVER_TOKEN" ] || fail "this server runs with another token than the configured one. It encrypts the cluster's bootstrap data
and every snapshot, so it is not replaced in place: change it with 'k3s token rotate', and set the same value in the stack."
}

server_ready() {
  "$BINARY_LINK" kubectl get --raw=/readyz
}

judge_node
[ -n "$OLD_GENERATION" ] || require_same_token
download "$URL" "$SHA256" "$BINARIES/$VERSION/k3s" 0755

claim_node
if [ -n "$INSTALLED" ] && [ "$INSTALLED" != "$VERSION" ] && systemctl is-active --quiet "$UNIT"; then
  save_snapshot "before-$VERSION" >/dev/null || fail "no etcd snapshot could be taken, so there is no upgrade; read: journalctl -u $UNIT"
fi
install_binary
install_files
install_file "$MEMORY/kubelet-root" 0644 <<<"$KUBELET_ROOT"
start_k3s server_ready

if [ "$(snapshot_state "$SNAPSHOT_HOURS")" != fresh ]; then
  save_snapshot catch-up >/dev/null || fail "the etcd snapshots are $(snapshot_state "$SNAPSHOT_HOURS") and none can be taken; read: journalctl -u $UNIT"
  say_changed "etcd snapshot taken, because the schedule had not"
fi
