# shellcheck shell=sh
# Runs in a helper pod: deletes the directory of a volume whose claim is gone. It deletes nothing else: the directory
# must be one of the provisioner's own (pvc-<uid>_<namespace>_<claim>) directly in BASE, no link, and nothing may be
# mounted on it or below: the pod sees what is mounted there on the node, and rm would empty that too.
set -eu
: "${BASE:?}" "${VOL_DIR:?}"
name=${VOL_DIR#"$BASE"/}
case "$name" in
  */* | *..*) name='' ;;
  pvc-*_*_*) ;;
  *) name='' ;;
esac
if [ -z "$name" ] || [ "$VOL_DIR" != "$BASE/$name" ] || [ -L "$VOL_DIR" ]; then
  echo "refused: '$VOL_DIR' is no volume directory in $BASE; nothing was deleted" >&2
  exit 1
fi
[ -e "$VOL_DIR" ] || exit 0

# Compared as the kernel writes it: without links, and with blanks and backslashes in octal (proc(5)).
escaped=$(cd -P -- "$VOL_DIR" && pwd -P | sed -e 's/\\/\\134/g' -e 's/ /\\040/g' -e 's/	/\\011/g')
# Read at once: a table that changes while it is read line by line may hide an entry.
table=$(cat /proc/self/mountinfo)
mounted=''
while read -r _ _ _ _ point _; do
  case "$point" in
    "$escaped" | "$escaped"/*) mounted="$mounted $point" ;;
  esac
done <<TABLE
$table
TABLE
if [ -z "$escaped" ] || [ -z "$table" ] || [ -n "$mounted" ]; then
  echo "refused: mounted on or below the volume '$VOL_DIR':${mounted:- unknown}; nothing was deleted. Unmount it on the" \
    "node, then delete the volume again" >&2
  exit 1
fi
rm -rf "$VOL_DIR"
