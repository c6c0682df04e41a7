import type { apps } from "@pulumi/kubernetes/types/input";
import type { Homelab, Worker } from "../../config/homelab";
import { INTEL_GPU_LABEL } from "../../nodes/k3s/labels";
import { tolerationsFor } from "../taints";

/** Resource of one share of a render device under the i915 kernel driver. */
export const INTEL_RESOURCE = "gpu.intel.com/i915";
export const INTEL_APP = "intel-gpu-plugin";

/**
 * The kubelet's folder of device plugins: a constant that does not follow root-dir (kubernetes v1.32.5
 * pkg/kubelet/cm/devicemanager/manager.go, trap 17).
 */
const PLUGIN_FOLDER = "/var/lib/kubelet/device-plugins";

export type IntelWorker = Worker & { readonly quickSync: NonNullable<Worker["quickSync"]> };

/** Workers with Intel QuickSync. */
export function intelWorkers(homelab: Homelab): readonly IntelWorker[] {
  return homelab.workers.filter((worker): worker is IntelWorker => worker.quickSync !== undefined);
}

/** One DaemonSet per number of sharers, because that number is a flag of the whole DaemonSet. */
export function intelDaemonSets(homelab: Homelab): { name: string; spec: apps.v1.DaemonSetSpec }[] {
  const workers = intelWorkers(homelab);
  const counts = [...new Set(workers.map(({ quickSync }) => quickSync.sharedBy))];
  return counts.map((sharedBy) => {
    const name = `${INTEL_APP}-${sharedBy}`;
    const group = workers.filter(({ quickSync }) => quickSync.sharedBy === sharedBy);
    return { name, spec: daemonSet(homelab, name, group, sharedBy) };
  });
}

/**
 * The plugin on a group of nodes. Mounts, flags and limits: intel-device-plugins-for-kubernetes v0.34.1
 * deployments/gpu_plugin/base and cmd/gpu_plugin/README.md. It only lists devices, so it needs no privilege and no token.
 */
function daemonSet(
  homelab: Homelab,
  name: string,
  group: readonly IntelWorker[],
  sharedBy: number,
): apps.v1.DaemonSetSpec {
  const labels = { "app.kubernetes.io/name": INTEL_APP, "app.kubernetes.io/instance": name };
  const hostnames = group.map((worker) => worker.name);
  return {
    selector: { matchLabels: labels },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    template: {
      metadata: { labels },
      spec: {
        nodeSelector: { "kubernetes.io/arch": "amd64", [INTEL_GPU_LABEL]: "true" },
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: hostnames }] },
              ],
            },
          },
        },
        tolerations: tolerationsFor(homelab, group),
        priorityClassName: "system-node-critical",
        automountServiceAccountToken: false,
        containers: [
          {
            name: INTEL_APP,
            image: homelab.versions.images.intelGpuPlugin,
            imagePullPolicy: "IfNotPresent",
            args: ["-shared-dev-num", String(sharedBy)],
            env: [
              { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
              { name: "HOST_IP", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } },
            ],
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ["ALL"] },
              seccompProfile: { type: "RuntimeDefault" },
            },
            resources: { requests: { cpu: "40m", memory: "45Mi" }, limits: { cpu: "100m", memory: "90Mi" } },
            volumeMounts: [
              { name: "devices", mountPath: "/dev/dri", readOnly: true },
              { name: "drm", mountPath: "/sys/class/drm", readOnly: true },
              { name: "plugins", mountPath: PLUGIN_FOLDER },
              { name: "cdi", mountPath: "/var/run/cdi" },
            ],
          },
        ],
        volumes: [
          { name: "devices", hostPath: { path: "/dev/dri", type: "Directory" } },
          { name: "drm", hostPath: { path: "/sys/class/drm", type: "Directory" } },
          { name: "plugins", hostPath: { path: PLUGIN_FOLDER, type: "Directory" } },
          { name: "cdi", hostPath: { path: "/var/run/cdi", type: "DirectoryOrCreate" } },
        ],
      },
    },
  };
}
