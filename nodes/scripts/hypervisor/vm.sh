# Makes the VM and waits until it answers on SSH. A running VM is never stopped, except by a higher GENERATION.
#
# Every refusal that can be foreseen comes before the first change. The disk's file name is the record of the generation
# it belongs to; the disk of the generation before is kept, older ones of ours are removed once the new VM answers.

virsh() { command virsh -q -c qemu:///system "$@"; }

# state: of the VM; empty, and so never taken for off, when libvirt does not say.
state() {
  local all
  all=$(virsh list --all --name) || return 1
  if grep -qxF "$DOMAIN" <<<"$all"; then virsh domstate "$DOMAIN"; else echo undefined; fi
}

is_off() {
  local now
  now=$(state) || return 1
  [[ $now == 'shut off' || $now == crashed || $now == undefined ]]
}

# disk_of [--inactive]: the disk that the VM runs from, or is defined with.
disk_of() { virsh domblklist "$DOMAIN" "$@" 2>/dev/null | awk '$1 == "vda" { print $2 }'; }

is_our_disk() { [[ $1 == "$DISK_PREFIX"* && ${1#"$DISK_PREFIX"} =~ ^[1-9][0-9]*\.qcow2$ ]]; }

# virtual_size PATH: bytes that a guest sees of a qcow2 file, also while it is in use. From QEMU 8 on the length of the file itself
# stands there under the same name, further in and before it (qapi/block-core.json, BlockGraphInfo).
virtual_size() {
  local size
  size=$(qemu-img info -U -f qcow2 --output=json "$1" | sed -n 's/^    "virtual-size": \([0-9][0-9]*\),\{0,1\}$/\1/p')
  [[ $size =~ ^[0-9]+$ ]] || fail "qemu-img does not say how large $1 is for a guest; nothing was changed"
  echo "$size"
}

# generations: of the disks that are here, in ascending order.
generations() {
  local path
  for path in "$DISK_PREFIX"*.qcow2; do
    if [ -f "$path" ] && is_our_disk "$path"; then
      path=${path#"$DISK_PREFIX"}
      echo "${path%.qcow2}"
    fi
  done | sort -n
}

refuse_strangers() {
  local found other all
  all=$(virsh list --all --name)
  found=$(virsh domuuid "$DOMAIN" 2>/dev/null | xargs || true)
  [ -z "$found" ] || [ "$found" = "$UUID" ] ||
    fail "libvirt has another $DOMAIN, with UUID $found instead of $UUID: rename or undefine it, or set vm.uuid"
  found=$(virsh domname "$UUID" 2>/dev/null | xargs || true)
  [ -z "$found" ] || [ "$found" = "$DOMAIN" ] ||
    fail "UUID $UUID belongs to the domain $found: run uuidgen and set vm.uuid to what it prints"
  while read -r other; do
    if [ -z "$other" ] || [ "$other" = "$DOMAIN" ]; then
      continue
    fi
    # A transient domain has no inactive definition.
    found=$(virsh domiflist "$other" && { virsh domiflist "$other" --inactive 2>/dev/null || true; })
    [[ ${found,,} != *"$MAC"* ]] ||
      fail "MAC $MAC belongs to the domain $other: set vm.mac to a free address below 52:54:00"
  done <<<"$all"
}

refuse_unknown_disks() {
  local newest disk size
  newest=$(generations | tail -n 1)
  [ "${newest:-0}" -le "$GENERATION" ] ||
    fail "there is a disk of generation $newest, the configuration says $GENERATION: a generation never goes back"
  if [ -f "$DISK" ]; then
    size=$(virtual_size "$DISK")
    [ "$size" -le "$DISK_BYTES" ] ||
      fail "$DISK has $size bytes, vm.disk says $DISK_BYTES: shrinking would cut off data; correct vm.disk"
  fi
  [ "$(state)" != undefined ] || return 0
  for disk in "$(disk_of)" "$(disk_of --inactive)"; do
    is_our_disk "$disk" ||
      fail "$DOMAIN has its disk at '$disk'. If that is an external snapshot, merge it first, or its data would be lost:
virsh blockcommit $DOMAIN vda --active --pivot"
  done
  is_off || [ -f "$(disk_of)" ] ||
    fail "$DOMAIN runs from $(disk_of), which somebody has deleted. It holds the only copy: save it before it stops, with
virsh blockcopy $DOMAIN vda <new file> --wait --verbose"
}

# Another machine at the VM's address, for example the VM that ours replaces, would answer in its place.
refuse_taken_address() {
  local found status=0
  ip neigh flush to "$ADDRESS" 2>/dev/null || true
  ping -n -q -c 2 -W 1 "$ADDRESS" >/dev/null 2>&1 || status=$?
  # 1 is no answer; more is a ping that could not be sent.
  [ "$status" -le 1 ] || fail "cannot ask whether $ADDRESS is free: ping ends with status $status; is there a route to it?"
  found=$(ip -4 neigh show to "$ADDRESS" | sed -n 's/.* lladdr \([0-9a-f:]*\).*/\1/p')
  [ -z "$found" ] || [ "$found" = "$MAC" ] ||
    fail "a machine with MAC $found has the address $ADDRESS already: stop it for good, then run again"
}

# make_disk PATH: a full copy of the cloud image, grown to its size before the first boot.
make_disk() {
  local image=$FOLDER/images/$IMAGE_SHA256.img needed available size
  needed=$((DISK_BYTES + 2 * 1024 * 1024 * 1024))
  available=$(df --output=avail -B1 "$FOLDER" | tail -n 1 | xargs)
  [ "$available" -ge "$needed" ] ||
    fail "$FOLDER has $available bytes free, disk and image need $needed: free some, or set libvirt.imageFolder"
  download "$IMAGE_URL" "$IMAGE_SHA256" "$image" 0644
  size=$(virtual_size "$image")
  [ "$size" -le "$DISK_BYTES" ] || fail "the image needs $size bytes, vm.disk is only $DISK_BYTES"
  qemu-img convert -f qcow2 -O qcow2 "$image" "$1"
  qemu-img resize -q -f qcow2 "$1" "$DISK_BYTES"
  sync "$1"
}

# The VM of an older generation, or one that was started from its disk, makes way.
stop_vm() {
  is_off || virsh shutdown "$DOMAIN" >/dev/null || true
  if ! (wait_until 180 "$DOMAIN to shut down" is_off) 2>/dev/null; then
    echo "$DOMAIN does not shut down within 180 s; it is switched off"
    virsh destroy "$DOMAIN" >/dev/null
    wait_until 30 "$DOMAIN to be off" is_off
  fi
  say_changed "$DOMAIN stopped, to be rebuilt as generation $GENERATION"
}

# What libvirt remembers of the old disk must not meet the new one: saved memory would run on it and destroy it.
forget_old_disk() {
  local snapshot
  [ "$(state)" != undefined ] || return 0
  if grep -q '^Managed save: *yes' <<<"$(virsh dominfo "$DOMAIN")"; then
    virsh managedsave-remove "$DOMAIN" >/dev/null
  fi
  while read -r snapshot; do
    [ -z "$snapshot" ] || virsh snapshot-delete "$DOMAIN" "$snapshot" --metadata >/dev/null
  done < <(virsh snapshot-list "$DOMAIN" --name --topological | tac)
}

ensure_disk() {
  local new=$FOLDER/.$DOMAIN.new-disk disk
  # Left by a run that was ended; only one runs at a time.
  rm -f "$new"
  if [ ! -f "$DISK" ]; then
    (
      umask 077
      make_disk "$new"
    )
  fi
  # The new disk is ready before the old VM stops. A libvirt that does not answer, because it restarts, must not look
  # like a VM with another disk: that one is stopped, and its saved memory dropped.
  if [ "$(state)" != undefined ]; then
    if ! is_off; then
      disk=$(disk_of || true)
      [ -n "$disk" ] || fail "libvirt does not say which disk $DOMAIN runs from; run again"
      [ "$disk" = "$DISK" ] || stop_vm
    fi
    disk=$(disk_of --inactive || true)
    [ -n "$disk" ] || fail "libvirt does not say which disk $DOMAIN is defined with; run again"
    [ "$disk" = "$DISK" ] || forget_old_disk
  fi
  if [ -f "$new" ]; then
    mv -n "$new" "$DISK"
    say_changed "$DISK"
  fi
}

# The ISO names the digest of its files, so it is rebuilt when they differ, and only then.
ensure_seed() {
  local digest new
  digest=$(cd "$SEED_FOLDER" && sha256sum user-data vendor-data meta-data network-config | sha256sum | cut -d' ' -f1)
  if [ -f "$SEED" ] && grep -qF "homelab $digest" <<<"$(isoinfo -d -i "$SEED")"; then
    [ "$(stat -c %a "$SEED")" = 600 ] || chmod 0600 "$SEED"
    return 0
  fi
  # Readable by root alone, and it stays so: it holds the guest's private host key.
  new=$(temporary_beside "$SEED")
  (cd "$SEED_FOLDER" && genisoimage -quiet -output "$new" -volid cidata -joliet -rock -appid "homelab $digest" \
    user-data vendor-data meta-data network-config)
  mv -f "$new" "$SEED"
  say_changed "$SEED"
}

# defined: tells one definition from another by our text and by what libvirt has made of it.
defined() { { cat "$DEFINITION" && virsh dumpxml --inactive "$DOMAIN" | sort; } 2>/dev/null | sha256sum; }

define_vm() {
  local before after remembered=$DEFINITION.defined
  # Sorted, because libvirt moves the controllers that it adds itself.
  before=$(virsh dumpxml --inactive "$DOMAIN" 2>/dev/null | sort || true)
  # libvirt writes its own files anew at every definition, so the same one is not given twice.
  if [ -z "$before" ] || [ "$(defined)" != "$(cat "$remembered" 2>/dev/null)" ]; then
    virsh define --validate "$DEFINITION" >/dev/null || fail "libvirt does not accept $DEFINITION"
    after=$(virsh dumpxml --inactive "$DOMAIN" | sort)
    if [ -z "$before" ]; then
      say_changed "definition of $DOMAIN"
    elif [ "$before" != "$after" ]; then
      say_changed "definition of $DOMAIN$(is_off || echo '; the running VM takes it up at its next boot')"
    fi
    defined >"$remembered"
  fi
  if ! grep -q '^Autostart: *enable$' <<<"$(virsh dominfo "$DOMAIN")"; then
    virsh autostart "$DOMAIN" >/dev/null
    say_changed "$DOMAIN starts with its host"
  fi
}

# Disks only grow. The guest takes up the new size at its next boot.
grow_disk() {
  local size
  size=$(virtual_size "$DISK")
  [ "$size" -lt "$DISK_BYTES" ] || return 0
  if is_off; then
    qemu-img resize -q -f qcow2 "$DISK" "$DISK_BYTES"
  else
    # libvirt shrinks as readily as it grows: it is asked itself, immediately before.
    size=$(virsh domblkinfo "$DOMAIN" vda | awk '$1 == "Capacity:" { print $2 }')
    [[ $size =~ ^[0-9]+$ && $size -le $DISK_BYTES ]] ||
      fail "libvirt says that the disk of $DOMAIN has '$size' bytes, vm.disk says $DISK_BYTES: it was not changed; run again"
    virsh blockresize "$DOMAIN" vda "${DISK_BYTES}B" >/dev/null
  fi
  say_changed "$DISK has grown; the guest takes up the space at its next boot"
}

start_vm() {
  [ "$(state)" != 'in shutdown' ] || wait_until 180 "$DOMAIN to finish its shutdown" is_off
  if is_off; then
    refuse_taken_address
    virsh start "$DOMAIN" >/dev/null
    say_changed "$DOMAIN started"
  fi
  [ "$(state)" = running ] ||
    fail "$DOMAIN is $(virsh domstate --reason "$DOMAIN" | xargs): look why (full disk?), then virsh resume or destroy it"
  [ "$(disk_of)" = "$DISK" ] || fail "$DOMAIN runs from '$(disk_of)' instead of $DISK; nothing more was done"
}

answers_on_ssh() {
  # shellcheck disable=SC2016  # expanded by the inner shell
  [ "$(timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && head -c 4 <&3' "$ADDRESS" "$SSH_PORT" 2>/dev/null)" = SSH- ]
}

await_ssh() {
  (wait_until 900 "$DOMAIN to answer on $ADDRESS:$SSH_PORT" answers_on_ssh) && return 0
  echo "The VM's console ends with:" >&2
  tail -n 30 "$CONSOLE_LOG" 2>/dev/null | tr -cd '\11\12\40-\176' >&2 || true
  fail "$DOMAIN does not answer on $ADDRESS:$SSH_PORT. Is $BRIDGE connected to the LAN? With Docker on this machine see
sysctl net.bridge.bridge-nf-call-iptables: 1 lets Docker's rules drop the VM's packets. Console: virsh console $DOMAIN"
}

# is_in_use PATH: by any domain; also when libvirt does not say.
is_in_use() {
  local all other disks
  all=$(virsh list --all --name) || return 0
  while read -r other; do
    [ -n "$other" ] || continue
    disks=$(virsh domblklist "$other" && { virsh domblklist "$other" --inactive 2>/dev/null || true; }) || return 0
    [[ $disks != *"$1"* ]] || return 0
  done <<<"$all"
  return 1
}

# Keeps the generation before this one. The names are ours alone, and a disk that any domain knows stays.
remove_old_generations() {
  local number path
  generations | awk -v now="$GENERATION" '$1 < now' | head -n -1 | while read -r number; do
    path=$DISK_PREFIX$number.qcow2
    if is_our_disk "$path" && ! is_in_use "$path"; then
      rm -f -- "$path"
      say_changed "removed $path; generation before $GENERATION is kept"
    fi
  done
}

virsh uri >/dev/null || fail "libvirt does not answer at qemu:///system; see: systemctl status libvirtd"
refuse_strangers
refuse_unknown_disks
[ -d "$FOLDER" ] || install -d -m 0711 "$FOLDER"
ensure_disk
install -d -m 0700 "$SEED_FOLDER"
install_files
ensure_seed
define_vm
grow_disk
start_vm
await_ssh
remove_old_generations
