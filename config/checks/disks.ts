import { isPlaceholder } from "../placeholders";
import { ofEach } from "../readable";
import type { RawHomelab } from "../schema";
import { issueIf, type Check } from "./check";

type Machines = RawHomelab["machines"];
type Machine = Machines[string];
type Disk = Exclude<Machine, { role: "hypervisor" }>["disks"][string];

/** Every disk of every node. */
export function disksOf(machines: Machines): { node: string; disk: Disk }[] {
  return Object.entries(machines).flatMap(([node, machine]) =>
    machine.role === "hypervisor" ? [] : Object.values(machine.disks).map((disk) => ({ node, disk })),
  );
}

/** What a rule finds in each disk, as far as it can be read. */
export function ofEachDisk<T>(
  machines: Machines,
  judge: (disk: Disk, path: string, machine: Machine, name: string) => T[],
): T[] {
  return ofEach(machines, (machine, node) =>
    machine.role === "hypervisor"
      ? []
      : ofEach(machine.disks, (disk, name) => judge(disk, `machines.${node}.disks.${name}`, machine, name)),
  );
}

const wholeDisks: Check = {
  name: "a disk is a whole disk",
  run({ machines }) {
    return ofEachDisk(machines, (disk, path) =>
      issueIf("id" in disk && !isPlaceholder(disk.id) && /-part[0-9]+$/.test(disk.id), () => ({
        path: `${path}.id`,
        found: "id" in disk ? disk.id : "",
        allowed: "the id of a whole disk, not of a partition on it",
        fix: "take the name without -partN; a disk with partitions on it is refused by the machine",
      })),
    );
  },
};

const onePlaceOnRoot: Check = {
  name: "one place on the root file system",
  run({ machines }) {
    const places = ofEachDisk(machines, (disk, path, machine, name) =>
      "rootFilesystem" in disk ? [{ machine, name, path }] : [],
    );
    return places.flatMap(({ machine, name, path }, index) => {
      const first = places.slice(0, index).find((other) => other.machine === machine);
      return issueIf(first !== undefined, () => ({
        path,
        found: `a second place on the root file system beside ${first?.name}`,
        allowed: "one per machine: Longhorn tells disks apart by file system and refuses both",
        fix: `keep ${first?.name} and remove ${name}`,
      }));
    });
  },
};

const virtualDisks: Check = {
  name: "a VM of ours has no disk by id",
  run({ machines }) {
    return ofEachDisk(machines, (disk, path, machine) =>
      issueIf("id" in disk && machine.role === "control-plane" && machine.vm !== undefined, () => ({
        path: `${path}.id`,
        found: "a disk by id in a VM of ours",
        allowed: "rootFilesystem: true: the program gives its VM one disk and passes none through",
        fix: "enlarge vm.disk and use rootFilesystem: true, or put the disk into a worker",
      })),
    );
  },
};

const usedDisks: Check = {
  name: "the control plane has disks only where it is alone",
  run({ machines }) {
    const [worker] = ofEach(machines, ({ role }, name) => (role === "worker" ? [name] : []));
    return ofEachDisk(machines, (_disk, path, { role }) =>
      issueIf(worker !== undefined && role === "control-plane", () => ({
        path,
        found: "a disk for volumes on the control plane, beside workers",
        allowed:
          "disks on workers: the control plane is tainted as soon as there are any, and Longhorn does not run there",
        fix: "move the disk to a worker, or remove it here",
      })),
    );
  },
};

export const diskChecks: readonly Check[] = [wholeDisks, onePlaceOnRoot, virtualDisks, usedDisks];
