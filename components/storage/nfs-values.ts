import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";

/**
 * Values of csi-driver-nfs 4.11.0. It also brings the snapshot CRDs and their controller, which neither K3s nor Longhorn
 * ships. They are in the chart's templates, marked to be kept, so Pulumi never deletes them.
 */
export function nfsValues(homelab: Homelab): HelmValues {
  return {
    kubeletDir: homelab.cluster.kubeletRoot,
    // With it a pod that has an fsGroup walks the whole share and changes the group of every film (trap 65).
    feature: { enableFSGroupPolicy: false },
    controller: {
      // Volumes here are static; should anybody add a class, deleting a claim still deletes no directory.
      defaultOnDeletePolicy: "retain",
      // A snapshot of NFS is a tar file of everything on the share.
      enableSnapshotter: false,
    },
    externalSnapshotter: { enabled: true, customResourceDefinitions: { enabled: true } },
  };
}
