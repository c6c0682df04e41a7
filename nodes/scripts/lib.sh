# Functions that every step may use. Steps are idempotent: they look first, change only what differs, and say each
# change in a line `changed: ...`, from which the program tells a run that repaired something from one that did not.

set -euo pipefail
# needrestart, which Ubuntu runs after apt, restarts whatever uses a library that was replaced: this very step among it.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

# Paths that this run has changed.
CHANGED=()

say_changed() {
  CHANGED+=("$1")
  echo "changed: $1"
}

changed() {
  local path
  for path in "${CHANGED[@]:-}"; do
    [ "$path" != "$1" ] || return 0
  done
  return 1
}

fail() {
  echo "error: $1" >&2
  exit 1
}

# temporary_beside PATH: an empty file in the same folder, for root's eyes; what a killed run left there is replaced.
temporary_beside() {
  local temporary
  temporary="$(dirname "$1")/.homelab.$(basename "$1")"
  # Chained, because bash does not end a command substitution at its first error.
  mkdir -p "$(dirname "$1")" && rm -f "$temporary" && (umask 077 && set -o noclobber && : >"$temporary") &&
    printf '%s' "$temporary"
}

# holds PATH TEXT: a regular file that holds exactly this text. Without a process, of which a step would need a dozen. A
# file with a zero byte holds no text: read ends there, and says so by success.
holds() {
  local found
  [ -f "$1" ] && [ ! -L "$1" ] && ! IFS= read -r -d '' found <"$1" && [ "$found" = "$2" ]
}

# install_file PATH MODE <content: writes a root-owned file at once or not at all, and only if it differs.
install_file() {
  local path=$1 mode=$2 content temporary
  # Held in memory, so that a run that changes nothing does not touch the folder either. The x keeps the last line breaks.
  content=$(cat && printf x)
  content=${content%x}
  if holds "$path" "$content" && [ "$(stat -c '0%a %U:%G' "$path")" = "$mode root:root" ]; then
    return 0
  fi
  temporary=$(temporary_beside "$path")
  printf '%s' "$content" >"$temporary"
  chown root:root "$temporary"
  chmod "$mode" "$temporary"
  mv -f "$temporary" "$path"
  say_changed "$path"
}

