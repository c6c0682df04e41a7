# Fact libvirt.system: reachable, or not.

if timeout 20 virsh -q -c qemu:///system uri >/dev/null 2>&1; then
  fact libvirt.system reachable
else
  fact libvirt.system unreachable
fi
