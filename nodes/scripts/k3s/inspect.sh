# Looks at K3s on this machine and changes nothing; used by the steps and by the probe.
# DATA_DIR, CONFIG, REGISTRIES, BINARY_LINK, MEMORY, UNIT, TOKEN_FILES: see nodes/k3s/node-step.ts.

# Release tag of the installed binary; empty without one, and for one that does not run: it is fetched again by its digest.
installed_version() {
  [ -x "$BINARY_LINK" ] || return 0
  "$BINARY_LINK" --version 2>/dev/null | sed -n 's/^k3s version \(v[^ ]*\).*/\1/p' || true
}

# Everything that K3s reads at its start only. What was in force at the last good start is kept in $MEMORY/k3s-inputs.
inputs_digest() {
  {
    sha256sum "$BINARY_LINK" "$CONFIG" "$REGISTRIES" "${TOKEN_FILES[@]}" "/etc/systemd/system/$UNIT.service" 2>/dev/null || true
    # containerd is told of the NVIDIA runtime at the start of K3s, if it is on PATH by then.
    command -v nvidia-container-runtime || echo no nvidia runtime
  } | sha256sum | cut -d' ' -f1
}

inputs_in_force() {
  [ "$(inputs_digest)" = "$(cat "$MEMORY/k3s-inputs" 2>/dev/null)" ]
}

# The root directory of the kubelet that runs. Its pod-resources socket always lies below it, so the kernel's list of
# listening sockets is the truth; the journal is asked only if the kubelet has no socket, and may have forgotten.
kubelet_root_in_force() {
  local root line
  root=$(awk '$4 == "00010000" && $NF ~ /\/pod-resources\/kubelet\.sock$/ { print $NF }' /proc/net/unix |
    sed 's,/pod-resources/kubelet\.sock$,,' | sort -u | paste -sd' ' -)
  if [ -z "$root" ]; then
    line=$(journalctl -b -u "$UNIT" -o cat --no-pager 2>/dev/null | grep 'Running kubelet' | tail -n 1) || true
    case $line in
      *--root-dir=*)
        root=${line##*--root-dir=}
        root=${root%%[ \"]*}
        ;;
      ?*) root=/var/lib/kubelet ;;
    esac
  fi
  printf '%s' "${root:-unknown}"
}

# Certificates that K3s renews when it starts within 120 days of their end (CertificateRenewDays, v1.32.5+k3s1).
leaf_certificates() {
  local path
  for path in server/tls/{client-admin,client-controller,client-scheduler,client-kube-apiserver,serving-kube-apiserver}.crt \
    server/tls/etcd/server-client.crt agent/{client-kubelet,serving-kubelet}.crt; do
    [ ! -f "$DATA_DIR/$path" ] || echo "$DATA_DIR/$path"
  done
}

# ok, expiring (within 90 days), expired, or absent
certificate_state() {
  local path state=absent
  while read -r path; do
    if openssl x509 -in "$path" -noout -checkend $((90 * 86400)) >/dev/null 2>&1; then
      [ "$state" != absent ] || state=ok
    elif openssl x509 -in "$path" -noout -checkend 0 >/dev/null 2>&1; then
      state=expiring
    else
      state=expired
      break
    fi
  done < <(leaf_certificates)
  printf '%s' "$state"
}

# End of the certificate that goes into the kubeconfig (on an agent: into the kubelet's), in UTC.
certificate_end() {
  local path end
  for path in "$DATA_DIR/server/tls/client-admin.crt" "$DATA_DIR/agent/client-kubelet.crt"; do
    [ -f "$path" ] || continue
    end=$(openssl x509 -in "$path" -noout -enddate 2>/dev/null) || break
    date -u -d "${end#notAfter=}" +%Y-%m-%dT%H:%M:%SZ
    return 0
  done
  printf absent
}

# snapshot_state HOURS: fresh, if the newest etcd snapshot is no older, or the cluster itself is not.
snapshot_state() {
  local oldest recent
  oldest=$(($(date +%s) - $1 * 3600))
  recent=$(find "$DATA_DIR/server/db/snapshots" "$DATA_DIR/server/tls/server-ca.crt" -maxdepth 1 -type f \
    -newermt "@$oldest" -print -quit 2>/dev/null || true)
  if [ -n "$recent" ]; then
    printf fresh
  else
    printf 'older than %s hours' "$1"
  fi
}

# Files that silently add to or override config.yaml.
config_drop_ins() {
  local names
  names=$(find "$CONFIG.d" -maxdepth 1 -iname '*.y*ml' 2>/dev/null | sort | paste -sd' ' -)
  printf '%s' "${names:-none}"
}

nvidia_runtime_state() {
  if grep -qs "runtimes\.['\"]nvidia['\"]" "$DATA_DIR/agent/etc/containerd/config.toml"; then
    printf registered
  else
    printf missing
  fi
}
