import type { storage } from "@pulumi/kubernetes/types/input";
import type { Homelab } from "../../config/homelab";
import { LONGHORN_DRIVER } from "./longhorn-nodes";
import { FILE_SYSTEM, RECLAIM_POLICY } from "./longhorn-values";

/** Minutes that Longhorn keeps a failed replica for a rebuild from what it still holds; the chart's own value. */
const STALE_REPLICA_TIMEOUT = "30";

/** Annotation that says what belongs into a class. */
const PURPOSE_ANNOTATION = "homelab/purpose";

type StorageClassManifest = storage.v1.StorageClass & { metadata: { name: string } };

/**
 * Classes of all tiers but the default one, whose class Longhorn's manager makes. Parameters are immutable in
 * Kubernetes: a change replaces the class, and reaches new volumes only. Names of the parameters: longhorn-manager
 * v1.6.2 csi/util.go; all are text.
 *
 * Binding is immediate: the driver reports no topology, so waiting for the pod would not place the volume near it.
 */
export function tierClasses(homelab: Homelab): StorageClassManifest[] {
  const { tiers, defaultTier } = homelab.storage;
  return Object.entries(tiers)
    .filter(([name]) => name !== defaultTier)
    .map(([name, tier]) => ({
      metadata: { name: tier.storageClass, annotations: { [PURPOSE_ANNOTATION]: tier.purpose } },
      provisioner: LONGHORN_DRIVER,
      allowVolumeExpansion: true,
      reclaimPolicy: RECLAIM_POLICY,
      volumeBindingMode: "Immediate",
      parameters: {
        numberOfReplicas: String(tier.replicas),
        dataLocality: tier.dataLocality,
        diskSelector: name,
        fsType: FILE_SYSTEM,
        staleReplicaTimeout: STALE_REPLICA_TIMEOUT,
      },
    }));
}
