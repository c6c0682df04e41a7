# The operating system of a node. Questions that can end in a refusal come first.

command -v apt-get >/dev/null || fail "this is not a Debian or Ubuntu machine; nodes need apt"
firewall=$(firewalls)
[ "$firewall" = none ] ||
  fail "a firewall is active: $firewall. It would drop traffic between pods and nodes. Disable it: ufw disable, or systemctl disable --now firewalld"
# These kernels of Ubuntu 22.04 break NFS, and with it Longhorn's shared volumes (Longhorn scripts/environment_check.sh).
if [[ $(uname -r) =~ ^5\.15\.0-(9[4-9])- ]]; then
  fail "kernel $(uname -r) has a broken NFS client. Fix: apt-get update && apt-get dist-upgrade, then reboot"
fi

require_timezone() {
  [ -f "/usr/share/zoneinfo/$TIMEZONE" ] ||
    fail "there is no time zone $TIMEZONE here. Look: timedatectl list-timezones; correct cluster.timezone"
}
# A minimal image has no time zones before tzdata, one of the packages, is installed.
[ ! -f /usr/share/zoneinfo/UTC ] || require_timezone

install_packages "${PACKAGES[@]}"
require_timezone
install_files

# --- name -------------------------------------------------------------------------------------------------------------
if [ "$(hostnamectl --static)" != "$NODE_NAME" ] || [ "$(hostname)" != "$NODE_NAME" ]; then
  hostnamectl set-hostname "$NODE_NAME"
  say_changed "host name $NODE_NAME"
fi
hosts=$(hosts_with "$NODE_NAME" </etc/hosts)
install_file /etc/hosts 0644 <<<"$hosts"

# --- time -------------------------------------------------------------------------------------------------------------
if [ "$(timezone_in_force)" != "$TIMEZONE" ]; then
  timedatectl set-timezone "$TIMEZONE"
  say_changed "time zone $TIMEZONE"
fi
restart_if_stale chrony.service "${CHRONY_FILES[@]}"

# --- swap: the kubelet's memory limits and eviction mean nothing with it --------------------------------------------------
if [ -f /etc/fstab ]; then
  fstab=$(fstab_without_swap </etc/fstab)
  if [ "$fstab" != "$(cat /etc/fstab)" ]; then
    [ -f /etc/fstab.before-homelab ] || cp -p /etc/fstab /etc/fstab.before-homelab
    install_file /etc/fstab 0644 <<<"$fstab"
    systemctl daemon-reload
  fi
fi
# Also swap partitions that systemd finds by itself, and zram.
if [ "$(systemctl is-enabled swap.target 2>/dev/null || true)" != masked ]; then
  systemctl mask --quiet swap.target
  say_changed "swap.target masked"
fi
if [ "$(swap_in_use)" = on ]; then
  swapoff --all
  say_changed "swap off"
fi

# --- kernel -----------------------------------------------------------------------------------------------------------
for module in "${KERNEL_MODULES[@]}"; do
  if ! module_loaded "$module"; then
    # Kernels of cloud images keep rarer modules in a package of its own.
    extra=linux-modules-extra-$(uname -r)
    if ! modprobe "$module" 2>/dev/null && apt-cache show "$extra" >/dev/null 2>&1; then
      install_packages "$extra"
      modprobe "$module" 2>/dev/null || true
    fi
    module_loaded "$module" ||
      fail "kernel $(uname -r) has no module $module. Fix: apt-get install linux-generic, then reboot"
    say_changed "module $module loaded"
  fi
done

wrong_sysctls() {
  local setting
  for setting in "${SYSCTLS[@]}"; do
    [ "$(sysctl_value "${setting%%=*}")" = "${setting#*=}" ] || echo "${setting%%=*}"
  done
}
if changed "$SYSCTL_FILE" || [ -n "$(wrong_sysctls)" ]; then
  wrong=$(wrong_sysctls)
  /usr/lib/systemd/systemd-sysctl "$SYSCTL_FILE"
  [ -z "$wrong" ] || say_changed "sysctls $(paste -sd ' ' - <<<"$wrong")"
  wrong=$(wrong_sysctls)
  [ -z "$wrong" ] || fail "these sysctls do not take the configured value: $wrong. Look: sysctl $wrong"
fi

# --- network ----------------------------------------------------------------------------------------------------------
# A restart reads the new drop-in before it looks at any route, so it no longer deletes foreign ones. Addresses and
# routes of its own networks are put back within a second; this step runs detached from the SSH session.
routes=$(ip -4 route show default)
restart_if_stale systemd-networkd.service "${NETWORKD_FILES[@]}"
if [ -n "$routes" ]; then
  wait_until 60 "the default route after the restart of systemd-networkd" sh -c 'ip -4 route show default | grep -q .'
fi

# --- storage ----------------------------------------------------------------------------------------------------------
restart_if_stale multipathd.service "$MULTIPATH_FILE"

# --- services ---------------------------------------------------------------------------------------------------------
restart_if_stale systemd-journald.service "$JOURNALD_FILE"
enable_units "${UNITS[@]}"
for _ in {1..60}; do
  time=$(time_state)
  [ "$time" != synchronised ] || break
  sleep 2
done
[ "$time" = synchronised ] ||
  fail "no time server answers, and etcd and certificates need a right clock. Look: chronyc -n sources; correct cluster.timeServers"
