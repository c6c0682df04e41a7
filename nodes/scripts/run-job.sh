# Runs one step of the rebuild on this machine, as root, detached from the SSH session that started it.
#
# The step's text arrives on standard input. It is started as a transient systemd unit and polled, so a dropped
# connection neither kills it nor starts it twice: who comes back with the same text waits for the same run.
# Logs stay in /var/log/homelab/<step>.log. Exit status: that of the step; 75 if it arrived incomplete.

JOB_FOLDER=/run/homelab/jobs
LOG_FOLDER=/var/log/homelab
# A step exits with this status when it is done as soon as the machine has been rebooted.
EXIT_REBOOT=194

refuse() {
  echo "$1" >&2
  exit "${2:-1}"
}

# The wrong machine at the right address is refused before anything is written.
require_identity() {
  local kind=$1 wanted=$2 found
  case $kind in
    machine-id) found=$(cat /etc/machine-id) ;;
    product-uuid) found=$(tr '[:upper:]' '[:lower:]' </sys/class/dmi/id/product_uuid) ;;
    product-serial) found=$(cat /sys/class/dmi/id/product_serial) ;;
    *) refuse "unknown kind of identity: $kind" ;;
  esac
  if [ "$found" != "$wanted" ]; then
    refuse "This is another machine: its $kind is '$found', the configuration says '$wanted'. Nothing was written.
If the machine was replaced on purpose, put the new value into machines.<name>.identity." 77
  fi
}

job_state() {
  systemctl is-active "$1" 2>/dev/null || true
}

await_job() {
  local unit=$1 state
  while state=$(job_state "$unit"); [[ $state == active || $state == activating || $state == deactivating ]]; do
    sleep 0.5
  done
}

# reboot_soon UNIT: reboots in a moment; sshd stops listening first, so that the next step waits for the new boot.
reboot_soon() {
  mkdir -p /var/lib/homelab
  cat /proc/sys/kernel/random/boot_id >/var/lib/homelab/reboot-from
  systemctl stop ssh.socket 2>/dev/null || true
  systemctl stop ssh.service 2>/dev/null || systemctl stop sshd.service 2>/dev/null || true
  systemd-run --quiet --collect --unit="$1-reboot" --on-active=2 \
    /bin/sh -c 'systemctl reboot || { systemctl start ssh.socket; systemctl start ssh.service; }'
}

run_job() {
  local step=$1 seconds=$2 payload hash folder unit status
  folder=$JOB_FOLDER/$step
  unit=homelab-$step
  payload=$(cat)
  # A connection that breaks while the text is sent must not run half a step.
  [[ $payload == *$'\n# end of step' ]] || refuse "The step arrived incomplete; nothing was run." 75
  if [ -f /var/lib/homelab/reboot-from ]; then
    cmp -s /var/lib/homelab/reboot-from /proc/sys/kernel/random/boot_id &&
      refuse "This machine is about to reboot and has not done so yet; run again." 75
    rm -f /var/lib/homelab/reboot-from
  fi
  hash=$(sha256sum <<<"$payload" | cut -d' ' -f1)

  install -d -m 0755 /run/homelab "$LOG_FOLDER"
  install -d -m 0700 "$JOB_FOLDER"
  exec 9>"$JOB_FOLDER/$step.lock"
  flock 9
  if [ "$(job_state "$unit")" = active ] && [ "$(cat "$folder/hash" 2>/dev/null)" = "$hash" ]; then
    echo "The step is running already; waiting for it."
  else
    await_job "$unit"
    rm -rf "$folder"
    mkdir -m 0700 "$folder"
    echo "$hash" >"$folder/hash"
    (umask 077 && printf '%s\n' "$payload" >"$folder/payload")
    [ ! -f "$LOG_FOLDER/$step.log" ] || mv -f "$LOG_FOLDER/$step.log" "$LOG_FOLDER/$step.log.1"
    systemctl reset-failed "$unit" 2>/dev/null || true
    # shellcheck disable=SC2016  # expanded by the unit's own shell
    systemd-run --quiet --collect --unit="$unit" --description="homelab step $step" \
      --property=RuntimeMaxSec="$seconds" \
      /bin/bash -c '/bin/bash "$0/payload" >"$1" 2>&1 </dev/null; echo $? >"$0/exit"; rm -f "$0/payload"' \
      "$folder" "$LOG_FOLDER/$step.log"
  fi
  exec 9>&-

  await_job "$unit"
  status=$(cat "$folder/exit" 2>/dev/null || echo 124)
  rm -f "$folder/payload"
  case $status in
    0) grep -h '^changed: ' "$LOG_FOLDER/$step.log" | tail -n 20 || true ;;
    "$EXIT_REBOOT")
      reboot_soon "$unit"
      echo "The machine reboots to complete the step."
      ;;
    *)
      [ "$status" != 124 ] || echo "The step was ended after $seconds s, or the machine went down." >&2
      {
        echo "Step $step failed on $(hostname) with status $status. Last lines:"
        tail -n 40 "$LOG_FOLDER/$step.log" 2>/dev/null | sed 's/^/  /'
        echo "Look further: ssh to $(hostname) and read $LOG_FOLDER/$step.log"
      } >&2
      exit "$status"
      ;;
  esac
}
