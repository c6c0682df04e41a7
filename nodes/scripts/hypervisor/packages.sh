# Installs what VMs and exports need, and proves that libvirt answers. PACKAGES: Debian names.

install_packages "${PACKAGES[@]}"

# Domains with autostart are started when the daemon starts; a socket alone would leave them off after a reboot.
for unit in libvirtd.service virtqemud.service; do
  if systemctl cat "$unit" >/dev/null 2>&1; then
    enable_unit "$unit"
    break
  fi
done

wait_until 60 "libvirt to answer" virsh -q -c qemu:///system uri
