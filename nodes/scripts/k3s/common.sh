# What the server's and the agents' steps share. All checks come before the first write.
#
# KIND, VERSION, SHA256, URL, BINARIES, GENERATION, NVIDIA, KERNEL_DEFAULTS; CLUSTER_ID arrives beside the text.

# Something of K3s is on this machine.
k3s_present() {
  local unit
  for unit in "${UNITS[@]}"; do
    [ ! -e "/etc/systemd/system/$unit.service" ] || return 0
  done
  [ -n "$(ls -A "$DATA_DIR" 2>/dev/null)" ]
}

# A node remembers to which rebuild of which cluster it belongs. Of an older one: to be torn down, and OLD_GENERATION is
# its number. Of any other: refused.
OLD_GENERATION=''
judge_claim() {
  local number id
  if [ ! -s "$MEMORY/generation" ]; then
    ! k3s_present || fail "there is a K3s on this machine that this program did not install; nothing was changed.
Save what you need of it (volumes, snapshots, /var/lib/rancher/k3s/server/token). To have it torn down and replaced, declare
it to be of an older generation and run again:  mkdir -p $MEMORY; echo '$((GENERATION - 1)) foreign' >$MEMORY/generation"
  else
    read -r number id <"$MEMORY/generation" || true
    [[ $number =~ ^[0-9]+$ ]] || fail "$MEMORY/generation holds '$number', which is no number; restore or remove it"
    if [ "$number" -gt "$GENERATION" ]; then
      fail "this node belongs to generation $number of the cluster, the configuration says $GENERATION.
An older configuration or stack is being used; set cluster.generation to at least $number."
    elif [ "$number" -lt "$GENERATION" ]; then
      OLD_GENERATION=$number
    elif [ "$id" != "$CLUSTER_ID" ]; then
      fail "this node belongs to the cluster '$id', which has the same generation number as '$CLUSTER_ID'.
The stack's state was lost or made anew. To rebuild from here on, raise cluster.generation by one."
    fi
  fi
}

# judge_node: every question that can end in a refusal. What the teardown of an old generation takes away anyway (its
# role, version, drop-ins and kubelet root) is not asked for. INSTALLED is the version that the node keeps until then.
INSTALLED=''
judge_node() {
  judge_claim
  k3s_present || require_real "$DATA_DIR" "$KUBELET_ROOT"
  require_kernel_defaults
  [ -z "$OLD_GENERATION" ] || return 0
  require_role
  INSTALLED=$(installed_version)
  require_upgrade_path "$INSTALLED" "$VERSION"
  require_kubelet_root
  require_no_drop_ins
}

# claim_node: tears the old generation down. Comes after all questions and the download: what fails then leaves a node
# without a cluster.
claim_node() {
  if [ -n "$OLD_GENERATION" ]; then
    echo "this node belongs to generation $OLD_GENERATION; it is torn down and joins generation $GENERATION"
    tear_down_k3s "$OLD_GENERATION"
  fi
  install_file "$MEMORY/generation" 0644 <<<"$GENERATION $CLUSTER_ID"
}

require_role() {
  local unit
  for unit in "${UNITS[@]}"; do
    if [ "$unit" != "$UNIT" ] && [ -e "/etc/systemd/system/$unit.service" ]; then
      fail "this machine runs K3s as ${unit}, the configuration says ${UNIT}; raise cluster.generation to give it another role"
    fi
  done
}

require_upgrade_path() {
  local installed=$1 wanted=$2
  [ -n "$installed" ] || return 0
  case $(upgrade_kind "$installed" "$wanted") in
    down)
      fail "K3s $installed is installed and newer than $wanted; K3s cannot be downgraded. Restore an etcd snapshot of the old
version into a new generation instead." ;;
    skips) fail "from K3s $installed to $wanted skips a minor version; set versions.k3s to each minor in between first" ;;
  esac
}

