# Functions that judge disks. They only read.
#
# A disk is accepted as `blank` (nothing on it that anybody could have put there) or as `ours` (an ext4 file system
# with exactly the UUID that the configuration derives for it). Everything else is a reason to refuse, and what cannot
# be read or understood is refused too. DISK_*: parallel lists, see nodes/disks/step.ts.

# One text for each disk that is not accepted.
REFUSALS=()
# Judgement of the last disk that was judged: blank, ours or refused.
VERDICT=''

# refuse NAME PATH WHY LOOK
refuse_disk() {
  REFUSALS+=("disk $1 ($2): $3. Look: $4")
  VERDICT=refused
}

# signatures DEVICE: every signature on it as `type uuid`, one a line. Fails if the device cannot be read.
signatures() {
  local listed
  listed=$(wipefs --no-act --noheadings --parsable --output TYPE,UUID -- "$1") || return 1
  tr ',' ' ' <<<"$listed" | sed 's/ *$//' | sort -u | sed '/^$/d'
}

# zeros DEVICE OFFSET BYTES: whether that range reads as zeros. A range that cannot be read does not.
zeros() { cmp --silent --bytes="$3" --ignore-initial="$2:0" -- "$1" /dev/zero; }

# all_zeros DEVICE BYTES: the first and the last 16 MiB, where signatures live, and 254 samples of 1 MiB between them.
# A disk that was used and merely lost its signature is practically certain to show itself; reading all of it would
# take hours.
all_zeros() {
  local device=$1 bytes=$2 edge=$((16 << 20)) sample=$((1 << 20)) step offset index
  if [ "$bytes" -le $((2 * edge + 254 * sample)) ]; then
    zeros "$device" 0 "$bytes"
    return
  fi
  zeros "$device" 0 "$edge" || return 1
  zeros "$device" $((bytes - edge)) "$edge" || return 1
  step=$(((bytes - 2 * edge) / 254))
  for ((index = 0; index < 254; index++)); do
    offset=$(((edge + index * step) / 4096 * 4096))
    zeros "$device" "$offset" "$sample" || return 1
  done
}

# unclaimed DEVICE: the kernel lets nobody open a block device exclusively that is mounted in any mount namespace, is
# swap, or belongs to LVM, RAID, multipath, ZFS or another stack. perl-base is part of every Debian and Ubuntu.
unclaimed() {
  perl -MFcntl -e 'sysopen(my $device, $ARGV[0], O_RDONLY | O_EXCL) or exit 1' "$1"
}

# same_disk INDEX DEVICE: name of an earlier disk of the configuration that is the same device
same_disk() {
  local index device=$2
  for ((index = 0; index < $1; index++)); do
    if [ "$(readlink -f -- "${DISK_PATHS[$index]}")" = "$device" ]; then
      echo "${DISK_NAMES[$index]}"
      return 0
    fi
  done
}

# clones_of UUID DEVICE: other devices with a file system of that UUID; at boot, either might be mounted
clones_of() {
  { blkid --cache-file /dev/null --match-token "UUID=$1" --output device || true; } |
    { grep -vxF -- "$2" || true; } | paste -sd ' ' -
}

