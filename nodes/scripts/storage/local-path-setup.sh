# shellcheck shell=sh
# Runs in a helper pod: makes the directory of a new volume. Any user of a pod may write to it; users of the node cannot
# reach it, because only root may enter the folder above.
set -eu
[ -d "$VOL_DIR" ] || mkdir -m 0777 "$VOL_DIR"
chmod 0700 "${VOL_DIR%/*}"
