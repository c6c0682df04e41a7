# Facts of K3s on one node. STOCK_SCRIPTS, DISARMED_SHA256; SNAPSHOT_HOURS: 0 on a node without etcd; NVIDIA: yes or no.

hash_files "$BINARY_LINK" "$CONFIG" "$REGISTRIES" "/etc/systemd/system/$UNIT.service" "${STOCK_SCRIPTS[@]}"
fact version "$(installed_version)"
fact binary "$(file_hash "$BINARY_LINK")"
fact config "$(file_hash "$CONFIG")"
fact registries "$(file_hash "$REGISTRIES")"
fact config.dropIns "$(config_drop_ins)"
fact unit "$(unit_state "$UNIT")"
fact unit.file "$(file_hash "/etc/systemd/system/$UNIT.service")"
if inputs_in_force; then
  fact restart none
else
  fact restart pending
fi
fact kubeletRoot "$(kubelet_root_in_force)"
read -r generation _ 2>/dev/null <"$MEMORY/generation" || generation=absent
fact generation "$generation"
armed=''
for script in "${STOCK_SCRIPTS[@]}"; do
  [ "$(file_hash "$script")" = "$DISARMED_SHA256" ] || armed="$armed $script"
done
fact stockScripts "${armed:-disarmed}"
fact certificate "$(certificate_state)"
fact certificate.notAfter "$(certificate_end)"
[ "$SNAPSHOT_HOURS" = 0 ] || fact snapshots "$(snapshot_state "$SNAPSHOT_HOURS")"
[ "$NVIDIA" = no ] || fact nvidiaRuntime "$(nvidia_runtime_state)"
