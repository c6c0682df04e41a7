# Facts of a hypervisor. DOMAIN, DISK_PREFIX: of its VM, or empty. The rest: see hypervisor/exports.sh.

hypervisor_section() {
  local index
  if command -v virsh >/dev/null; then
    libvirt_facts
  else
    fact libvirt.system "not installed"
  fi
  fact bridges "$(ip -o link show type bridge up | awk -F': ' '{ print $2 }' | xargs)"
  if grep -Eqw 'vmx|svm' /proc/cpuinfo; then fact cpu "can virtualise"; else fact cpu "cannot virtualise"; fi
  if [ -c /dev/kvm ]; then fact kvm present; else fact kvm absent; fi
  if [ -n "$DISK_PREFIX" ] && compgen -G "$DISK_PREFIX*" >/dev/null; then fact vmFiles present; else fact vmFiles absent; fi
  for index in "${!EXPORT_PATHS[@]}"; do
    if ! mountpoint -q "${EXPORT_MOUNT_POINTS[$index]}"; then
      fact "store.${EXPORT_NAMES[$index]}" "nothing is mounted at ${EXPORT_MOUNT_POINTS[$index]}"
    elif ! [ -d "${EXPORT_PATHS[$index]}" ]; then
      fact "store.${EXPORT_NAMES[$index]}" "there is no directory ${EXPORT_PATHS[$index]}"
    else
      fact "store.${EXPORT_NAMES[$index]}" mounted
    fi
  done
}

vm_section() {
  if ! command -v virsh >/dev/null; then
    fact vm.state "no libvirt"
  elif ! command -v xmllint >/dev/null; then
    fact vm.state "$(timeout 5 virsh -q -r -c qemu:///system domstate "$DOMAIN" 2>/dev/null || echo absent)"
  else
    vm_facts
  fi
}

section hypervisor hypervisor_section
[ ${#EXPORT_PATHS[@]} = 0 ] || section exports exports_facts
[ -z "$DOMAIN" ] || section vm vm_section
