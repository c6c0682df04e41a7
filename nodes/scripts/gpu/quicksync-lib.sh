# render_device: the render node that the i915 driver serves, for example /dev/dri/renderD128; nothing if there is none.
# A machine with two cards has two; the number alone does not tell whose it is.
render_device() {
  local entry driver
  for entry in /sys/class/drm/renderD*; do
    driver=$(basename -- "$(readlink -f "$entry/device/driver" 2>/dev/null)" 2>/dev/null) || continue
    if [ "$driver" = i915 ] && [ -c "/dev/dri/${entry##*/}" ]; then
      echo "/dev/dri/${entry##*/}"
      return 0
    fi
  done
}
