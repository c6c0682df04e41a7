# shellcheck shell=sh
# Runs in a helper pod: deletes the directory of a volume whose claim is gone. It deletes nothing else: the directory
# must be one of the provisioner's own (pvc-<uid>_<namespace>_<claim>) directly in BASE, and no link.
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
rm -rf "$VOL_DIR"
