# Facts of a node's operating system.

fact hostname "$(hostname)"
fact timezone "$(timezone_in_force)"
fact swap "$(swap_in_use)"
fact firewall "$(firewalls)"
fact time "$(time_state)"
# Asked once for all: dpkg-query reads its whole database each time.
known=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null || true)
for name in "${PACKAGES[@]}"; do
  installation=absent
  while read -r package state; do
    [ "$package" != "$name" ] || installation=$state
  done <<<"$known"
  fact "package.$name" "$installation"
done
unit_states "${UNITS[@]}"
for index in "${!UNITS[@]}"; do
  fact "unit.${UNITS[$index]}" "${UNIT_STATES[$index]}"
done
for name in "${KERNEL_MODULES[@]}"; do
  if module_loaded "$name"; then state=loaded; else state=absent; fi
  fact "module.$name" "$state"
done
for setting in "${SYSCTLS[@]}"; do
  fact "sysctl.${setting%%=*}" "$(sysctl_value "${setting%%=*}" || echo absent)"
done
hash_files "${FILES[@]}"
for path in "${FILES[@]}"; do
  fact "file.$path" "$(file_hash "$path")"
done
