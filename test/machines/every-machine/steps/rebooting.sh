# Done when the machine has been rebooted since the first run. MARKER: file; SECONDS_BEFORE: time that the step takes.
if [ ! -f "$MARKER" ]; then
  cat /proc/sys/kernel/random/boot_id >"$MARKER"
fi
if [ "$(cat "$MARKER")" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then
  sleep "$SECONDS_BEFORE"
  exit 194
fi
say_changed "rebooted"
