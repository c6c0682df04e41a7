# upgrade_kind FROM TO: what going from one version to another is, of software that goes up one minor version at a time and never
# down: same, up, down, or skips (a minor version at least). Versions as their publisher writes them, both in the same way.
upgrade_kind() {
  local parts_before parts_after
  if [ "$1" = "$2" ]; then
    echo same
  elif [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]; then
    echo down
  else
    IFS=. read -r -a parts_before <<<"$1"
    IFS=. read -r -a parts_after <<<"$2"
    if [ "${parts_before[0]}" != "${parts_after[0]}" ] || [ $((parts_after[1] - parts_before[1])) -gt 1 ]; then echo skips; else echo up; fi
  fi
}
