# Facts <disk>: `blank`, `ours` or why it is refused, by the judgement of the step that formats. All disks at once, for a
# blank one takes a while to look through.

disk_facts() {
  local index verdict streams=()
  for index in "${!DISK_NAMES[@]}"; do
    # Never into a file: a machine is left as it was found.
    exec {stream}< <(
      judge_disk "$index"
      printf '%s' "$VERDICT${REFUSALS[*]:+ ${REFUSALS[*]}}"
    )
    streams+=("$stream")
  done
  for index in "${!DISK_NAMES[@]}"; do
    verdict=$(cat <&"${streams[$index]}")
    fact "${DISK_NAMES[$index]}" "${verdict:-refused it could not be judged}"
  done
  for index in "${!DIRECTORY_NAMES[@]}"; do
    judge_directory "$index"
    fact "${DIRECTORY_NAMES[$index]}" "$VERDICT${REFUSALS[*]:+ ${REFUSALS[*]}}"
    REFUSALS=()
  done
}

# Before the bootstrap some tools may be missing; a judgement without them would be a wrong one.
disk_tools() {
  local tool missing=''
  for tool in lsblk blkid wipefs perl cmp awk; do
    command -v "$tool" >/dev/null || missing+=" $tool"
  done
  printf '%s' "$missing"
}

disk_section() {
  local missing
  missing=$(disk_tools)
  if [ -n "$missing" ]; then
    fact tools "missing:$missing"
  else
    fact tools present
    disk_facts
  fi
}

section disks disk_section