# judge_disk INDEX [DEVICE]: sets VERDICT, and adds to REFUSALS. DEVICE: what the path was resolved to, if it was already.
judge_disk() {
  local name=${DISK_NAMES[$1]} path=${DISK_PATHS[$1]} uuid=${DISK_UUIDS[$1]} mount=${DISK_MOUNTS[$1]}
  local minimum=${DISK_MINIMUM_BYTES[$1]}
  local device kernel number type bytes twin above mounts found occupant vendor clones
  VERDICT=''

  if [ ! -e "${2:-$path}" ]; then
    refuse_disk "$name" "$path" "there is no such device" "ls -l /dev/disk/by-id/"
    return
  fi
  device=${2:-$(readlink -f -- "$path")}
  if [ ! -b "$device" ]; then
    refuse_disk "$name" "$path" "it is not a block device" "ls -lL $path"
    return
  fi
  twin=$(same_disk "$1" "$device")
  if [ -n "$twin" ]; then
    refuse_disk "$name" "$path" "it is the same disk as $twin, $device" "ls -l /dev/disk/by-id/"
    return
  fi
  kernel=$(kernel_name "$device")
  number=$(device_number "$device")
  type=$(lsblk --noheadings --nodeps --raw --output TYPE "$device")
  if [[ " ${DEVICE_TYPES[*]} " != *" $type "* ]]; then
    refuse_disk "$name" "$path" "$device is of type '$type', not a whole disk" "lsblk $device"
    return
  fi
  above=$(lsblk --noheadings --raw --output MOUNTPOINT "$device" | sed '/^$/d')
  if grep -qxE '/|/boot|/boot/efi|/usr|/var' <<<"$above"; then
    refuse_disk "$name" "$path" "$device carries the operating system (mounted: $(paste -sd ' ' - <<<"$above"))" \
      "lsblk $device"
    return
  fi
  vendor=$(cat "/sys/class/block/$kernel/device/vendor" 2>/dev/null || true)
  if [ "${vendor// /}" = IET ]; then
    refuse_disk "$name" "$path" "$device is a Longhorn volume, attached by iSCSI" "lsblk --scsi $device"
    return
  fi
  if [ "$(cat "/sys/class/block/$kernel/ro")" != 0 ]; then
    refuse_disk "$name" "$path" "$device is read-only" "lsblk --output NAME,RO,MODEL $device"
    return
  fi
  # The kernel counts in sectors of 512 bytes, whatever the disk's own sector is.
  bytes=$(($(cat "/sys/class/block/$kernel/size") * 512))
  if [ "$bytes" -lt "$minimum" ]; then
    refuse_disk "$name" "$path" "$device has $bytes bytes, the configuration says at least $minimum" \
      "lsblk --bytes $device"
    return
  fi
  if [ "$(lsblk --noheadings --raw --output NAME "$device" | wc -l)" -gt 1 ] ||
    [ -n "$(ls -A "/sys/class/block/$kernel/holders")" ]; then
    refuse_disk "$name" "$path" "$device has partitions, or LVM, RAID, encryption or multipath stand on it" \
      "lsblk --fs $device"
    return
  fi
  if awk 'NR > 1 { print $1 }' /proc/swaps | grep -qxF -- "$device"; then
    refuse_disk "$name" "$path" "$device is used as swap" "swapon --show"
    return
  fi
  mounts=$(mounts_of "$number")
  if [ -n "$mounts" ] && [ "$mounts" != "$mount" ]; then
    refuse_disk "$name" "$path" "$device is mounted at $(paste -sd ' ' - <<<"$mounts"), its place is $mount" \
      "findmnt --source $device"
    return
  fi
  if ! found=$(signatures "$device"); then
    refuse_disk "$name" "$path" "$device cannot be read" "dmesg | grep $kernel"
    return
  fi

  if [ "$found" = "ext4 $uuid" ]; then
    if [ -n "$mounts" ]; then clones=''; else clones=$(clones_of "$uuid" "$device"); fi
    if [ -n "$clones" ]; then
      refuse_disk "$name" "$path" "$clones has a file system with the same UUID $uuid, a copy of this one" \
        "lsblk --fs"
      return
    fi
    VERDICT=ours
  elif [ -n "$found" ]; then
    refuse_disk "$name" "$path" \
      "$device is not blank, it holds: $(paste -sd ',' - <<<"$found"); ours would be ext4 $uuid" \
      "wipefs $device; lsblk --fs $device"
    return
  elif [ -n "$mounts" ] || ! unclaimed "$device"; then
    refuse_disk "$name" "$path" "$device is in use, though nothing on it says by whom" \
      "lsblk $device; grep -l $device /proc/*/mountinfo"
    return
  elif ! blank_by_blkid "$device"; then
    refuse_disk "$name" "$path" "$device holds something that blkid recognises, or cannot be probed" \
      "blkid --probe $device"
    return
  elif ! all_zeros "$device" "$bytes"; then
    refuse_disk "$name" "$path" "$device has no signature that is known here, but it holds data" \
      "hexdump -C -n 4096 $device"
    return
  else
    VERDICT=blank
  fi

  occupant=$(mounted_number "$mount")
  if [ -n "$occupant" ] && [ "$occupant" != "$number" ]; then
    refuse_disk "$name" "$path" "something else is mounted at its place $mount" "findmnt $mount"
  elif [ -z "$occupant" ] && [ -n "$(ls -A -- "$mount" 2>/dev/null)" ]; then
    refuse_disk "$name" "$path" "there are files at $mount, which it would hide" "ls -lA $mount"
  fi
}

# blkid's own answer for `nothing there` is 2; 0 is a finding, 8 is several that contradict each other.
blank_by_blkid() {
  local status=0
  blkid --probe -- "$1" >/dev/null 2>&1 || status=$?
  [ "$status" = 2 ]
}

# judge_directory INDEX: a directory on the root file system; space is asked for only before its first use.
judge_directory() {
  local name=${DIRECTORY_NAMES[$1]} path=${DIRECTORY_PATHS[$1]} minimum=${DIRECTORY_MINIMUM_BYTES[$1]} parent free
  VERDICT=ours
  if [ -L "$path" ] || { [ -e "$path" ] && [ ! -d "$path" ]; }; then
    refuse_disk "$name" "$path" "it is there and not a directory" "ls -ld $path"
    return
  fi
  [ ! -d "$path" ] || return 0
  parent=$path
  until [ -d "$parent" ]; do parent=$(dirname -- "$parent"); done
  free=$(df --output=avail --block-size=1 -- "$parent" | tail -n 1 | tr -d ' ')
  if [ "$free" -lt "$minimum" ]; then
    refuse_disk "$name" "$path" "its file system has $free bytes free, the configuration says at least $minimum" \
      "df -h $parent"
    return
  fi
  VERDICT=blank
}
