# Fails after many lines.
for line in $(seq 100); do echo "line $line"; done
fail "the disk is on fire; fix: put it out"
