/** Bash that prints everything that a step could touch: files with their times, packages, and since when units run. */
export const FINGERPRINT = `
find /etc /usr/local /root /boot -xdev -printf '%p %T@ %C@ %m %u %s\\n' | sort
dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n'
systemctl list-units --plain --no-legend --type=service --state=active | awk '{ print $1 }' |
  grep -Ev '^(user@|user-runtime-dir@|homelab-|systemd-(hostnamed|timedated|fsckd))' |
  xargs systemctl show --property=Id --property=ActiveEnterTimestampMonotonic |
  awk -F= '$1 == "Id" { id = $2 } $1 == "ActiveEnterTimestampMonotonic" { since = $2 } NF == 0 { print id, since } END { print id, since }'`;

/** Lines that only one of two fingerprints has. */
export function differences(before: string, after: string): string[] {
  const [one, other] = [before, after].map((text) => text.split("\n"));
  return [
    ...one.filter((line) => !other.includes(line)).map((line) => `- ${line}`),
    ...other.filter((line) => !one.includes(line)).map((line) => `+ ${line}`),
  ];
}