# download URL SHA256 PATH MODE: a file of exactly these contents, fetched only if it is not there yet.
download() {
  local url=$1 sha256=$2 path=$3 mode=$4 temporary found
  if [ -f "$path" ] && [ "$(sha256sum "$path" | cut -d' ' -f1)" = "$sha256" ]; then
    # Only if it differs: chmod writes the time of a change also when there is none.
    [ "$(stat -c %a "$path")" = "$(printf '%o' "$((8#$mode))")" ] || chmod "$mode" "$path"
    return 0
  fi
  temporary=$(temporary_beside "$path")
  if ! curl --fail --location --silent --show-error --retry 5 --retry-connrefused --connect-timeout 20 \
    --speed-limit 1024 --speed-time 60 \
    --output "$temporary" "$url"; then
    rm -f "$temporary"
    fail "cannot download $url"
  fi
  found=$(sha256sum "$temporary" | cut -d' ' -f1)
  if [ "$found" != "$sha256" ]; then
    rm -f "$temporary"
    fail "$url has sha256 $found, the configuration says $sha256; nothing was installed"
  fi
  chmod "$mode" "$temporary"
  mv -f "$temporary" "$path"
  say_changed "$path"
}

# wait_until SECONDS WHAT COMMAND...: runs the command until it succeeds.
wait_until() {
  local seconds=$1 what=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "waited $seconds s for $what: '$*' does not succeed"
    sleep 2
  done
}

# try TIMES PAUSE COMMAND...: runs the command until it succeeds, so many times at most, with a pause of seconds between.
try() {
  local times=$1 pause=$2 attempt
  shift 2
  for ((attempt = 1; attempt <= times; attempt++)); do
    ! "$@" || return 0
    [ "$attempt" = "$times" ] || sleep "$pause"
  done
  return 1
}

# apt_get ARGUMENT...: waits for whoever else is installing, asks nothing, keeps configuration files as they are.
apt_get() {
  apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

# package_lists FIND...: those on this machine that find's tests hold for.
package_lists() {
  local LISTS=''
  eval "$(apt-config shell LISTS Dir::State::lists/d)"
  find "${LISTS:?}" -maxdepth 1 -type f ! -name lock "$@"
}

# update_package_lists: apt asks for lists that are newer, and keeps those that a power cut has left empty, which it takes for
# lists without packages, or full of zeros, which it cannot read. Status: as that of apt-get update.
update_package_lists() {
  local said status=0
  package_lists -size 0 -delete
  said=$(apt_get update 2>&1) || status=$?
  printf '%s\n' "$said"
  [ "$status" != 0 ] || return 0
  # Said of lists that cannot be read, compressed ones among them, and never of a mirror that does not answer.
  [[ $said =~ "package cache file is corrupted"|"lists or status file could not be parsed" ]] || return "$status"
  echo "package lists are fetched anew"
  package_lists -delete
  apt_get update
}

# apt_update: the lock on package lists is the one that apt does not wait for itself.
apt_update() {
  try 6 10 update_package_lists || fail "apt-get update fails. Look: sudo apt-get update"
}

# repair_dpkg: completes what a power cut or a kill has left half installed; apt refuses to work before that.
repair_dpkg() {
  local end=$((SECONDS + 600)) output
  [ -n "$(dpkg --audit)" ] || [ -n "$(ls -A /var/lib/dpkg/updates 2>/dev/null)" ] || return 0
  until output=$(dpkg --force-confold --configure -a 2>&1 </dev/null); do
    # Another installation at work looks just the same; the lock tells it apart.
    if [[ $output != *" lock was locked by another process"* ]] || [ "$SECONDS" -ge "$end" ]; then break; fi
    sleep 5
  done
  # The same power cut may have spoiled the package lists.
  apt_get --fix-broken install || { apt_update && apt_get --fix-broken install; } ||
    fail "packages are half installed and cannot be completed. Look: sudo dpkg --configure -a && sudo apt-get --fix-broken install"
  say_changed "half installed packages completed"
}

# install_packages NAME...: only those that are missing.
install_packages() {
  local missing=() name known
  repair_dpkg
  # Asked once for all: dpkg-query reads its whole database each time.
  known=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    [[ $'\n'$known$'\n' == *$'\n'"$name installed"$'\n'* ]] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  apt_update
  apt_get --no-install-recommends install "${missing[@]}"
  for name in "${missing[@]}"; do
    say_changed "package $name"
  done
}

# restart_if_stale UNIT FILE...: restarts a running unit whose files this run has changed, or that was started before one
# of them was written by a run that was interrupted in between. Times alone do not tell: a clock may have been set back.
restart_if_stale() {
  local unit=$1 line state='' reload='' started='' stale=no path written
  shift
  # One question: each takes a twentieth of a second of a slow processor.
  while IFS= read -r line; do
    case $line in
      ActiveState=*) state=${line#*=} ;;
      NeedDaemonReload=*) reload=${line#*=} ;;
      ActiveEnterTimestamp=*) started=${line#*=} ;;
    esac
  done < <(TZ=UTC systemctl show --property=ActiveState --property=NeedDaemonReload --property=ActiveEnterTimestamp "$unit")
  case $state in active | reloading | refreshing) ;; *) return 0 ;; esac
  [ "$reload" = no ] || systemctl daemon-reload
  started=$(date --date="$started" +%s)
  for path in "$@"; do
    ! changed "$path" || stale=yes
  done
  for written in $(stat -c %Y "$@"); do
    [ "$written" -le "$started" ] || stale=yes
  done
  if [ "$stale" = yes ]; then
    systemctl restart "$unit"
    say_changed "unit $unit restarted"
  fi
}

# enable_unit UNIT: enabled and running now.
enable_unit() {
  if ! systemctl is-enabled --quiet "$1" 2>/dev/null; then
    systemctl enable --quiet "$1"
    say_changed "unit $1 enabled"
  fi
  if ! systemctl is-active --quiet "$1"; then
    systemctl start "$1"
    say_changed "unit $1 started"
  fi
}

# enable_units UNIT...: the same for several, by two questions where nothing is to be done.
enable_units() {
  local unit enabled='' active=''
  for unit in "$@"; do
    enabled+=enabled$'\n' active+=active$'\n'
  done
  if [ "$(systemctl is-enabled "$@" 2>/dev/null)" = "${enabled%$'\n'}" ] &&
    [ "$(systemctl is-active "$@")" = "${active%$'\n'}" ]; then
    return 0
  fi
  for unit in "$@"; do
    enable_unit "$unit"
  done
}
