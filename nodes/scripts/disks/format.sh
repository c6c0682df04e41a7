# Functions that change disks. Everything was judged by inspect.sh before the first of them runs.

# require_still DEVICE INDEX: the path of the configuration still names this device, and what is open under $lock is
# that device too. A link of udev moves when a disk is plugged in or out, and the kernel gives a name away again.
require_still() {
  local now
  now=$(readlink -f -- "${DISK_PATHS[$2]}" || true)
  if [ "$now" != "$1" ] || [ ! -b "$1" ] || [ ! "/proc/$$/fd/$lock" -ef "$1" ]; then
    fail "disk ${DISK_NAMES[$2]}: ${DISK_PATHS[$2]} was $1 and is ${now:-gone} now; $1 was not written to.
Look: ls -l ${DISK_PATHS[$2]}; run again once no disk is plugged in or out any more"
  fi
}

# format_disk INDEX: makes our file system on a disk that is blank, and judges it once more immediately before. The path
# is resolved once; that device is locked, judged and formatted, and no other.
# shellcheck disable=SC2153 # DISK_* come from the step's variables
format_disk() {
  local name=${DISK_NAMES[$1]} uuid=${DISK_UUIDS[$1]} label=${DISK_LABELS[$1]} device lock found
  device=$(readlink -f -- "${DISK_PATHS[$1]}" || true)
  # Opening below would make a plain file where the link of a disk that is gone had been.
  [ -b "$device" ] || fail "disk $name: ${DISK_PATHS[$1]} is no block device any more; nothing was written to it"
  # The lock that udev and systemd-repart honour: nobody partitions or probes the disk while it is formatted. Opened for
  # writing, though nothing is written through it, so that udev probes the disk anew when it is closed. As long as it is
  # open, the kernel does not give its name to another disk.
  exec {lock}<>"$device"
  flock --timeout 30 "$lock" || fail "disk $name: another program holds the lock of $device; nothing was written"
  REFUSALS=()
  judge_disk "$1" "$device"
  [ "$VERDICT" = blank ] ||
    fail "disk $name changed since it was judged: ${REFUSALS[*]:-it is $VERDICT now}. It was not written to"
  # Judging reads for seconds. What follows takes none, and its answers are the last before the disk is written to.
  require_still "$device" "$1"
  { found=$(signatures "$device") && [ -z "$found" ] && zeros "$device" 0 "$((1 << 20))" && unclaimed "$device"; } ||
    fail "disk $name changed since it was judged: $device holds ${found:-data} or is in use. It was not written to"
  require_still "$device" "$1"
  # Never -F: without it mke2fs opens the device exclusively, so nothing that is mounted or claimed is overwritten. That
  # is all it does here: what it finds on a disk it asks about at a terminal only. nodiscard: what a mistake overwrites
  # is then a few MiB and not the whole disk. -m 0: ext4's 5% for root would be lost, Longhorn keeps its own reserve.
  mkfs.ext4 -q -U "$uuid" -L "$label" -m 0 -E nodiscard "$device" </dev/null
  exec {lock}>&-
  sync "$device"
  [ "$(signatures "$device")" = "ext4 $uuid" ] ||
    fail "disk $name: after formatting, $device does not carry UUID $uuid. Look: wipefs $device"
  say_changed "disk $name ($device) formatted, UUID $uuid"
}

# give_up INDEX WHY: ends the step, and first takes away the mount that this very run has made.
give_up() {
  local mount=${DISK_MOUNTS[$1]}
  if [ "$mounted_now" = yes ] && [ "$(mounted_number "$mount")" = "$number" ]; then
    umount -- "$mount" || echo "warning: $mount cannot be unmounted again"
  fi
  fail "disk ${DISK_NAMES[$1]}: $2"
}

# mount_disk INDEX: mounts it where nothing can be written while it is not mounted.
mount_disk() {
  local name=${DISK_NAMES[$1]} uuid=${DISK_UUIDS[$1]} mount=${DISK_MOUNTS[$1]} device number flags mounted_now=no
  device=$(readlink -f -- "${DISK_PATHS[$1]}" || true)
  [ -b "$device" ] || give_up "$1" "${DISK_PATHS[$1]} is no block device any more; nothing was mounted"
  number=$(device_number "$device")
  # Before it is mounted: mounting alone writes to a disk.
  [ "$(filesystem_uuid "$device")" = "$uuid" ] ||
    give_up "$1" "the file system of $device does not have UUID $uuid; nothing was mounted. Look: blkid --probe $device"
  if [ -z "$(mounted_number "$mount")" ]; then
    [ -d "$mount" ] || install -d -m 0755 -- "$mount"
    # Without the disk, Longhorn must find no place to write to on the root disk. Not every file system can do it.
    chattr +i -- "$mount" 2>/dev/null || echo "note: $mount cannot be made immutable on this file system"
    # The link that the unit mounts by at boot; systemd may unmount again what it thinks has no device.
    if [ -d /run/udev ] && [ ! -e "/dev/disk/by-uuid/$uuid" ]; then
      udevadm trigger --action=change --name-match="$device"
      wait_until 30 "udev to know disk $name by its UUID" test -e "/dev/disk/by-uuid/$uuid"
    fi
    # The wait was long enough for another disk to get the name.
    [ "$(filesystem_uuid "$device")" = "$uuid" ] ||
      give_up "$1" "$device is another disk by now, without UUID $uuid; nothing was mounted. Look: blkid --probe $device"
    # systemd may have been faster, as while the machine boots.
    mount -t ext4 -o "$MOUNT_OPTIONS" -- "$device" "$mount" || [ "$(mounted_number "$mount")" = "$number" ] || give_up "$1" "$device carries our file system, UUID $uuid, and does not mount.
It may hold the only copy of volumes: do not erase it before you know. Look: dmesg | grep $(basename "$device"); e2fsck -n $device,
which changes nothing. Only if a power cut came while it was formatted for the first time, nothing is on it yet."
    mounted_now=yes
    say_changed "disk $name mounted at $mount"
  fi
  [ "$(mounted_number "$mount")" = "$number" ] ||
    give_up "$1" "$mount is not the file system of $device. Look: findmnt $mount"
  [ "$(filesystem_uuid "$device")" = "$uuid" ] ||
    give_up "$1" "the file system at $mount does not have UUID $uuid. Look: blkid --probe $device"
  # If systemd mounts it just before the folder is made immutable, as while the machine boots, the disk's own root becomes it.
  if [ ! -w "$mount" ] && read -r flags _ < <(lsattr -d -- "$mount" 2>/dev/null) && [[ $flags == *i* ]]; then
    chattr -i -- "$mount"
    say_changed "disk $name can be written to again: its root had been made immutable"
  fi
  [ -w "$mount" ] ||
    give_up "$1" "$mount is read-only, after errors of the disk or of its file system. Look: dmesg | grep $device"
}
