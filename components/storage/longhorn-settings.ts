import type { Homelab } from "../../config/homelab";
import { taintsOf } from "../taints";
import { storageNodes } from "./longhorn-nodes";

/** Values of the chart's `defaultSettings`. */
export type LonghornSettings = Readonly<Record<string, string | number | boolean>>;

/**
 * Longhorn's settings, by their key in the chart. Stated only where the default is wrong here or where data depends on
 * it. Meaning, default and allowed values of each: longhorn-manager v1.6.2 types/setting.go. Orphaned replicas stay,
 * as is the default: after a disaster one may be the only copy of something, so a person deletes it in the UI.
 *
 * Longhorn drops ALL of them, with no more than a line in its log, if a single one is invalid (types/setting.go
 * GetCustomizedDefaultSettings: "won't accept partially valid result"), and would then put a disk on every root file
 * system. So a gate reads each one back.
 */
export function longhornSettings(homelab: Homelab): LonghornSettings {
  const { replicas, dataLocality } = homelab.storage.tiers[homelab.storage.defaultTier];
  const taints = taintsOf(homelab, homelab.workers);
  return {
    // No node gets a disk by itself: every disk comes from the configuration.
    createDefaultDiskLabeledNodes: true,
    // A volume without a disk selector goes to disks without tags only: see longhorn-disks.ts.
    allowEmptyDiskSelectorVolume: false,
    // For volumes made in the UI; classes say it themselves.
    defaultReplicaCount: replicas,
    defaultDataLocality: dataLocality,
    // Two copies on one machine are lost together.
    replicaSoftAntiAffinity: false,
    // A new node takes its share of the replicas without anybody moving them.
    replicaAutoBalance: "best-effort",
    // Never promise more than the disks hold: a full disk stops every volume on it.
    storageOverProvisioningPercentage: 100,
    storageMinimalAvailablePercentage: minimalAvailablePercentage(homelab),
    // A dead node keeps its RWO volumes attached through pods that never finish terminating; nobody is up at night to
    // delete them by hand.
    nodeDownPodDeletionPolicy: "delete-both-statefulset-and-deployment-pod",
    // The default blocks for ever where a volume has one replica. This lets a drain go on as soon as the pods are gone
    // and the volumes stopped; the data is away until the node returns, as it is on any reboot.
    nodeDrainPolicy: "allow-if-replica-is-stopped",
    // A volume that somebody attached in the UI would block that drain.
    detachManuallyAttachedVolumesWhenCordoned: true,
    // Rebuilds share the one network link with everything else.
    concurrentReplicaRebuildPerNodeLimit: 2,
    // Default 0: volumes stay on the old engine until somebody clicks, and an old engine blocks the next upgrade.
    concurrentAutomaticEngineUpgradePerNodeLimit: 1,
    // Versions are pinned here, and nothing calls home.
    upgradeChecker: false,
    allowCollectingLonghornUsageMetrics: false,
    ...(taints.length > 0 ? { taintToleration: taints.join(";") } : {}),
  };
}

/**
 * Share of a disk, in percent, below which Longhorn puts nothing more on it. Upstream's best practices (longhorn.io,
 * Longhorn 1.6, "Node and Disk Setup") say 25 where a root file system carries volumes, and 10 for disks of their own.
 */
function minimalAvailablePercentage(homelab: Homelab): number {
  const disks = storageNodes(homelab).flatMap((node) => Object.values(node.disks));
  return disks.some((disk) => "rootFilesystem" in disk) ? 25 : 10;
}

/** Name of the `settings.longhorn.io` object behind a key of the chart, for example replica-auto-balance. */
export function settingName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
