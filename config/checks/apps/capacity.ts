import { ofEach, ofRules } from "../../readable";
import type { RawHomelab } from "../../schema";
import { toBytes } from "../../units";
import { each } from "./check";
import { candidates } from "./nodes";
import { issueIf, type Check } from "../check";
import { disksOf } from "../disks";

type Machines = RawHomelab["machines"];

/** Memory of a machine, where the configuration knows it. */
function memoryOf(machine: Machines[string]): string | undefined {
  return machine.role === "hypervisor"
    ? undefined
    : ((machine.role === "control-plane" ? machine.vm?.memory : undefined) ?? machine.memory);
}

/** A pod that no node can take waits for ever, and its Deployment's time-out is all that is said of it. */
const memory: Check = each("a node has the memory that an app asks for", (app, key, { machines }) => {
  const asked = app.resources.memory;
  const able = candidates(machines, app).map(([name, machine]) => ({ name, memory: memoryOf(machine) }));
  // The kernel and the kubelet take a part, so even all of it is too much.
  const short = able.every(({ memory: had }) => had !== undefined && toBytes(asked) >= toBytes(had));
  return issueIf(able.length > 0 && short, () => ({
    path: `apps.${key}.resources.memory`,
    found: `${asked}, and it can run on ${able.map(({ name, memory: had }) => `${name} with ${had}`).join(", ")}`,
    allowed: "less than the largest of them has",
    fix: "ask for less, or name other machines in nodes",
  }));
});

/**
 * The largest volume that a tier can hold, in bytes: its copies lie on disks of different nodes, and Longhorn promises no
 * more than a disk has beside its reserve (components/storage/longhorn-settings.ts). undefined for a tier without disks.
 */
function largestVolume({ machines, storage }: Pick<RawHomelab, "machines" | "storage">, tier: string) {
  const nodes = new Map<string, number>();
  for (const { node, disk } of disksOf(machines)) {
    if (disk.tier === tier) {
      const usable = Math.floor(disk.sizeGb * 1e9 * (1 - disk.reservedPercent / 100));
      nodes.set(node, Math.max(usable, nodes.get(node) ?? 0));
    }
  }
  const byNode = [...nodes.values()].sort((one, other) => other - one);
  return byNode.at(storage.tiers[tier].replicas - 1);
}

/** A claim that no disk can hold stays Pending, and its pod with it. */
const volumes: Check = {
  name: "a disk of its tier can hold each volume",
  run(config) {
    const { machines, storage } = config;
    const judge = (path: string, size: string, tier: string) => {
      const most = Object.hasOwn(storage.tiers, tier) ? largestVolume({ machines, storage }, tier) : undefined;
      return issueIf(most !== undefined && toBytes(size) > BigInt(most), () => {
        const { replicas } = storage.tiers[tier];
        return {
          path,
          found: size,
          allowed:
            `at most ${rounded(most ?? 0)}: what ${replicas === 1 ? "the largest disk" : `disks of ${replicas} nodes`} of ` +
            `tier ${tier} can hold beside the reserve`,
          fix: "ask for less, or choose another tier; if the disk is larger than it says, raise its sizeGb",
        };
      });
    };
    return ofRules(
      () => judge("identity.databaseSize", config.identity.databaseSize, storage.defaultTier),
      () => judge("monitoring.grafana.size", config.monitoring.grafana.size, storage.defaultTier),
      () =>
        ofEach(config.apps, (app, key) =>
          ofEach(app.volumes, ({ size, tier = storage.defaultTier }, volume) =>
            judge(`apps.${key}.volumes.${volume}.size`, size, tier),
          ),
        ),
    );
  },
};

/** Bytes in the largest unit that is not nothing, rounded down. */
function rounded(bytes: number): string {
  return bytes >= 2 ** 30 ? `${Math.floor(bytes / 2 ** 30)}Gi` : `${Math.floor(bytes / 2 ** 20)}Mi`;
}

export const appCapacityChecks: readonly Check[] = [memory, volumes];
