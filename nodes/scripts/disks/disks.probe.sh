# Facts disk.<name>: mounted or present, or what is wrong; disk.<name>.at-boot and .unit: the unit that mounts it.

for index in "${!DISK_NAMES[@]}"; do
  name=${DISK_NAMES[$index]}
  mount=${DISK_MOUNTS[$index]}
  unit=${DISK_UNITS[$index]}
  number=$(mounted_number "$mount")
  if [ -z "$number" ]; then
    state="not mounted"
  else
    device=/dev/$(basename -- "$(readlink -f "/sys/dev/block/$number")")
    uuid=$(filesystem_uuid "$device")
    if [ "$uuid" != "${DISK_UUIDS[$index]}" ]; then
      state="$device with UUID ${uuid:-unknown} is mounted in its place"
    elif awk -v path="$mount" '$5 == path { options = $6 } END { exit options !~ /^ro(,|$)/ }' /proc/self/mountinfo; then
      state="mounted read-only"
    else
      state=mounted
    fi
  fi
  fact "disk.$name" "$state"
  fact "disk.$name.at-boot" "$(systemctl is-enabled "$unit" 2>/dev/null || true)"
  fact "disk.$name.unit" "$(file_hash "/etc/systemd/system/$unit")"
done

for index in "${!DIRECTORY_NAMES[@]}"; do
  if [ -d "${DIRECTORY_PATHS[$index]}" ]; then state=present; else state=absent; fi
  fact "disk.${DIRECTORY_NAMES[$index]}" "$state"
done
