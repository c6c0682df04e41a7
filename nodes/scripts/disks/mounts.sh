# Questions about block devices and mounts. They only read, and look no disk's contents through but for its UUID.

# kernel_name DEVICE: for example nvme0n1
kernel_name() { basename -- "$(readlink -f -- "$1")"; }

# device_number DEVICE: major:minor
device_number() { cat "/sys/class/block/$(kernel_name "$1")/dev"; }

# mounts_of NUMBER: where the whole file system of a device is mounted, one a line; bind mounts of parts are left out.
mounts_of() { awk -v number="$1" '$3 == number && $4 == "/" { print $5 }' /proc/self/mountinfo; }

# mounted_number PATH: device of the file system that is mounted exactly there; nothing if none is. The last one wins,
# as for everybody who opens the path.
mounted_number() { awk -v path="$1" '$5 == path { number = $3 } END { print number }' /proc/self/mountinfo; }

# filesystem_uuid DEVICE: read from the disk itself, not from udev's or libblkid's memory.
filesystem_uuid() { blkid --probe --match-tag UUID --output value -- "$1" 2>/dev/null || true; }
