# What an upgrade of the systemd package does in the middle of a step.
for _ in 1 2 3; do
  systemctl daemon-reexec
  sleep 1
done
say_changed "systemd executed again"
