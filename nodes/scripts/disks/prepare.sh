# Data disks of this machine: judge all of them, refuse everything if one is not acceptable, and only then act.

for tool in lsblk blkid wipefs flock perl cmp mkfs.ext4 chattr; do
  command -v "$tool" >/dev/null || fail "$tool is missing; the bootstrap of the node has to run first"
done

BLANK=()
for index in "${!DISK_NAMES[@]}"; do
  judge_disk "$index"
  [ "$VERDICT" != blank ] || BLANK+=("$index")
done
NEW_DIRECTORIES=()
for index in "${!DIRECTORY_NAMES[@]}"; do
  judge_directory "$index"
  [ "$VERDICT" != blank ] || NEW_DIRECTORIES+=("$index")
done

if [ ${#REFUSALS[@]} -gt 0 ]; then
  printf '%s\n' "${REFUSALS[@]}" >&2
  fail "${#REFUSALS[@]} of the disks above cannot be taken. Nothing was written to any disk.
A disk is formatted only if it is blank. If you are certain that nothing on a disk is wanted, erase it yourself:
  sudo wipefs --all DISK && sudo blkdiscard --zeroout DISK
If it is the wrong disk, correct machines.<name>.disks in the configuration."
fi

for index in "${BLANK[@]}"; do
  format_disk "$index"
done

# Only the units that mount them at boot; now they are mounted directly, from the very device that was judged.
if declare -F install_files >/dev/null; then
  install_files
  systemctl daemon-reload
fi
for index in "${!DISK_NAMES[@]}"; do
  mount_disk "$index"
  unit=${DISK_UNITS[$index]}
  if ! systemctl is-enabled --quiet "$unit" 2>/dev/null; then
    systemctl enable --quiet "$unit"
    say_changed "unit $unit enabled"
  fi
done

for index in "${NEW_DIRECTORIES[@]}"; do
  install -d -m 0755 -- "${DIRECTORY_PATHS[$index]}"
  say_changed "${DIRECTORY_PATHS[$index]}"
done

# A disk that left the configuration stays as it is: only a person can know that nothing on it is wanted.
for unit in /etc/systemd/system/var-lib-homelab-disks-*.mount; do
  [ -e "$unit" ] || continue
  [[ " ${DISK_UNITS[*]} " == *" $(basename -- "$unit") "* ]] ||
    echo "note: $unit is not in the configuration any more; its disk was left alone"
done