# The kubelet root is nobody else's when it is first used, and moves only while nothing lies below the old one.
require_kubelet_root() {
  local old='' points
  [ ! -s "$MEMORY/kubelet-root" ] || old=$(cat "$MEMORY/kubelet-root")
  [ "$old" != "$KUBELET_ROOT" ] || return 0
  require_kubelets_own "$KUBELET_ROOT"
  [ -n "$old" ] || return 0
  require_real "$old" "$KUBELET_ROOT"
  mapfile -t points < <(mounts_at "$old")
  if [ ${#points[@]} -gt 0 ] || [ -n "$(ls -A "$old/pods" 2>/dev/null)" ]; then
    fail "the kubelet root is $old and cannot become $KUBELET_ROOT while pods or mounts are below it:
$(describe_mounts "${points[@]}")
$(find "$old/pods" -mindepth 1 -maxdepth 1 2>/dev/null | head -n 20 | sed 's/^/  /')
Every CSI driver would publish volumes where the kubelet does not look: that was the Longhorn outage of June 2025.
To move it in place, on every node in turn: back up the volumes; kubectl drain $NODE --ignore-daemonsets
--delete-emptydir-data; wait until no Longhorn volume is attached to it; $TEARDOWN_COMMAND stop; mv $old/pods $old/pods.old.
Then run again. Or raise cluster.generation, which rebuilds the cluster with the new root."
  fi
}

require_no_drop_ins() {
  local found
  found=$(config_drop_ins)
  [ "$found" = none ] || fail "$found would add to or override $CONFIG; move the settings into the configuration and delete the files"
}

# With protect-kernel-defaults the kubelet exits instead of setting these.
require_kernel_defaults() {
  local setting name wanted found
  for setting in "${KERNEL_DEFAULTS[@]}"; do
    name=${setting%%=*} wanted=${setting#*=}
    found=absent
    [ ! -r "/proc/sys/${name//.//}" ] || found=$(<"/proc/sys/${name//.//}")
    [ "$found" = "$wanted" ] || fail "sysctl $name is '$found', the kubelet demands $wanted; the bootstrap step sets it"
  done
}

# link_atomically TARGET LINK
link_atomically() {
  [ "$(readlink "$2" 2>/dev/null)" != "$1" ] || return 0
  ln -sfn "$1" "$2.homelab"
  mv -fT "$2.homelab" "$2"
  say_changed "$2"
}

install_binary() {
  local folder name
  folder=$(dirname "$BINARY_LINK")
  link_atomically "$BINARIES/$VERSION/k3s" "$BINARY_LINK"
  for name in kubectl crictl ctr; do
    # One that the owner installed stays.
    if [ ! -e "$folder/$name" ] || [ "$(readlink "$folder/$name")" = k3s ]; then
      link_atomically k3s "$folder/$name"
    fi
  done
}

# times_ended: how often systemd has started it again since somebody last did.
times_ended() {
  local times
  times=$(systemctl show -p NRestarts --value "$UNIT" 2>/dev/null) || true
  [[ $times =~ ^[0-9]+$ ]] || times=0
  echo "$times"
}

# explain_failure SINCE HOW: what the journal of a K3s that does not come up says, in the owner's terms where the cause is known.
explain_failure() {
  local journal
  journal=$(journalctl -u "$UNIT" --since "@$1" -o cat --no-pager 2>/dev/null || true)
  case $journal in
    *'Node password rejected'*)
      fail "the server knows another machine by the name $NODE, or this one before it was installed anew. If that one is gone for
good, let the cluster forget it and run pulumi up again:  npm run node -- forget $NODE" ;;
    *'bootstrap data already found and encrypted with different token'*)
      fail "the datastore is encrypted with another server token; see k3s token rotate" ;;
    *)
      fail "K3s $2. What it says:
$(grep -E 'level=(error|fatal)|^[EF][0-9]{4}' <<<"$journal" | tail -n 12)
$(systemctl is-active "$UNIT" 2>/dev/null || true); read on with: journalctl -u $UNIT" ;;
  esac
}

# A K3s that only finds its network late ends once or twice; each time costs systemd's five seconds and its own start.
MOST_ENDS=8

# start_k3s COMMAND...: restarts it if, and only if, something that it reads at its start has changed, it is not running,
# or its certificates are due. Then waits until the command succeeds and the kubelet is healthy where it should be.
start_k3s() {
  local reason='' started end ended
  started=$(date +%s)
  if [ "$(systemctl show -p NeedDaemonReload --value "$UNIT" 2>/dev/null)" = yes ] || changed "/etc/systemd/system/$UNIT.service"; then
    systemctl daemon-reload
  fi
  systemctl is-enabled --quiet "$UNIT" 2>/dev/null || { systemctl enable --quiet "$UNIT" && say_changed "unit $UNIT enabled"; }
  if ! systemctl is-active --quiet "$UNIT"; then
    reason='it is not running'
  elif ! inputs_in_force; then
    reason='what it reads at its start has changed'
  elif [[ $(certificate_state) == expir* ]]; then
    reason='its certificates are due for renewal'
  fi
  if [ -n "$reason" ]; then
    rm -f "$MEMORY/k3s-inputs"
    systemctl reset-failed "$UNIT" 2>/dev/null || true
    systemctl restart --no-block "$UNIT"
    say_changed "$UNIT restarted: $reason"
    # The old process may still answer for a moment.
    sleep 3
  fi

  # One that ends at once, as for a word in its configuration that it does not know, will not do so less often.
  ended=$(times_ended)
  end=$((SECONDS + START_SECONDS))
  until systemctl is-active --quiet "$UNIT" && kubelet_healthy && "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || explain_failure "$started" "does not come up within $START_SECONDS s"
    [ $(($(times_ended) - ended)) -lt "$MOST_ENDS" ] || explain_failure "$started" "has ended $MOST_ENDS times while it was waited for"
    sleep 2
  done
  assert_kubelet_root
  if [ "$NVIDIA" = yes ] && [ "$(nvidia_runtime_state)" != registered ]; then
    fail "containerd does not know the NVIDIA runtime: nvidia-container-runtime was not on PATH when K3s started"
  fi
  inputs_digest | install_file "$MEMORY/k3s-inputs" 0600
}

kubelet_healthy() {
  [ "$(curl --silent --max-time 3 http://127.0.0.1:10248/healthz)" = ok ]
}

# Storage is installed for this path only; a kubelet elsewhere would not see a single volume.
assert_kubelet_root() {
  local found end=$((SECONDS + 60))
  until found=$(kubelet_root_in_force) && [ "$found" != unknown ]; do
    [ "$SECONDS" -lt "$end" ] || break
    sleep 2
  done
  [ "$found" = "$KUBELET_ROOT" ] || fail "the running kubelet's root is '$found', the configuration says '$KUBELET_ROOT'"
}
