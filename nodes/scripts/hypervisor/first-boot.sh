# On the VM: waits until cloud-init has finished. PACKAGES: installed afterwards, when apt is free.

command -v cloud-init >/dev/null || fail "no cloud-init: the machine was not made from a cloud image"

# Exit status 2 means degraded since 23.4: it worked, with warnings. Only 1 is a failure.
status=0
report=$(timeout 1200 cloud-init status --wait --long) || status=$?
case $status in
  0) ;;
  2) printf 'cloud-init finished degraded; its reasons:\n%s\n' "$report" ;;
  124) fail "cloud-init has not finished after 20 minutes: $report" ;;
  *)
    tail -n 20 /var/log/cloud-init-output.log >&2 || true
    fail "cloud-init failed with status $status: $report"
    ;;
esac

install_packages "${PACKAGES[@]}"
# Bound to the virtio port, so it cannot be enabled; udev starts it at the next boot by itself.
systemctl is-active --quiet qemu-guest-agent.service || systemctl start qemu-guest-agent.service ||
  fail "the guest agent does not start: is its virtio channel in the VM's definition?"
