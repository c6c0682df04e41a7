# Functions of probes. A probe only reads, and prints its facts as one JSON object of text to text.

export LC_ALL=C

FACT_NAMES=()
FACT_VALUES=()

# fact NAME VALUE
fact() {
  FACT_NAMES+=("$1")
  FACT_VALUES+=("$2")
}

# json_text TEXT: as JSON, into JSON_TEXT: a probe has a hundred texts, and a process for each would be most of its time.
json_text() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/\\r}
  JSON_TEXT="\"$text\""
}

print_facts() {
  local index name separator=''
  printf '{'
  for index in "${!FACT_NAMES[@]}"; do
    json_text "${FACT_NAMES[$index]}"
    name=$JSON_TEXT
    json_text "${FACT_VALUES[$index]}"
    printf '%s%s:%s' "$separator" "$name" "$JSON_TEXT"
    separator=','
  done
  printf '}\n'
}

# unit_state UNIT: for example active/enabled
unit_state() {
  printf '%s/%s' "$(systemctl is-active "$1" 2>/dev/null || true)" "$(systemctl is-enabled "$1" 2>/dev/null || true)"
}

# unit_states UNIT...: the same into UNIT_STATES, by two questions for all. Units that are not there have no line in the second
# answer; then each is asked for itself.
unit_states() {
  local active enabled index
  mapfile -t active < <(systemctl is-active "$@" 2>/dev/null)
  mapfile -t enabled < <(systemctl is-enabled "$@" 2>/dev/null)
  UNIT_STATES=()
  for ((index = 1; index <= $#; index++)); do
    if [ ${#active[@]} = $# ] && [ ${#enabled[@]} = $# ]; then
      UNIT_STATES+=("${active[index - 1]}/${enabled[index - 1]}")
    else
      UNIT_STATES+=("$(unit_state "${!index}")")
    fi
  done
}

# hash_files PATH...: sha256 of each regular file into FILE_HASHES, by one process.
declare -A FILE_HASHES=()
hash_files() {
  local path line files=()
  for path in "$@"; do
    [ ! -f "$path" ] || files+=("$path")
  done
  [ ${#files[@]} -gt 0 ] || return 0
  # Ended by zero bytes, the names of files are as they are: sha256sum marks a line with a backslash in the name otherwise, as
  # mount units have.
  while IFS= read -r -d '' line; do
    FILE_HASHES["${line:66}"]=${line:0:64}
  done < <(sha256sum --zero -- "${files[@]}")
}

# file_hash PATH: sha256, or absent
file_hash() {
  [ -n "${FILE_HASHES["$1"]:-}" ] || hash_files "$1"
  printf '%s' "${FILE_HASHES["$1"]:-absent}"
}
