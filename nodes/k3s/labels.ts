import type { NodeMachine } from "../../config/homelab";

/** Label that the NVIDIA device plugin's default affinity looks for; without it the plugin is scheduled nowhere. */
export const NVIDIA_GPU_LABEL = "nvidia.com/gpu.present";

/** Label of nodes whose Intel render device is offered to pods; the name that node-feature-discovery would give. */
export const INTEL_GPU_LABEL = "intel.feature.node.kubernetes.io/gpu";

/** Keeps ordinary pods off the control plane. */
export const CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane:NoSchedule";

/** The labels of a node as `key=value`, the owner's own last; K3s applies them again at every start. */
export function nodeLabels(machine: NodeMachine): string[] {
  const labels: Record<string, string> = {};
  if (machine.role === "worker" && machine.gpu) {
    labels[NVIDIA_GPU_LABEL] = "true";
  }
  if (machine.role === "worker" && machine.quickSync) {
    labels[INTEL_GPU_LABEL] = "true";
  }
  return Object.entries({ ...labels, ...machine.labels }).map(([key, value]) => `${key}=${value}`);
}
