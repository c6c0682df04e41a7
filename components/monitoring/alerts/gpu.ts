import type { Homelab } from "../../../config/homelab";
import { nvidiaWorkers, type NvidiaWorker } from "../../gpu/nvidia-values";
import type { Alert, AlertGroup } from "./alert";

function gpuGone({ name, gpu }: NvidiaWorker): Alert {
  const allocatable = `kube_node_status_allocatable{resource="nvidia_com_gpu", node="${name}"}`;
  return {
    name: "GpuGone",
    expr: `${allocatable} < ${gpu.slices} or absent(${allocatable})`,
    for: "15m",
    severity: "warning",
    labels: { node: name },
    summary: `${name} offers fewer than ${gpu.slices} slices of its ${gpu.model}`,
    description: `On ${name}: nvidia-smi. If it fails, dmesg | grep -i nvrm; if not, the pod of nvidia-device-plugin.`,
  };
}

/** GPUs: gone, not watched, or hot. undefined for a house without one. */
export function gpuAlerts(homelab: Homelab): AlertGroup | undefined {
  const workers = nvidiaWorkers(homelab);
  if (workers.length === 0) {
    return undefined;
  }
  const hot = (celsius: number) => `max by (Hostname, gpu, modelName) (DCGM_FI_DEV_GPU_TEMP) > ${celsius}`;
  const summary = "GPU {{ $labels.gpu }} ({{ $labels.modelName }}) is at {{ $value }} degrees";
  return {
    topic: "gpu",
    alerts: [
      ...workers.map(gpuGone),
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
    ],
  };
}
