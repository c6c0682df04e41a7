import { isPlaceholder } from "../placeholders";
import type { RawHomelab } from "../schema";
import { issueIf, type Check } from "./check";

/** Every disk of every node, with its key path. */
export function disksOf(machines: RawHomelab["machines"]) {
  return Object.entries(machines).flatMap(([node, machine]) =>
    machine.role === "hypervisor"
      ? []
      : Object.entries(machine.disks).map(([name, disk]) => ({
          node,
          name,
          disk,
          path: `machines.${node}.disks.${name}`,
          ours: machine.role === "control-plane" && machine.vm !== undefined,
        })),
  );
}

const wholeDisks: Check = {
  name: "a disk is a whole disk",
  run({ machines }) {
    return disksOf(machines).flatMap(({ disk, path }) =>
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
    const places = disksOf(machines).filter(({ disk }) => "rootFilesystem" in disk);
    return places.flatMap(({ node, name, path }, index) => {
      const first = places.slice(0, index).find((other) => other.node === node);
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
    return disksOf(machines).flatMap(({ disk, path, ours }) =>
      issueIf(ours && "id" in disk, () => ({
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
    const alone = !Object.values(machines).some(({ role }) => role === "worker");
    return disksOf(machines).flatMap(({ node, path }) =>
      issueIf(!alone && machines[node].role === "control-plane", () => ({
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
