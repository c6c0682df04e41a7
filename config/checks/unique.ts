import { isPlaceholder } from "../placeholders";
import { ofEach } from "../readable";
import type { RawHomelab } from "../schema";
import { repeated, type Check } from "./check";

type Machine = RawHomelab["machines"][string];
type Entry = [path: string, value: string | undefined];

/** A rule that no two machines share a value. Placeholders are no values: two may well read the same. */
function unique(what: string, fix: string, values: (machine: Machine) => Entry[]): Check {
  return {
    name: `no two machines share ${what}`,
    run({ machines }) {
      const entries = ofEach(machines, (machine, name) =>
        values(machine).flatMap(([path, value]) =>
          value === undefined || isPlaceholder(value) ? [] : [{ path: `machines.${name}.${path}`, value }],
        ),
      );
      return repeated(entries).map(({ path, value, first }) => ({
        path,
        found: `${value}, which is also ${first}`,
        allowed: `${what} that no other machine has`,
        fix,
      }));
    },
  };
}

/** UUIDs are printed in either case. */
const caseless = (value: string | undefined) => (isPlaceholder(value) ? value : value?.toLowerCase());

const vmOf = (machine: Machine) => (machine.role === "control-plane" ? machine.vm : undefined);

export const uniquenessChecks: readonly Check[] = [
  unique("an address", "give each machine its own address", (machine) => [["address", machine.address]]),
  unique("a MAC address", "make one up below 52:54:00", (machine) => [["vm.mac", vmOf(machine)?.mac]]),
  unique("an identity", "read it again on the machine itself", (machine) => [
    ["vm.uuid", vmOf(machine)?.uuid],
    ["identity.value", caseless(machine.identity?.value)],
  ]),
  // Cloned systems share a host key; then a key proves nothing. The comment behind the key does not count.
  unique(
    "a host key",
    "on the clone run: sudo rm /etc/ssh/ssh_host_* && sudo dpkg-reconfigure openssh-server",
    (machine) => {
      const { hostKey } = machine.ssh;
      return [
        ["ssh.hostKey", hostKey !== undefined && !isPlaceholder(hostKey) ? hostKey.split(" ", 2).join(" ") : undefined],
      ];
    },
  ),
  unique("a disk", "take the id from that machine's ls -l /dev/disk/by-id/", (machine) =>
    machine.role === "hypervisor"
      ? []
      : ofEach(machine.disks, (disk, name): Entry[] => [[`disks.${name}.id`, "id" in disk ? disk.id : undefined]]),
  ),
];
