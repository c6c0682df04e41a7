# K3s agent on a worker. AGENT_TOKEN arrives beside the text; the server's own token never does. SERVER: its URL.

# Short tokens make the agent trust the CA that it is shown first; afterwards it is pinned in the data directory.
server_answers() {
  [ "$(curl --insecure --silent --max-time 5 "$SERVER/ping")" = pong ]
}

claim_node
require_role
require_upgrade_path "$(installed_version)" "$VERSION"
require_kubelet_root
require_no_drop_ins
require_kernel_defaults

download "$URL" "$SHA256" "$BINARIES/$VERSION/k3s" 0755
install_binary
install_files
install_file "$MEMORY/kubelet-root" 0644 <<<"$KUBELET_ROOT"
wait_until 120 "the K3s server at $SERVER" server_answers
start_k3s true
