import type { Homelab, NodeMachine } from "../../config/homelab";
import { longhornDisks } from "../../nodes/disks/longhorn";

/** One disk in the spec of a `nodes.longhorn.io` object (v1beta2). */
export interface LonghornDiskSpec {
  diskType: "filesystem";
  path: string;
  allowScheduling: true;
  /** Bytes that Longhorn leaves alone. */
  storageReserved: number;
  tags: string[];
}

/**
 * Disks of a node as Longhorn's node object lists them.
 *
 * Every disk carries its tier as a tag, but those of the default tier, which carry none. Chart 1.6 cannot give class
 * `longhorn` a disk selector, and a volume without one goes to untagged disks only, once
 * `allowEmptyDiskSelectorVolume` is false (longhorn-manager v1.6.2 types/types.go IsSelectorsInTags). So class
 * `longhorn` finds exactly the default tier, even on a machine that carries other tiers too; a node tag would not tell
 * them apart.
 *
 * `evictionRequested` is left out: to empty a disk, an operator disables and evicts it in the UI.
 */
export function longhornDiskSpecs(homelab: Homelab, node: NodeMachine): Record<string, LonghornDiskSpec> {
  const { defaultTier } = homelab.storage;
  return Object.fromEntries(
    longhornDisks(homelab, node).map((disk) => [
      disk.name,
      {
        diskType: "filesystem",
        path: disk.path,
        allowScheduling: true,
        storageReserved: disk.storageReserved,
        tags: disk.tags.filter((tag) => tag !== defaultTier),
      },
    ]),
  );
}
