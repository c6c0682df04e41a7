# Intel QuickSync: firmware, driver and render device.

known() { apt-cache show "$1" >/dev/null 2>&1; }

# A fresh machine's package lists may be empty, and then neither firmware nor driver would be found.
if [ -z "$(render_device)" ] && ! { known "linux-modules-extra-$(uname -r)" && known linux-firmware; }; then
  apt_update
fi
# Ubuntu's package; Debian's name for the same files.
for name in linux-firmware firmware-misc-nonfree; do
  if known "$name"; then
    install_packages "$name"
    break
  fi
done
install_files

if [ -z "$(render_device)" ]; then
  extra=linux-modules-extra-$(uname -r)
  if ! modprobe i915 2>/dev/null && known "$extra"; then
    install_packages "$extra"
    modprobe i915 2>/dev/null || true
  fi
  for _ in $(seq 10); do
    [ -z "$(render_device)" ] || break
    sleep 1
  done
  [ -n "$(render_device)" ] ||
    fail "the i915 driver serves no render device. Switch the integrated graphics on in the firmware's setup. Look: ls -l /dev/dri; dmesg | grep i915"
  say_changed "$(render_device)"
fi
