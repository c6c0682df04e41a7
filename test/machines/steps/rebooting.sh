# Done when the machine has been rebooted since the first run. MARKER: file.
if [ ! -f "$MARKER" ]; then
  cat /proc/sys/kernel/random/boot_id >"$MARKER"
fi
if cmp -s "$MARKER" /proc/sys/kernel/random/boot_id; then
  sleep "$WAIT"
  exit 194
fi
say_changed "rebooted"
