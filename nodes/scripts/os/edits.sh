# Pure edits of files that belong to the whole machine, from standard input to standard output, and questions about it.

# hosts_with NAME: /etc/hosts with one line of 127.0.1.1, which holds NAME; a line that does already is kept as it is
hosts_with() {
  awk -v name="$1" '
    $1 != "127.0.1.1" { print; next }
    {
      ours = 0
      for (field = 2; field <= NF && $field !~ /^#/; field++) if ($field == name) ours = 1
      if (ours && !done) { print; done = 1 }
    }
    END { if (!done) print "127.0.1.1 " name }'
}

# fstab_without_swap: lines that mount swap become comments
fstab_without_swap() {
  awk '$1 !~ /^#/ && $3 == "swap" { print "# swap is off on nodes of the cluster (homelab): " $0; next } { print }'
}

# swap_in_use: on or off
swap_in_use() {
  if [ "$(wc -l </proc/swaps)" -gt 1 ]; then echo on; else echo off; fi
}

# timezone_in_force: as in /usr/share/zoneinfo
timezone_in_force() {
  local link
  link=$(readlink /etc/localtime 2>/dev/null) || true
  printf '%s\n' "${link##*/zoneinfo/}"
}

# module_loaded NAME: as a module, or built into the kernel
module_loaded() {
  [ -d "/sys/module/$1" ] || grep -qE "/${1//_/[-_]}\.ko" "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null
}

# firewalls: those that would drop traffic of pods, or none
firewalls() {
  local found=()
  # Not by grep -q, which hangs up on ufw while it still prints its rules; a pipe that breaks would count as inactive.
  if command -v ufw >/dev/null && [[ $(ufw status 2>/dev/null) == *'Status: active'* ]]; then found+=(ufw); fi
  if systemctl is-active --quiet firewalld.service 2>/dev/null; then found+=(firewalld); fi
  echo "${found[*]:-none}"
}

# sysctl_value NAME: as in /proc/sys
sysctl_value() {
  local path=/proc/sys/${1//./\/}
  [ -r "$path" ] && printf '%s\n' "$(<"$path")"
}

# time_state: chrony follows a server, or its own clock where none is configured
time_state() {
  if chronyc -n tracking 2>/dev/null | grep -q '^Leap status *: *Normal'; then
    echo synchronised
  else
    echo "not synchronised"
  fi
}
