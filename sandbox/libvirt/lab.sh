#!/bin/bash
# lab.sh FOLDER GUEST SCENARIO: runs a bash scenario beside a real libvirtd with a bridge br0, all of it inside private
# mount, network and process namespaces that end with the scenario. FOLDER takes what libvirt writes. GUEST: real, or
# ADDRESS=DOMAIN for an SSH banner at the address while the domain runs, where nothing in the guest ever boots.
set -euo pipefail
if [ "$1" != inside ]; then
  exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" inside "$@"
fi
folder=$2 guest=$3 scenario=$4

mount --make-rprivate /
for path in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
  mkdir -p "$folder$path" "$path"
  mount --bind "$folder$path" "$path"
done
mkdir -p /var/log/libvirt/qemu
mount -t tmpfs tmpfs /run
# libvirt wants the users of its package's postinst, and must not find /dev/kvm.
for file in passwd group; do
  cp "/etc/$file" "$folder/$file"
  mount --bind "$folder/$file" "/etc/$file"
done
grep -q '^libvirt-qemu:' /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/:/bin/false' >>/etc/passwd
grep -q '^libvirt-qemu:' /etc/group || echo 'libvirt-qemu:x:64055:' >>/etc/group
grep -q '^kvm:' /etc/group || echo 'kvm:x:64054:' >>/etc/group
grep -q '^swtpm:' /etc/passwd || echo 'swtpm:x:64053:64053::/:/bin/false' >>/etc/passwd
grep -q '^swtpm:' /etc/group || echo 'swtpm:x:64053:' >>/etc/group
[ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm
cat >/etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
CONF

ip link set lo up
ip link add br0 type bridge
ip address add 192.168.10.100/24 dev br0
ip link set br0 up
libvirtd >"$folder/libvirtd.log" 2>&1 &
for _ in {1..100}; do
  virsh -q -c qemu:///system uri >/dev/null 2>&1 && break
  sleep 0.1
done
virsh -q -c qemu:///system uri >/dev/null || {
  tail "$folder/libvirtd.log"
  exit 1
}

[ "$guest" = real ] || python3 - "${guest%=*}" "${guest#*=}" <<'PYTHON' &
import socket, subprocess, sys, threading, time
address, domain = sys.argv[1:]
server = socket.create_server(("0.0.0.0", 22))
def answer():
    while True:
        client, _ = server.accept()
        client.sendall(b"SSH-2.0-guest\r\n")
        client.close()
threading.Thread(target=answer, daemon=True).start()
while True:
    state = subprocess.run(["virsh", "-q", "-c", "qemu:///system", "domstate", domain],
                           capture_output=True, text=True).stdout.strip()
    subprocess.run(["ip", "address", "replace" if state == "running" else "delete", address + "/32", "dev", "lo"],
                   capture_output=True)
    time.sleep(0.2)
PYTHON
cd "$folder"
exec bash "$scenario"
