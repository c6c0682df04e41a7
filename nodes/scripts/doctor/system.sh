# Facts of any machine, most of them without root. IDENTITY_KIND: the one that the configuration states. PLACES: paths
# whose free space matters.

# value KEY FILE: of a file of KEY=value lines, quoted or not
value() { sed -n "s/^$1=//p" "$2" | tr -d '"' | head -n 1; }

clock_state() {
  if command -v chronyc >/dev/null && systemctl is-active --quiet chrony.service; then
    time_state
  elif [ -e /run/systemd/timesync/synchronized ]; then
    echo synchronised
  else
    echo "not synchronised"
  fi
}

# free_space PATH: bytes of the file system that it is or will be on, and those that are free: `total free`
free_space() {
  local path=$1
  until [ -e "$path" ]; do path=$(dirname -- "$path"); done
  timeout 2 df --output=size,avail --block-size=1 -- "$path" | awk 'NR == 2 { print $1, $2 }'
}

system_facts() {
  fact uid "$(id -u)"
  fact hostname "$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
  fact machineId "$(cat /etc/machine-id || true)"
  fact identity "$(identity_of "$IDENTITY_KIND" || true)"
  fact os.id "$(value ID /etc/os-release)"
  fact os.version "$(value VERSION_ID /etc/os-release)"
  fact os.name "$(value PRETTY_NAME /etc/os-release)"
  fact kernel "$(uname -r)"
  fact architecture "$(uname -m)"
  fact clock "$(clock_state)"
  [ "$(id -u)" != 0 ] || fact firewall "$(firewalls)"
  local place
  for place in "${PLACES[@]}"; do
    fact "space.$place" "$(free_space "$place")"
  done
}

section system system_facts
