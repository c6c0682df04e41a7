# Facts of the VM's persistent definition and of its present state. DOMAIN: its libvirt name.

virsh() { command timeout 20 virsh -q -c qemu:///system "$@"; }

virsh uri >/dev/null || {
  echo "libvirt does not answer, so nothing is known of $DOMAIN" >&2
  exit 1
}

definition=$(virsh dumpxml --inactive "$DOMAIN" 2>/dev/null || echo '<domain/>')

value() {
  xmllint --xpath "string($1)" - <<<"$definition"
}

# each PATH ATTRIBUTE...: of every element at PATH the attributes' values, joined by @; elements separated by a space.
each() {
  local path=$1 count index attribute words='' word
  shift
  count=$(xmllint --xpath "count($path)" - <<<"$definition")
  for ((index = 1; index <= count; index++)); do
    word=''
    for attribute in "$@"; do
      word+=${word:+@}$(value "($path)[$index]/$attribute")
    done
    words+=${words:+ }$word
  done
  printf '%s' "$words"
}

info() {
  awk -F': *' -v key="$2" '$1 == key { print $2 }' <<<"$1"
}

domain_info=$(virsh dominfo "$DOMAIN" 2>/dev/null || true)
state=$(info "$domain_info" State)
fact vm.state "${state:-absent}"
fact vm.autostart "$(info "$domain_info" Autostart)"
fact vm.type "$(value /domain/@type)"
fact vm.uuid "$(value /domain/uuid)"
fact vm.vcpus "$(value /domain/vcpu)"
fact vm.memoryKib "$(value /domain/memory)"
if [ "$(value 'count(/domain/os/loader)')" = 0 ]; then fact vm.firmware bios; else fact vm.firmware uefi; fi
fact vm.disks "$(each '/domain/devices/disk[@device="disk"]' source/@file)"
fact vm.interfaces "$(each /domain/devices/interface mac/@address source/@bridge)"
fact vm.runsFrom "$(virsh domblklist "$DOMAIN" 2>/dev/null | awk '$1 == "vda" { print $2 }')"
fact vm.diskBytes "$(info "$(virsh domblkinfo "$DOMAIN" vda 2>/dev/null || true)" Capacity)"
