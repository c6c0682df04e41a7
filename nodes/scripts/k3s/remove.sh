# Takes K3s off this machine for good, with the guarded teardown that its own step has installed. Run once more, it finds
# nothing to do. Packages, kernel settings, mounted disks and whatever lies on them stay.
# NODE, TEARDOWN_COMMAND, DATA_DIR, UNITS.

if [ ! -x "$TEARDOWN_COMMAND" ]; then
  ! k3s_present || fail "there is a K3s on $NODE without $TEARDOWN_COMMAND, so this program did not install it or was cut off;
nothing was changed. Run pulumi up once, so that the command is there, and run again"
  echo "no K3s on $NODE"
  exit 0
fi
"$TEARDOWN_COMMAND" delete "$(hostname)"
! k3s_present || fail "the teardown has left something of K3s on $NODE; read the lines above"
