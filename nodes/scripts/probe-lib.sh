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

# file_hash PATH: sha256, or absent
file_hash() {
  if [ -f "$1" ]; then
    # From standard input: sha256sum marks the digest of a file with a backslash in its name, as mount units have.
    local digest
    digest=$(sha256sum <"$1")
    printf '%s' "${digest%% *}"
  else
    printf absent
  fi
}
