# Facts: hash of our exports file, the server's unit, and for each export whether it is mounted and let out to all nodes.
# Variables as in exports.sh, and EXPORT_NAMES.

exported() {
  local client
  for client in "${CLIENTS[@]}"; do
    grep -qF "$1"$'\t'"$client(" /var/lib/nfs/etab 2>/dev/null || return 1
  done
}

fact nfs.exports "$(file_hash "$EXPORTS_FILE")"
fact nfs.server "$(unit_state nfs-server.service)"
for index in "${!EXPORT_NAMES[@]}"; do
  name=${EXPORT_NAMES[$index]}
  if mountpoint -q "${EXPORT_MOUNT_POINTS[$index]}"; then mounted=yes; else mounted=no; fi
  if exported "${EXPORT_PATHS[$index]}"; then let_out=yes; else let_out=no; fi
  fact "nfs.$name.mounted" "$mounted"
  fact "nfs.$name.exported" "$let_out"
done
