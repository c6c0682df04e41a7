import { LOCAL_PATH_CLASS } from "../../config/class-names";
import type { Homelab } from "../../config/homelab";

/** Affinity of a pod, as Kubernetes writes it; `{}` for no wish. */
export type Affinity = Record<string, unknown>;

/**
 * Keeps what is big or grows off the control plane, wherever there are workers: its VM has 24 GB of disk, which
 * local-path, that enforces no size, would fill and take etcd with it. Its taint does the same until somebody takes it
 * away; K3s puts the label on every server.
 */
export function awayFromControlPlane(homelab: Homelab): Affinity {
  if (homelab.workers.length === 0) {
    return {};
  }
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "DoesNotExist" }] },
        ],
      },
    },
  };
}

/** One volume on the node's own disk, as the operator's custom resources ask for it. */
export function localPathClaim(size: string): Record<string, unknown> {
  return {
    volumeClaimTemplate: {
      spec: {
        storageClassName: LOCAL_PATH_CLASS,
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: size } },
      },
    },
  };
}
