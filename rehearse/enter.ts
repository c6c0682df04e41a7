import type { Homelab } from "../config/homelab";

/**
 * A script that enters a machine from outside of the namespaces, by the real ssh. The VM's host key is the program's own
 * secret, so the first one that it shows is taken.
 *
 * @param first process id of the namespaces' first process.
 */
export function enterScript(homelab: Homelab, folder: string, first: number): string {
  const machines = [...homelab.hypervisors, ...homelab.nodes];
  return `#!/bin/sh
# Enters a machine of the rehearsal that is up: enter NAME [COMMAND...]
case $1 in
${machines.map(({ name, address, ssh }) => `  ${name}) at=${ssh.user}@${address} ;;`).join("\n")}
  *) echo "usage: $0 ${machines.map(({ name }) => name).join("|")} [COMMAND...]" >&2; exit 2 ;;
esac
shift
exec nsenter --target ${first} --net -- ssh -F /dev/null -i ${folder}/key \\
  -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=${folder}/known_hosts -o LogLevel=ERROR "$at" "$@"
`;
}
