# Lets the cluster's nodes, and nobody else, mount the exports. Writes nothing to the exported directories.
# EXPORTS_FILE: our file. EXPORT_PATHS, EXPORT_MOUNT_POINTS: lists of equal length. CLIENTS: the nodes' addresses.

# other_lines PATH: lines of somebody else's files that export PATH to a node, or to clients among which nodes may be.
# An address is written out in its pattern, because mawk has no counted repetition.
other_lines() {
  local file
  for file in /etc/exports /etc/exports.d/*.exports; do
    if [ ! -f "$file" ] || [ "$file" = "$EXPORTS_FILE" ]; then
      continue
    fi
    awk -v path="$1" -v ours=" ${CLIENTS[*]} " -v file="$file" '
      { sub(/#.*/, ""); exported = $1; gsub(/"/, "", exported) }
      exported != path { next }
      {
        wide = NF == 1
        for (i = 2; i <= NF; i++) {
          client = $i
          sub(/\(.*/, "", client)
          if (client ~ /^-/) continue
          if (client !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/ || index(ours, " " client " ")) wide = 1
        }
        if (wide) print file ": " $0
      }' "$file"
  done
}

for index in "${!EXPORT_PATHS[@]}"; do
  path=${EXPORT_PATHS[$index]} mount_point=${EXPORT_MOUNT_POINTS[$index]}
  mountpoint -q "$mount_point" ||
    fail "nothing is mounted at $mount_point, where $path lies: mount the array first; nothing was exported"
  [ -d "$path" ] || fail "$path is no directory; create it, owned by the media user"
  [ "$(realpath "$path")" = "$path" ] ||
    fail "$path is really $(realpath "$path"): export that, or its mount point would not be checked"
  # A node would see the empty directory below such a mount, and its writes would be hidden there.
  nested=$(findmnt --raw --noheadings --output TARGET |
    awk -v below="$path/" 'index($0, below) == 1 && !index($0, "/.zfs/")' | xargs)
  [ -z "$nested" ] || fail "other file systems are mounted below $path: $nested; give each an export of its own"
  other=$(other_lines "$path")
  [ -z "$other" ] ||
    fail "$path is exported by somebody else too, to nodes or to clients that cannot be told from nodes: $other
Remove that line, or name single addresses in it; then run: exportfs -ra"
done

exported() {
  local path client
  for path in "${EXPORT_PATHS[@]}"; do
    for client in "${CLIENTS[@]}"; do
      grep -qF "$path"$'\t'"$client(" /var/lib/nfs/etab || return 1
    done
  done
}

# Which exports were handed to the kernel last, as a whole: etab says of a path and a client only that there is something. It is gone
# while others may have been: where somebody, or a run that was ended, has changed the file, and until exportfs is content.
APPLIED=/var/lib/homelab/nfs-exports

if ! holds "$APPLIED" "$(cat "$EXPORTS_FILE" 2>/dev/null)"$'\n'; then
  rm -f "$APPLIED"
fi
install_files
enable_unit nfs-server.service
exports=$(cat "$EXPORTS_FILE")
if ! holds "$APPLIED" "$exports"$'\n' || ! exported; then
  rm -f "$APPLIED"
  exportfs -ra || fail "exportfs refuses the tables above; other lines of /etc/exports may be at fault"
  exported || fail "exportfs was content, but /var/lib/nfs/etab does not list every export of $EXPORTS_FILE"
  temporary=$(temporary_beside "$APPLIED")
  printf '%s\n' "$exports" >"$temporary"
  mv -f "$temporary" "$APPLIED"
  say_changed "NFS exports"
fi
