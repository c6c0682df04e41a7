# Counts its runs, and takes until it is told to go on. RUNS: file of its runs, and with .go the file that it waits for.
echo run >>"$RUNS"
until [ -e "$RUNS.go" ]; do sleep 0.5; done
say_changed "counted in $RUNS"
