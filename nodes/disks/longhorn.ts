import type { Homelab, Machine } from "../../config/homelab";
import { diskPlan } from "./plan";

/** One disk as Longhorn is told about it: an entry of node.longhorn.io/default-disks-config and of nodes.longhorn.io. */
export interface LonghornDisk {
  /** Name of the disk in the configuration. */
  readonly name: string;
  /** Directory on the node. */
  readonly path: string;
  /** The tier; the diskSelector of its StorageClass. */
  readonly tags: readonly [string];
  /** Bytes. */
  readonly storageReserved: number;
}

/** The disks of a machine as Longhorn sees them; empty for machines that carry no volumes. */
export function longhornDisks(homelab: Homelab, machine: Machine): LonghornDisk[] {
  return diskPlan(homelab, machine).map(({ name, mountPath, tier, reservedBytes }) => ({
    name,
    path: mountPath,
    tags: [tier],
    storageReserved: reservedBytes,
  }));
}
