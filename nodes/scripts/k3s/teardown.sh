# Removes K3s from a machine without ever deleting through a mount: stop, kill, unmount, verify, only then delete.
#
# The stock uninstall script does not verify: a mount that stays, or a kubelet root below the data directory, and it
# empties what is mounted there, NFS shares included. Here nothing is deleted unless the kernel says that nothing is
# mounted at or below any of the directories. Never unmounted by force or lazily: a lazy mount is invisible and alive.
#
# DATA_DIR, KUBELET_ROOT, MEMORY, BINARY_LINK, UNITS; KEEP: paths that must survive, wherever they lie.

# mounts_at DIRECTORY: mount points at or below it, deepest first, escaped as in mountinfo.
mounts_at() {
  local table point
  table=$(cat /proc/self/mountinfo)
  while read -r _ _ _ _ point _; do
    if [[ $point == "$1" || $point == "$1"/* ]]; then
      printf '%s\n' "$point"
    fi
  done <<<"$table" | sort -r
}

# mounts_below DIRECTORY: without its own.
mounts_below() {
  mounts_at "$1" | grep -vxF -- "$1" || true
}

# describe_mounts POINT...: one line each with file system and source, for messages.
describe_mounts() {
  local point
  for point in "$@"; do
    # Handed over in the environment, because awk would interpret the escapes of a variable.
    POINT=$point awk '$5 == ENVIRON["POINT"] {
      for (i = 7; i <= NF; i++) if ($i == "-") line = "  " $5 " (" $(i + 1) " " $(i + 2) ")"
    } END { print line }' /proc/self/mountinfo
  done
}

# require_nothing_mounted DIRECTORY...
require_nothing_mounted() {
  require_unmounted mounts_at "at or below" "$@"
}

# require_unmounted LIST WHERE DIRECTORY...: LIST prints the mounts of a directory that must be gone.
require_unmounted() {
  local list=$1 where=$2 directory points
  shift 2
  for directory in "$@"; do
    mapfile -t points < <("$list" "$directory")
    if [ ${#points[@]} -gt 0 ]; then
      fail "still mounted $where $directory; nothing was deleted:
$(describe_mounts "${points[@]}")
Find who uses it (fuser -vm PATH, or a dead NFS or iSCSI server), unmount it, and run again."
    fi
  done
}

# require_real DIRECTORY...: none is a symbolic link or lies below one. The kernel names mounts and programs by real paths: by
# the link's name nothing is found there, as if no pod ran and no share were mounted.
require_real() {
  local directory real
  for directory in "$@"; do
    real=$(realpath -m -- "$directory")
    [ "$real" = "$directory" ] || fail "$directory is $real, by a symbolic link; nothing was changed.
Shares that pods have mounted below it are not seen by the link's name. So do not delete or move anything there by hand while pods
may run: drain the node, systemctl disable ${UNITS[*]}, reboot, and see that 'findmnt -R' names nothing below $real. Then take the
link away and move the folder to its place."
  done
}

# require_no_own_mount DIRECTORY...: none is a mount point itself. What is mounted there cannot be deleted, and unmounted only it
# would come back at the next boot, over whatever is installed meanwhile.
require_no_own_mount() {
  local directory
  for directory in "$@"; do
    ! mounts_at "$directory" | grep -qxF -- "$directory" || fail "$directory is a file system of its own, which is not deleted; nothing was stopped:
$(describe_mounts "$directory")
Save what you need of it (server/db, server/token). Take it out of /etc/fstab, systemctl disable ${UNITS[*]}, reboot, see that
'findmnt -R' names nothing at or below it, and run again."
  done
}

# bounded SECONDS COMMAND...: its status, or 124 if it does not end. Never waited for while it runs: a process that sleeps
# in the kernel, on a dead NFS or iSCSI server, ends by no signal, and timeout(1) waits for it for ever. What it says goes
# through a file, so that one that is left behind keeps nobody's output open.
bounded() {
  local end=$((SECONDS + $1)) said pid status=0
  shift
  said=$(mktemp)
  "$@" </dev/null >"$said" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then
      kill -KILL "$pid" 2>/dev/null || true
      disown "$pid" 2>/dev/null || true
      status=124
      break
    fi
    sleep 0.1
  done
  [ "$status" = 124 ] || wait "$pid" || status=$?
  cat "$said"
  rm -f "$said"
  return "$status"
}

# Longest time, in seconds, that one umount and the sync before it may take.
: "${UNMOUNT_SECONDS:=90}" "${SYNC_SECONDS:=120}"

# unmount POINT, escaped as in mountinfo: whether it is unmounted. One that does not end ends the teardown.
unmount() {
  local path status=0
  printf -v path '%b' "$1"
  bounded "$UNMOUNT_SECONDS" umount --no-canonicalize -- "$path" || status=$?
  [ "$status" != 124 ] || fail "umount of $path does not end after $UNMOUNT_SECONDS s; nothing was deleted:
$(describe_mounts "$1")
Its server is dead as a rule. Bring it back, or reboot this machine, and run again."
  return "$status"
}

# unmount_below DIRECTORY: everything below it, not the directory itself.
unmount_below() {
  local points point attempt
  for attempt in 1 2 3; do
    mapfile -t points < <(mounts_below "$1")
    [ ${#points[@]} -gt 0 ] || return 0
    [ "$attempt" = 1 ] || sleep 2
    for point in "${points[@]}"; do
      if unmount "$point"; then
        printf 'unmounted %b\n' "$point"
      fi
    done
  done
}

# require_deletable DIRECTORY: a plain directory, not too near the root, that holds nothing that must survive.
require_deletable() {
  local directory=$1 keep
  [[ $directory =~ ^/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$ && $directory/ != */../* && $directory/ != */./* ]] ||
    fail "refusing to delete '$directory': not a plain absolute path of at least two parts"
  require_real "$directory"
  for keep in "$MEMORY" "${KEEP[@]}"; do
    if [[ $keep == "$directory" || $keep == "$directory"/* ]]; then
      fail "refusing to delete $directory: $keep, which must survive, lies in it; move it elsewhere first"
    fi
  done
}

# What a kubelet makes in its root directory (Kubernetes v1.32 pkg/kubelet: config/defaults.go, cm/*, status, allocation,
# images; later releases included), pods.old of the migration that require_kubelet_root names, and lost+found of a file
# system of its own.
KUBELET_ENTRIES=(pods plugins plugins_registry device-plugins pod-resources checkpoints pki seccomp image_manager
  cpu_manager_state memory_manager_state dra_manager_state pod_status_manager_state allocated_pods_state
  actuated_pods_state pods.old lost+found)

# require_kubelets_own DIRECTORY: it is absent, empty, or holds nothing but a kubelet's files. Asked before a directory is
# taken for the kubelet's root, and of each that a teardown deletes and no step has taken: it is deleted whole.
require_kubelets_own() {
  local entries foreign
  [ -e "$1" ] || return 0
  [ -d "$1" ] || fail "$1, the kubelet's root directory, is there and no directory; nothing was changed"
  entries=$(find "$1/" -mindepth 1 -maxdepth 1 -printf '%f\n') || fail "$1 cannot be read; nothing was changed"
  foreign=$(grep -vxF -f <(printf '%s\n' "${KUBELET_ENTRIES[@]}") <<<"$entries" | sed '/^$/d' | sort || true)
  [ -z "$foreign" ] || fail "$1 holds what no kubelet writes; nothing was changed:
$(sed -n '1,20s/^/  /p' <<<"$foreign")
It is a root directory of the kubelet ($KUBELET_ROOT in cluster.kubeletRoot), and a teardown deletes those whole. Move these
files elsewhere and run again; or, if the files are at their place, set cluster.kubeletRoot to a folder of its own."
}

# delete_tree DIRECTORY: deletes it inside a private mount namespace, seen through a bind of its parent that carries no
# mounts along. So even a mount that appears after the check cannot be reached: rm meets a busy, empty mount point.
delete_tree() {
  local directory=$1
  [ -e "$directory" ] || [ -L "$directory" ] || return 0
  require_deletable "$directory"
  require_nothing_mounted "$directory"
  mkdir -p "$MEMORY/teardown"
  # shellcheck disable=SC2016  # expanded by the inner shell
  unshare --mount --propagation private -- /bin/bash -euc '
    mount --bind -- "$1" "$2"
    rm -rf --one-file-system -- "$2/$3"
  ' delete "$(dirname "$directory")" "$MEMORY/teardown" "$(basename "$directory")" ||
    fail "could not delete all of $directory; what is left of it was in use or mounted meanwhile"
  rmdir "$MEMORY/teardown"
  say_changed "$directory deleted"
}

# Containerd of this K3s, its shims, and everything below them; another container runtime's are left alone.
k3s_processes() {
  local link executable roots=' '
  for link in /proc/[0-9]*/exe; do
    executable=$(readlink "$link" 2>/dev/null) || continue
    if [[ $executable == "$DATA_DIR"/data/*/bin/containerd* ]]; then
      link=${link#/proc/}
      roots+="${link%/exe} "
    fi
  done
  ps -e -o pid=,ppid= | awk -v roots="$roots" '
    BEGIN { count = split(roots, list, " "); for (i = 1; i <= count; i++) wanted[list[i]] = 1 }
    { parent[$1] = $2 }
    END { for (pid in parent) for (p = pid; p > 1; p = parent[p]) if (p in wanted) { print pid; break } }'
}

# since PID: when it began, in ticks since boot; nothing for one that is gone. One that waits for its parent alone is gone, one of
# whose threads still waits for a disk or a server is not.
since() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # Behind the name, which may hold anything.
  read -r -a stat <<<"${stat##*) }"
  if [ "${stat[0]}" != Z ] || [ "${stat[17]}" -gt 1 ]; then
    printf '%s' "${stat[19]}"
  fi
}

# Until each is really gone that was ever seen: a child that sleeps in the kernel outlives its shim, and is then nobody's.
kill_pods() {
  local pid attempt left
  local -A seen=()
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    while read -r pid; do
      seen[$pid]=${seen[$pid]:-$(since "$pid")}
    done < <(k3s_processes)
    left=()
    for pid in "${!seen[@]}"; do
      [ -z "${seen[$pid]}" ] || [ "$(since "$pid")" != "${seen[$pid]}" ] || left+=("$pid")
    done
    [ ${#left[@]} -gt 0 ] || return 0
    [ "$attempt" -gt 1 ] || echo "ending ${#left[@]} processes of pods"
    kill -KILL "${left[@]}" 2>/dev/null || true
    sleep 2
  done
  fail "processes of the old cluster do not end, which is a dead NFS or iSCSI server as a rule; nothing was deleted:
$(ps -o pid,stat,wchan:24,args -p "$(paste -sd, - <<<"$(printf '%s\n' "${left[@]}")")")
Bring that server back, or reboot this machine, and run again."
}

# Sessions to Longhorn engines, which lived in the pods that are gone; every write to them would hang.
log_out_longhorn() {
  local target
  command -v iscsiadm >/dev/null || return 0
  while read -r target; do
    bounded 60 iscsiadm -m node -T "$target" --logout || true
    bounded 60 iscsiadm -m node -T "$target" -o delete || true
  done < <(iscsiadm -m session 2>/dev/null | sed -n 's/.* \(iqn\.2019-10\.io\.longhorn:[^ ]*\).*/\1/p' | sort -u)
}

# Links, filters and rules of the pods' network outlive the pods, and with them the host can lose its own. Those of K3s' own flannel,
# of a K3s that was taken over, are told by its folder: another program's bridges may have the same names.
remove_pod_network() {
  local link tool rules device filters
  local links=(cilium_vxlan cilium_geneve cilium_wg0 cilium_host cilium_net) chains='CILIUM_\|KUBE-'
  if [ -e /run/flannel ]; then
    links+=(cni0 flannel.1 flannel-wg flannel-wg-v6 flannel-v6.1 kube-ipvs0)
    chains+='\|FLANNEL-\|CNI-'
  fi
  for link in "${links[@]}"; do
    if ip link show dev "$link" >/dev/null 2>&1; then
      ip link delete dev "$link"
      say_changed "link $link deleted"
    fi
  done
  for device in /sys/class/net/*; do
    device=${device##*/}
    command -v tc >/dev/null || break
    filters=$(tc filter show dev "$device" ingress 2>/dev/null && tc filter show dev "$device" egress 2>/dev/null) || continue
    if grep -q 'cil_\|bpf_netdev' <<<"$filters"; then
      tc qdisc delete dev "$device" clsact
      say_changed "Cilium's filters on $device deleted"
    fi
  done
  for tool in iptables ip6tables iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
    command -v "$tool-save" >/dev/null || continue
    rules=$("$tool-save" 2>/dev/null) || continue
    if grep -q "$chains" <<<"$rules"; then
      grep -v "$chains" <<<"$rules" | "$tool-restore"
      say_changed "$tool rules of the cluster deleted"
    fi
  done
  find /etc/cni/net.d /opt/cni/bin -maxdepth 1 -name '*cilium*' -delete 2>/dev/null || true
}

# save_snapshot NAME: fails unless there is a new file. K3s itself reports success when etcd could not write it, for
# example to a full disk (pkg/etcd/snapshot.go, v1.32.5+k3s1).
save_snapshot() {
  local started
  started=$(($(date +%s) - 1))
  timeout 300 "$BINARY_LINK" etcd-snapshot save --etcd-s3=false --name "$1" || return 1
  [ -n "$(find "$DATA_DIR/server/db/snapshots" -maxdepth 1 -type f -name "$1*" -newermt "@$started" -print -quit)" ]
}

# The old cluster's etcd snapshots and the token that they are encrypted with.
keep_snapshots() {
  local from=$DATA_DIR/server/db/snapshots to=$MEMORY/snapshots/$1 snapshot copy
  [ -n "$(ls -A "$from" 2>/dev/null)" ] || return 0
  mkdir -p "$to"
  chmod 0700 "$MEMORY/snapshots" "$to"
  # Each is there as a whole or not at all: one that a power cut has left half would be taken for kept.
  copy=$to/.homelab.copy
  while IFS= read -r -d '' snapshot; do
    [ ! -e "$to/${snapshot##*/}" ] || continue
    rm -f -- "$copy"
    cp -a --link -- "$snapshot" "$copy" 2>/dev/null || cp -a -- "$snapshot" "$copy" ||
      fail "$snapshot cannot be kept in $to; nothing was deleted. Make room there and run again"
    bounded "$SYNC_SECONDS" sync -- "$copy" || fail "$copy cannot be written to its disk; nothing was deleted. Look: dmesg"
    mv -T -- "$copy" "$to/${snapshot##*/}"
  done < <(find "$from" -mindepth 1 -maxdepth 1 -type f -print0)
  if [ -f "$DATA_DIR/server/token" ]; then
    install -m 0600 "$DATA_DIR/server/token" "$copy"
    mv -fT -- "$copy" "$to/token"
  fi
  say_changed "snapshots kept in $to"
}

# keep_datastore LABEL: the datastore itself, with what it is read with, where no snapshot of its end could be taken. It
# may be all that is left of the cluster. Hard links, or copies if the folders lie on different file systems. It never
# replaces what an earlier run has kept.
keep_datastore() {
  local server=$DATA_DIR/server kept=$MEMORY/snapshots/$1/server temporary part number=1
  [ -n "$(find "$server/db" -mindepth 1 -maxdepth 1 ! -name snapshots -print -quit 2>/dev/null)" ] || return 0
  while [ -e "$kept" ]; do
    number=$((number + 1))
    kept=$MEMORY/snapshots/$1/server-$number
  done
  mkdir -p "$MEMORY/snapshots/$1"
  chmod 0700 "$MEMORY/snapshots" "$MEMORY/snapshots/$1"
  temporary=$(mktemp -d "$kept.XXXXXX")
  for part in db tls cred token; do
    [ -e "$server/$part" ] || continue
    cp -a --link "$server/$part" "$temporary/" 2>/dev/null || cp -a "$server/$part" "$temporary/" ||
      fail "there is no last snapshot of the old cluster, and $server/$part cannot be kept in $temporary; nothing was deleted.
Make room there, or start K3s so that a snapshot can be taken, and run again"
  done
  mv -T "$temporary" "$kept"
  say_changed "no last snapshot could be taken: the datastore itself, its token and its certificates are kept in $kept"
}

# What was kept is on the disk before the first of what it was kept from is deleted: a power cut would leave neither.
flush_kept() {
  local status=0
  [ -d "$MEMORY/snapshots" ] || return 0
  bounded "$SYNC_SECONDS" sync --file-system "$MEMORY/snapshots" || status=$?
  [ "$status" = 0 ] || fail "what was kept in $MEMORY/snapshots cannot be written to its disk (sync: status $status); nothing was deleted.
Look: dmesg, df $MEMORY"
}

# Ends K3s and every pod and unmounts what they had mounted. Deletes nothing.
stop_k3s() {
  local unit directory point status=0
  for unit in "${UNITS[@]}"; do
    if systemctl cat "$unit.service" >/dev/null 2>&1; then
      systemctl stop "$unit.service"
    fi
  done
  bounded "$SYNC_SECONDS" sync || status=$?
  [ "$status" != 124 ] || fail "sync does not end after $SYNC_SECONDS s, so a disk or the server of a mount does not answer; nothing was deleted.
Mounted from elsewhere:
$(awk '{ for (i = 7; i <= NF; i++) if ($i == "-" && ($(i + 1) ~ /^(nfs|cifs|fuse)/ || $(i + 2) ~ /^\/dev\/longhorn\//)) print "  " $5 " (" $(i + 1) " " $(i + 2) ")" }' /proc/self/mountinfo)
Bring it back, or reboot this machine, and run again."
  kill_pods
  log_out_longhorn
  for directory in "${MOUNTING[@]}"; do
    unmount_below "$directory"
  done
  while read -r point; do
    if unmount "$point"; then
      rm -f -- "$point"
    fi
  done < <(mounts_at /run/netns | grep '^/run/netns/cni-')
}

# tear_down_k3s LABEL: everything of K3s, except /etc/rancher/node (the node's password), snapshots, and all data.
# LABEL names the folder of what is kept: snapshots, and the datastore if there is none of its end.
tear_down_k3s() {
  local directory unit link recorded=/var/lib/kubelet running snapshot=none
  running=$(kubelet_root_in_force)
  [ "$running" != unknown ] || running=/var/lib/kubelet
  [ ! -s "$MEMORY/kubelet-root" ] || recorded=$(cat "$MEMORY/kubelet-root")
  MOUNTING=("$running" "$recorded" "$KUBELET_ROOT" /var/lib/kubelet /run/k3s /run/cilium "$DATA_DIR")
  local deleted=("${MOUNTING[@]}" /run/flannel /var/lib/cni /sys/fs/bpf/cilium /etc/rancher/k3s)
  for directory in "${deleted[@]}"; do
    require_deletable "$directory"
  done
  require_no_own_mount "${deleted[@]}"
  # The recorded one was judged when it was taken.
  for directory in "$running" "$KUBELET_ROOT" /var/lib/kubelet; do
    if [ ! -s "$MEMORY/kubelet-root" ] || [ "$directory" != "$recorded" ]; then
      require_kubelets_own "$directory"
    fi
  done
  [ -z "$(ls -A "$DATA_DIR/storage" 2>/dev/null)" ] || fail "$DATA_DIR/storage holds volumes of K3s' own local-path provisioner;
nothing was changed. Move it out of the way first, for example: mv $DATA_DIR/storage $MEMORY/old-local-path"

  if systemctl is-active --quiet k3s.service; then
    if save_snapshot before-teardown; then snapshot=taken; fi
  fi
  stop_k3s
  require_nothing_mounted "${deleted[@]}"
  keep_snapshots "$1"
  [ "$snapshot" = taken ] || keep_datastore "$1"
  flush_kept
  # Before anything is deleted: after a power cut it would start on what is left, an agent without the CA that it trusts.
  for unit in "${UNITS[@]}"; do
    systemctl disable --quiet "$unit.service" 2>/dev/null || true
    rm -f "/etc/systemd/system/$unit.service" "/etc/systemd/system/$unit.service.env"
  done
  systemctl daemon-reload
  remove_pod_network
  for directory in "${deleted[@]}"; do
    delete_tree "$directory"
  done

  for link in kubectl crictl ctr; do
    link=$(dirname "$BINARY_LINK")/$link
    [ "$(readlink "$link" 2>/dev/null)" != k3s ] || rm -f "$link"
  done
  rm -f "$BINARY_LINK" "$MEMORY/kubelet-root" "$MEMORY/k3s-inputs"
  say_changed "K3s torn down"
}
