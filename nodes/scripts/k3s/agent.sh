# K3s agent on a worker. AGENT_TOKEN arrives beside the text; the server's own token never does. SERVER: its URL.

# Short tokens make the agent trust the CA that it is shown first; afterwards it is pinned in the data directory.
server_answers() {
  [ "$(curl --insecure --silent --max-time 5 "$SERVER/ping")" = pong ]
}

judge_node
download "$URL" "$SHA256" "$BINARIES/$VERSION/k3s" 0755
wait_until 120 "the K3s server at $SERVER" server_answers

claim_node
install_binary
install_files
install_file "$MEMORY/kubelet-root" 0644 <<<"$KUBELET_ROOT"
start_k3s true
