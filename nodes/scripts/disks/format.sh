# Functions that change disks. Everything was judged by inspect.sh before the first of them runs.

# format_disk INDEX: makes our file system on a disk that is blank, and judges it once more immediately before.
# shellcheck disable=SC2153 # DISK_* come from the step's variables
format_disk() {
  local name=${DISK_NAMES[$1]} uuid=${DISK_UUIDS[$1]} label=${DISK_LABELS[$1]} device lock
  device=$(readlink -f -- "${DISK_PATHS[$1]}")
  # The lock that udev and systemd-repart honour: nobody partitions or probes the disk while it is formatted. Opened for
  # writing, though nothing is written through it, so that udev probes the disk anew when it is closed.
  exec {lock}<>"$device"
  flock --timeout 30 "$lock" || fail "disk $name: another program holds the lock of $device; nothing was written"
  REFUSALS=()
  judge_disk "$1"
  [ "$VERDICT" = blank ] ||
    fail "disk $name changed since it was judged: ${REFUSALS[*]:-it is $VERDICT now}. It was not written to"
  # Never -F: without it mke2fs opens the device exclusively, and asks before it overwrites anything that it knows; the
  # empty standard input answers no. nodiscard: what a mistake overwrites is then a few MiB and not the whole disk.
  # -m 0: ext4's 5% for root would be lost, Longhorn keeps its own reserve.
  mkfs.ext4 -q -U "$uuid" -L "$label" -m 0 -E nodiscard "$device" </dev/null
  exec {lock}>&-
  sync "$device"
  [ "$(signatures "$device")" = "ext4 $uuid" ] ||
    fail "disk $name: after formatting, $device does not carry UUID $uuid. Look: wipefs $device"
  say_changed "disk $name ($device) formatted, UUID $uuid"
}

# mount_disk INDEX: mounts it where nothing can be written while it is not mounted.
mount_disk() {
  local name=${DISK_NAMES[$1]} uuid=${DISK_UUIDS[$1]} mount=${DISK_MOUNTS[$1]} device number
  device=$(readlink -f -- "${DISK_PATHS[$1]}")
  number=$(device_number "$device")
  if [ -z "$(mounted_number "$mount")" ]; then
    [ -d "$mount" ] || install -d -m 0755 -- "$mount"
    # Without the disk, Longhorn must find no place to write to on the root disk. Not every file system can do it.
    chattr +i -- "$mount" 2>/dev/null || echo "note: $mount cannot be made immutable on this file system"
    # The link that the unit mounts by at boot; systemd may unmount again what it thinks has no device.
    if [ -d /run/udev ] && [ ! -e "/dev/disk/by-uuid/$uuid" ]; then
      udevadm trigger --action=change --name-match="$device"
      wait_until 30 "udev to know disk $name by its UUID" test -e "/dev/disk/by-uuid/$uuid"
    fi
    mount -t ext4 -o "$MOUNT_OPTIONS" -- "$device" "$mount"
    say_changed "disk $name mounted at $mount"
  fi
  [ "$(mounted_number "$mount")" = "$number" ] ||
    fail "disk $name: $mount is not the file system of $device. Look: findmnt $mount"
  [ "$(filesystem_uuid "$device")" = "$uuid" ] ||
    fail "disk $name: the file system at $mount does not have UUID $uuid. Look: blkid --probe $device"
  [ -w "$mount" ] ||
    fail "disk $name: $mount is read-only, after errors of the disk or of its file system. Look: dmesg | grep $device"
}
