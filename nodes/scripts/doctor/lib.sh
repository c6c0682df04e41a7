# Functions of the doctor's probe. It only reads. Facts come in sections, one JSON object a line, each as soon as it is
# complete: what hangs later takes nothing of it away.

export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# section NAME FUNCTION: runs the function in a subshell, whose facts become one line. One that fails says so in `failed`.
section() {
  local status=0
  (
    FACT_NAMES=(section)
    FACT_VALUES=("$1")
    "$2"
    print_facts
  ) 2>/dev/null || status=$?
  json_text "$1"
  [ "$status" = 0 ] || printf '{"section":%s,"failed":"exit status %s"}\n' "$JSON_TEXT" "$status"
}

# tcp_state ADDRESS PORT: open, refused or silent
tcp_state() {
  local said
  if said=$(LC_ALL=C timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1); then
    echo open
  elif [[ $said == *refused* ]]; then
    echo refused
  else
    echo silent
  fi
}
