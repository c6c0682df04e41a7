# Counts its runs, and takes a while. RUNS: file; WAIT: seconds.
echo run >>"$RUNS"
sleep "$WAIT"
say_changed "counted in $RUNS"
