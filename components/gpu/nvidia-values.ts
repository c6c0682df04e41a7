import type { Homelab, Worker } from "../../config/homelab";
import { toYaml } from "../../config/yaml";
import { NVIDIA_GPU_LABEL } from "../../nodes/k3s/labels";
import type { HelmValues } from "../chart";
import { tolerationsFor } from "../taints";

/** Resource of one slice of a GPU. */
export const NVIDIA_RESOURCE = "nvidia.com/gpu";

/** Namespace of the device plugin, and prefix of its objects. */
export const NVIDIA_PLUGIN = "nvidia-device-plugin";

/** RuntimeClass that K3s makes itself when it finds the container toolkit at its start (K3s manifests/runtimes.yaml). */
export const NVIDIA_RUNTIME_CLASS = "nvidia";

/** Label by which a node chooses one of the plugin's configurations (chart 0.17.4, NODE_LABEL of config-manager). */
export const NVIDIA_CONFIG_LABEL = "nvidia.com/device-plugin.config";

export type NvidiaWorker = Worker & { readonly gpu: NonNullable<Worker["gpu"]> };

/** Workers with an NVIDIA GPU. */
export function nvidiaWorkers(homelab: Homelab): readonly NvidiaWorker[] {
  return homelab.workers.filter((worker): worker is NvidiaWorker => worker.gpu !== undefined);
}

/** Name of the configuration with that many slices. */
export function sliceConfig(slices: number): string {
  return `slices-${slices}`;
}

/** The configuration of nodes without a label: that of the first GPU node. Undefined without GPU nodes. */
export function defaultSliceConfig(homelab: Homelab): string | undefined {
  const [first] = nvidiaWorkers(homelab);
  return first && sliceConfig(first.gpu.slices);
}

/**
 * A configuration file of the plugin (k8s-device-plugin v0.17.4 api/config/v1). Two slices or more are time-slicing,
 * without isolation of memory or faults; a request for two would get no more than one, so it fails instead. The plugin
 * refuses a replica count of one.
 */
function pluginConfig(slices: number): string {
  const sharing =
    slices > 1
      ? {
          sharing: {
            timeSlicing: {
              failRequestsGreaterThanOne: true,
              resources: [{ name: NVIDIA_RESOURCE, replicas: slices }],
            },
          },
        }
      : {};
  return toYaml({ version: "v1", ...sharing });
}

/**
 * Values of nvidia-device-plugin 0.17.4. The kubelet's directory of device plugins is not among them, and rightly so:
 * it is a constant of the kubelet that does not follow root-dir (trap 17). The chart's own affinity wants the label that
 * K3s gives GPU nodes (trap 32).
 */
export function nvidiaDevicePluginValues(homelab: Homelab): HelmValues {
  const workers = nvidiaWorkers(homelab);
  const slices = [...new Set(workers.map(({ gpu }) => gpu.slices))];
  return {
    fullnameOverride: NVIDIA_PLUGIN,
    runtimeClassName: NVIDIA_RUNTIME_CLASS,
    config: {
      map: Object.fromEntries(slices.map((count) => [sliceConfig(count), pluginConfig(count)])),
      default: defaultSliceConfig(homelab),
    },
    tolerations: tolerationsFor(homelab, workers),
  };
}

/**
 * Values of dcgm-exporter 4.8.2. It asks for no GPU, which would cost a slice. `extraVolumeMounts` stays untouched:
 * setting it drops the mount of the list of metrics.
 */
export function dcgmExporterValues(homelab: Homelab): HelmValues {
  return {
    runtimeClassName: NVIDIA_RUNTIME_CLASS,
    nodeSelector: { [NVIDIA_GPU_LABEL]: "true" },
    tolerations: tolerationsFor(homelab, nvidiaWorkers(homelab)),
    // Unlike the device plugins', this directory follows the kubelet root. With a wrong one metrics name no pod.
    kubeletPath: `${homelab.cluster.kubeletRoot}/pod-resources`,
    // Names every pod that shares a GPU, not only the first.
    extraEnv: [{ name: "KUBERNETES_VIRTUAL_GPUS", value: "true" }],
    // 400 to 500 Mi with one GPU (NVIDIA/dcgm-exporter#609); less is a crash loop by OOM. At 200m of CPU, the chart's
    // limit, it is not up before the probes begin.
    resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "1", memory: "1Gi" } },
    serviceMonitor: { enabled: true },
  };
}
