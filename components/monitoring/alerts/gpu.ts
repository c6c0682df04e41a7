import type { Homelab } from "../../../config/homelab";
import { INTEL_RESOURCE, intelWorkers, type IntelWorker } from "../../gpu/intel-manifests";
import { NVIDIA_RESOURCE, nvidiaWorkers, type NvidiaWorker } from "../../gpu/nvidia-values";
import type { Alert, AlertGroup } from "./alert";

/** A node offers fewer shares of a device than it should, or does not even name it. */
function sharesGone(
  name: string,
  { node, shares, resource }: { node: string; shares: number; resource: string },
  words: Pick<Alert, "summary" | "description">,
): Alert {
  // As kube-state-metrics v2.17.0 writes names of resources: internal/store/utils.go SanitizeLabelName.
  const allocatable = `kube_node_status_allocatable{resource="${resource.replace(/[^a-zA-Z0-9_]/g, "_")}", node="${node}"}`;
  return {
    name,
    expr: `max by (resource, node) (${allocatable}) < ${shares} or absent(${allocatable})`,
    for: "15m",
    severity: "warning",
    labels: { node },
    ...words,
  };
}

function quickSyncGone({ name: node, quickSync: { sharedBy: shares } }: IntelWorker): Alert {
  return sharesGone(
    "QuickSyncGone",
    { node, shares, resource: INTEL_RESOURCE },
    {
      summary: `${node} offers fewer than ${shares} shares of QuickSync`,
      description:
        `On ${node}: ls /dev/dri. Without renderD128: dmesg | grep i915, then the BIOS; with it, the pod of ` +
        "intel-gpu-plugin on that node.",
    },
  );
}

function gpuGone({ name: node, gpu: { slices: shares, model } }: NvidiaWorker): Alert {
  return sharesGone(
    "GpuGone",
    { node, shares, resource: NVIDIA_RESOURCE },
    {
      summary: `${node} offers fewer than ${shares} slices of its ${model}`,
      description: `On ${node}: nvidia-smi. If it fails, dmesg | grep -i nvrm; if not, the pod of nvidia-device-plugin.`,
    },
  );
}

/** What measures the cards of NVIDIA. */
function temperatureAlerts(): Alert[] {
  const hot = (celsius: number) => `max by (Hostname, gpu, modelName) (DCGM_FI_DEV_GPU_TEMP) > ${celsius}`;
  const summary = "GPU {{ $labels.gpu }} ({{ $labels.modelName }}) is at {{ $value }} degrees";
  return [
    {
      name: "GpuMetricsMissing",
      expr: "absent(DCGM_FI_DEV_GPU_TEMP)",
      for: "30m",
      severity: "warning",
      summary: "Nobody measures the GPU",
      description: "DCGM exporter is not running or sees no GPU: the log of its pod, then nvidia-smi on the node.",
    },
    // A T4 slows down at about 93 and turns off at about 96 degrees; it has no fan of its own.
    {
      name: "GpuHot",
      expr: hot(82),
      for: "10m",
      severity: "warning",
      summary,
      description:
        "Check the server's fans and the room. A card without a fan is cooled by the chassis alone: is its shroud in place?",
    },
    {
      name: "GpuHot",
      expr: hot(90),
      for: "2m",
      severity: "critical",
      summary,
      description: "It slows down now and turns off soon. Scale the pods that use it to zero, then look at the fans.",
    },
  ];
}

/** GPUs: gone, not watched, or hot. undefined for a house without one. */
export function gpuAlerts(homelab: Homelab): AlertGroup | undefined {
  const nvidia = nvidiaWorkers(homelab);
  const alerts = [
    ...nvidia.map(gpuGone),
    ...(nvidia.length > 0 ? temperatureAlerts() : []),
    ...intelWorkers(homelab).map(quickSyncGone),
  ];
  return alerts.length > 0 ? { topic: "gpu", alerts } : undefined;
}
