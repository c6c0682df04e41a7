# Velero reaches its bucket with its key. NAMESPACE, LOCATION: the BackupStorageLocation.
# WAIT_SECONDS: default 540.

kubectl() { k3s kubectl "$@"; }

location() { kubectl --namespace "$NAMESPACE" get backupstoragelocations.velero.io "$LOCATION" -o "jsonpath=$1"; }

available() { [ "$(location '{.status.phase}')" = Available ]; }

if ! (wait_until "${WAIT_SECONDS:-540}" "Velero to reach its bucket" available); then
  kubectl --namespace "$NAMESPACE" get pods -o wide >&2 || true
  fail "backup storage location $LOCATION is '$(location '{.status.phase}')': $(location '{.status.message}').
Check backup.b2 (region, endpoint, bucket) in the configuration, and that the application key still exists at Backblaze"
fi
