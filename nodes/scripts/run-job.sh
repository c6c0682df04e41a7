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

# look_at_job UNIT: JOB_STATE (active, inactive, failed, ...; an unknown unit is inactive) and JOB_PID, by one question. Asked
# until systemd answers: it does not for a moment while it executes itself again, as when its package is upgraded by the very
# step that is waited for.
look_at_job() {
  local line
  JOB_STATE='' JOB_PID=0
  while :; do
    while IFS= read -r line; do
      case $line in
        ActiveState=*) JOB_STATE=${line#*=} ;;
        MainPID=*) JOB_PID=${line#*=} ;;
      esac
    done < <(systemctl show --property=ActiveState --property=MainPID "$1" 2>/dev/null)
    [ -z "$JOB_STATE" ] || return 0
    sleep 0.5
  done
}

# job_ended: as it was looked at last.
job_ended() {
  [[ $JOB_STATE =~ ^(inactive|failed)$ ]]
}

# await_job UNIT: until it has ended. Its main process is watched meanwhile, which costs nothing; asking systemd twice a
# second takes a tenth of a slow processor from the very step that is waited for.
await_job() {
  while look_at_job "$1"; ! job_ended; do
    if [[ $JOB_PID =~ ^[1-9][0-9]*$ ]]; then
      # Not for ever: a number may be given to another process. Without the connection, whose end would end tail as well,
      # and without the lock, which a killed runner must not keep.
      timeout 20 tail --pid="$JOB_PID" --sleep-interval=0.2 -f /dev/null >/dev/null 2>&1 9>&- || sleep 0.5
    else
      sleep 0.5
    fi
  done
}

# await_own_end FOLDER UNIT HASH: until the run of this text has ended, and returns with the step's lock: who comes next must
# not begin in the same folder while its end is read. Another text may have begun already; the run before is then put aside.
await_own_end() {
  local folder=$1 unit=$2 hash=$3
  while :; do
    await_job "$unit"
    exec 9>"$folder.lock"
    flock 9
    look_at_job "$unit"
    if [ "$(cat "$folder/hash" 2>/dev/null)" != "$hash" ] || job_ended; then
      return
    fi
    exec 9>&-
  done
}

# reboot_arranged: whether a step has asked for a reboot that has not come yet. Not by cmp, which takes files of /proc for
# empty ones (diffutils 3.8 compares the sizes first).
reboot_arranged() {
  [ "$(cat /var/lib/homelab/reboot-from 2>/dev/null)" = "$(cat /proc/sys/kernel/random/boot_id)" ]
}

# reboot_soon UNIT: reboots in a moment; sshd stops listening first, so that the next step waits for the new boot.
reboot_soon() {
  # After a cut connection two wait for the same step; the first of them arranges the reboot.
  exec 8>"$JOB_FOLDER/reboot.lock"
  flock 8
  ! reboot_arranged || return 0
  mkdir -p /var/lib/homelab
  cat /proc/sys/kernel/random/boot_id >/var/lib/homelab/reboot-from
  systemctl stop ssh.socket 2>/dev/null || true
  systemctl stop ssh.service 2>/dev/null || systemctl stop sshd.service 2>/dev/null || true
  # Timers of systemd may come a minute late unless they are told otherwise.
  systemd-run --quiet --collect --unit="$1-reboot" --on-active=2 --timer-property=AccuracySec=100ms \
    /bin/sh -c 'systemctl reboot || { rm -f /var/lib/homelab/reboot-from; systemctl start ssh.socket; systemctl start ssh.service; }' || {
    rm -f /var/lib/homelab/reboot-from
    systemctl start ssh.socket 2>/dev/null || true
    systemctl start ssh.service 2>/dev/null || systemctl start sshd.service
    refuse "The step needs a reboot, which cannot be arranged. Reboot this machine by hand and run again."
  }
}

run_job() {
  local step=$1 seconds=$2 payload hash folder unit status log
  folder=$JOB_FOLDER/$step
  unit=homelab-$step
  payload=$(cat)
  # A connection that breaks while the text is sent must not run half a step.
  [[ $payload == *$'\n# end of step' ]] || refuse "The step arrived incomplete; nothing was run." 75
  ! reboot_arranged || refuse "This machine is about to reboot and has not done so yet; run again." 75
  rm -f /var/lib/homelab/reboot-from
  hash=$(sha256sum <<<"$payload" | cut -d' ' -f1)

  install -d -m 0755 /run/homelab "$LOG_FOLDER"
  install -d -m 0700 "$JOB_FOLDER"
  exec 9>"$JOB_FOLDER/$step.lock"
  flock 9
  look_at_job "$unit"
  if [ "$JOB_STATE" = active ] && [ "$(cat "$folder/hash" 2>/dev/null)" = "$hash" ]; then
    echo "The step is running already; waiting for it."
  else
    job_ended || await_job "$unit"
    # Who still waits for the run before finds its end there.
    rm -rf "$folder.before"
    [ ! -d "$folder" ] || mv "$folder" "$folder.before"
    mkdir -m 0700 "$folder"
    echo "$hash" >"$folder/hash"
    (umask 077 && printf '%s\n' "$payload" >"$folder/payload")
    [ ! -f "$LOG_FOLDER/$step.log" ] || mv -f "$LOG_FOLDER/$step.log" "$LOG_FOLDER/$step.log.1"
    systemctl reset-failed "$unit" 2>/dev/null || true
    # A file, because systemd does not read its own escapes of an inline script back without complaint.
    cat >"$folder/run" <<'HOMELAB_RUN'
/bin/bash "$1/payload" >"$2" 2>&1 </dev/null
echo $? >"$1/exit"
rm -f "$1/payload" "$1/run"
HOMELAB_RUN
    systemd-run --quiet --collect --unit="$unit" --description="homelab step $step" \
      --property=RuntimeMaxSec="$seconds" \
      /bin/bash "$folder/run" "$folder" "$LOG_FOLDER/$step.log"
  fi
  exec 9>&-

  await_own_end "$folder" "$unit" "$hash"
  log=$LOG_FOLDER/$step.log
  if [ "$(cat "$folder/hash" 2>/dev/null)" != "$hash" ]; then
    folder=$folder.before log=$log.1
    [ "$(cat "$folder/hash" 2>/dev/null)" = "$hash" ] ||
      refuse "This step has run with other texts since; how it ended is not known any more. Run again." 75
  fi
  status=$(cat "$folder/exit" 2>/dev/null || echo 124)
  rm -f "$folder/payload" "$folder/run"
  exec 9>&-
  case $status in
    0) grep -h '^changed: ' "$log" | tail -n 20 || true ;;
    "$EXIT_REBOOT")
      reboot_soon "$unit"
      echo "The machine reboots to complete the step."
      ;;
    *)
      [ "$status" != 124 ] || echo "The step was ended after $seconds s, or the machine went down." >&2
      {
        echo "Step $step failed on $(hostname) with status $status. Last lines:"
        tail -n 40 "$log" 2>/dev/null | sed 's/^/  /'
        echo "Look further: ssh to $(hostname) and read $log"
      } >&2
      exit "$status"
      ;;
  esac
}
