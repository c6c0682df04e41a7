import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { tolerationsFor } from "../taints";
import { longhornNodes } from "./longhorn-nodes";
import { longhornSettings } from "./longhorn-settings";

/**
 * Longhorn keeps what nobody uses any more, as `Released`, until a person deletes it: a claim that goes with its
 * namespace takes no data with it.
 */
export const RECLAIM_POLICY = "Retain";

/** File system of new volumes, in every class. */
export const FILE_SYSTEM = "ext4";

/**
 * Values of the Longhorn chart; keys exist from 1.6.2 to 1.9.2.
 *
 * Chart v4 drops hooks. Of Longhorn's three, pre-upgrade checks the version, which a gate does before the chart: the managers
 * repeat it (`upgradeVersionCheck`), but only once they have replaced the old ones. post-upgrade only waits for the managers, and the
 * gates wait for more. uninstall is deliberately not automated, as it deletes every volume: runbooks/longhorn.md has it, and
 * nothing of the chart is deleted with the program.
 */
export function longhornValues(homelab: Homelab): HelmValues {
  const { replicas, dataLocality } = homelab.storage.tiers[homelab.storage.defaultTier];
  // Leader election needs one spare, not the chart's three of each.
  const sidecars = Math.min(2, longhornNodes(homelab).length);
  const tolerations = tolerationsFor(homelab, homelab.workers);
  return {
    csi: {
      // Left out, Longhorn detects K3s and assumes /var/lib/kubelet whatever root-dir says
      // (longhorn-manager v1.6.2 app/get_proc_arg.go): the incident of June 2025.
      kubeletRootDir: homelab.cluster.kubeletRoot,
      attacherReplicaCount: sidecars,
      provisionerReplicaCount: sidecars,
      resizerReplicaCount: sidecars,
      snapshotterReplicaCount: sidecars,
    },
    defaultSettings: longhornSettings(homelab),
    // Class `longhorn` belongs to the manager, which recreates it from these values; it is nobody else's object.
    persistence: {
      defaultClass: true,
      defaultClassReplicaCount: replicas,
      defaultDataLocality: dataLocality,
      defaultFsType: FILE_SYSTEM,
      reclaimPolicy: RECLAIM_POLICY,
    },
    longhornManager: { tolerations },
    longhornDriver: { tolerations },
    longhornUI: { replicas: 1 },
    preUpgradeChecker: { jobEnabled: false, upgradeVersionCheck: true },
    metrics: { serviceMonitor: { enabled: true } },
    // The UI has no login: it is reached through OAuth2-Proxy only. The chart's own policies would cut off Prometheus;
    // ours stand in longhorn-ui.ts.
    ingress: { enabled: false },
    networkPolicies: { enabled: false },
  };
}
