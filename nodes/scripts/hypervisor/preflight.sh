# Refuses a machine that cannot run our VMs or serve our exports, before any other step writes to it.
# DOMAIN_TYPE: kvm or qemu. BRIDGE: the VMs' bridge. EXPORT_PATHS, EXPORT_MOUNT_POINTS: lists of equal length.

[ "$(id -u)" = 0 ] || fail "this step runs as '$(id -un)'; log in as root or as a user with passwordless sudo"
command -v apt-get >/dev/null || fail "no apt-get: the hypervisor must run Debian or Ubuntu"

if [ "$DOMAIN_TYPE" = kvm ]; then
  grep -Eqw 'vmx|svm' /proc/cpuinfo ||
    fail "the CPU shows neither vmx nor svm: switch virtualisation on in the firmware, then power-cycle the machine"
  if [ ! -c /dev/kvm ]; then
    modprobe kvm_intel 2>/dev/null || modprobe kvm_amd 2>/dev/null || true
  fi
  [ -c /dev/kvm ] ||
    fail "/dev/kvm is absent although the CPU can virtualise: the firmware has locked it (see: dmesg | grep -i kvm)"
fi

bridges=$(ip -o link show type bridge | awk -F': ' '{ print $2 }' | xargs)
[[ " $bridges " == *" $BRIDGE "* ]] ||
  fail "there is no bridge $BRIDGE (found: ${bridges:-none}): create it with the LAN interface as its port, or set libvirt.bridge"
[ -n "$(ip link show up dev "$BRIDGE")" ] || fail "bridge $BRIDGE is down; run: ip link set $BRIDGE up, and make it permanent"

for index in "${!EXPORT_PATHS[@]}"; do
  mountpoint -q "${EXPORT_MOUNT_POINTS[$index]}" ||
    fail "nothing is mounted at ${EXPORT_MOUNT_POINTS[$index]}, where ${EXPORT_PATHS[$index]} lies: mount the array first"
  [ -d "${EXPORT_PATHS[$index]}" ] || fail "${EXPORT_PATHS[$index]} is no directory; create it, owned by the media user"
done
