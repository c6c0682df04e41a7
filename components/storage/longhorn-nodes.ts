import type { Homelab, NodeMachine } from "../../config/homelab";
import { hardTaints, taintsOf } from "../taints";

/** Namespace of Longhorn and, because its UI lives there, of the proxy in front of it. */
export const LONGHORN_NAMESPACE = "longhorn-system";

/** Longhorn's CSI driver (longhorn-manager v1.6.2 types/types.go LonghornDriverName). */
export const LONGHORN_DRIVER = "driver.longhorn.io";

/**
 * Nodes that run Longhorn: wherever ordinary pods may run, because a pod with a volume hangs for ever on a node without
 * the CSI plugin. So workers always, whatever their taints, and the control plane only where it is not tainted, which
 * it is as soon as there are workers.
 */
export function longhornNodes(homelab: Homelab): readonly NodeMachine[] {
  const tolerated = taintsOf(homelab, homelab.workers);
  return homelab.nodes.filter((node) => hardTaints(homelab, node).every((taint) => tolerated.includes(taint)));
}

/** Nodes with at least one disk for volumes. */
export function storageNodes(homelab: Homelab): readonly NodeMachine[] {
  return homelab.nodes.filter((node) => Object.keys(node.disks).length > 0);
}
