/** Bash that prints everything that a step could touch: files with their times, packages, and since when units run. */
export const FINGERPRINT = `
find /etc /usr/local /root /boot -xdev -printf '%p %T@ %C@ %m %u %s\\n' | sort
dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n'
systemctl list-units --plain --no-legend --type=service --state=active | while read -r unit _; do
  case $unit in user@*|user-runtime-dir@*|homelab-*|systemd-hostnamed*|systemd-timedated*) continue ;; esac
  echo "$unit $(systemctl show --property=ActiveEnterTimestampMonotonic --value "$unit")"
done`;

/** Lines that only one of two fingerprints has. */
export function differences(before: string, after: string): string[] {
  const [one, other] = [before, after].map((text) => text.split("\n"));
  return [
    ...one.filter((line) => !other.includes(line)).map((line) => `- ${line}`),
    ...other.filter((line) => !one.includes(line)).map((line) => `+ ${line}`),
  ];
}
