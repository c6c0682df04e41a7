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

const settableKeys = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "node.kubernetes.io/instance-type",
]);
const namePart = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

/**
 * Says why a kubelet would not start, or not register, with a label; undefined if it takes it. A kubelet may label itself
 * in the kubernetes.io namespaces only below node.kubernetes.io and kubelet.kubernetes.io (kubelet's label check in
 * kubernetes v1.32, staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go).
 *
 * @param label as `key=value`.
 */
export function labelProblem(label: string): string | undefined {
  const separator = label.indexOf("=");
  const key = label.slice(0, separator === -1 ? label.length : separator);
  const value = separator === -1 ? "" : label.slice(separator + 1);
  const [prefix, name] = key.includes("/")
    ? [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)]
    : ["", key];
  const below = (domain: string) => prefix === domain || prefix.endsWith(`.${domain}`);
  if (!namePart.test(name)) {
    return `label '${label}': '${name}' is no label name of at most 63 letters, digits, '-', '_' and '.'`;
  }
  if (value !== "" && !namePart.test(value)) {
    return `label '${label}': '${value}' is no label value of at most 63 letters, digits, '-', '_' and '.'`;
  }
  if (!(below("kubernetes.io") || below("k8s.io")) || settableKeys.has(key)) {
    return undefined;
  }
  return below("node.kubernetes.io") || below("kubelet.kubernetes.io")
    ? undefined
    : `label '${label}': a kubelet refuses to start with labels of its own in ${prefix}; use another prefix`;
}
