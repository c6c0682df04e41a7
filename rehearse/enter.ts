import * as fs from "node:fs";
import * as path from "node:path";
import type { Homelab } from "../config/homelab";

/** File with the host keys that the configuration pins, and file with the one that it does not, beside it. */
const PINNED = "known_hosts.pinned";
const LEARNED = "known_hosts";

/**
 * Lets somebody enter the machines from outside of the namespaces: a script by the real ssh, and the host keys that it
 * asks for. The VM's own is the program's secret, and made while it runs, so only there the first one that is shown is
 * kept; every other machine shows the pinned one or is not entered.
 */
export function writeEnter(homelab: Homelab, folder: string, first: number): void {
  const pinned = [...homelab.hypervisors, ...homelab.nodes].flatMap(({ address, ssh }) =>
    ssh.hostKey === undefined ? [] : [`${address} ${ssh.hostKey}\n`],
  );
  fs.writeFileSync(path.join(folder, PINNED), pinned.join(""), { mode: 0o600 });
  fs.writeFileSync(path.join(folder, "enter"), enterScript(homelab, folder, first), { mode: 0o700 });
}

/**
 * The script alone.
 *
 * @param first process id of the namespaces' first process.
 */
function enterScript(homelab: Homelab, folder: string, first: number): string {
  const machines = [...homelab.hypervisors, ...homelab.nodes];
  return `#!/bin/sh
# Enters a machine of the rehearsal that is up: enter NAME [COMMAND...]
case $1 in
${machines.map(({ name, address, ssh }) => `  ${name}) at=${ssh.user}@${address} new=${ssh.hostKey === undefined ? "accept-new" : "yes"} ;;`).join("\n")}
  *) echo "usage: $0 ${machines.map(({ name }) => name).join("|")} [COMMAND...]" >&2; exit 2 ;;
esac
shift
exec nsenter --target ${first} --net -- ssh -F /dev/null -i ${folder}/key \\
  -o StrictHostKeyChecking=$new -o "UserKnownHostsFile=${folder}/${LEARNED} ${folder}/${PINNED}" -o LogLevel=ERROR "$at" "$@"
`;
}
