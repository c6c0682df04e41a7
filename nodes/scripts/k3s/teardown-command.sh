# Installed on each node for the person in front of it; the stock killall and uninstall scripts point here.

case "${1:-}" in
  stop)
    MOUNTING=("$(cat "$MEMORY/kubelet-root" 2>/dev/null || echo "$KUBELET_ROOT")" /var/lib/kubelet /run/k3s "$DATA_DIR")
    require_real "${MOUNTING[@]}"
    stop_k3s
    require_unmounted mounts_below below "${MOUNTING[@]}"
    ;;
  delete)
    [ "${2:-}" = "$(hostname)" ] || fail "to delete K3s from this machine say its name: delete $(hostname)"
    tear_down_k3s "by-hand-$(date -u +%Y%m%dT%H%M%SZ)"
    rm -f "$MEMORY/generation"
    ;;
  *)
    cat >&2 <<USAGE
usage: $(basename "$0") stop              end K3s and every pod, unmount their volumes, delete nothing
       $(basename "$0") delete HOSTNAME   the same, then delete K3s; disks, media and snapshots stay
USAGE
    exit 2
    ;;
esac
