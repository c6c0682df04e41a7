# identity_of KIND: how a machine proves which one it is; empty if it cannot.
identity_of() {
  case $1 in
    machine-id) cat /etc/machine-id ;;
    product-uuid) tr '[:upper:]' '[:lower:]' </sys/class/dmi/id/product_uuid ;;
    product-serial) cat /sys/class/dmi/id/product_serial ;;
    *) echo "of an unknown kind" ;;
  esac
}

# The wrong machine at the right address is refused before a step writes anything, and before a probe reports somebody
# else's state as drift.
require_identity() {
  local kind=$1 wanted=$2 found
  found=$(identity_of "$kind")
  if [ "$found" != "$wanted" ]; then
    echo "This is another machine: its $kind is '$found', the configuration says '$wanted'. Nothing was written.
If the machine was replaced on purpose, put the new value into machines.<name>.identity." >&2
    exit 77
  fi
}
