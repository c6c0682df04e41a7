import type { core } from "@pulumi/kubernetes/types/input";
import type { Homelab } from "../../config/homelab";
import { toMib } from "../../config/units";
import { jobPod, podSpec } from "./pod";

/** Limit of a container that states none; what an app may take is its resources.memoryLimit. */
const DEFAULT_MEMORY = "1Gi";
/** Least number of pods of a namespace: replacements, jobs and what somebody starts by hand to look at something. */
const SPARE_PODS = 10;

export interface NamespaceQuota {
  quota: core.v1.ResourceQuotaSpec;
  limits: core.v1.LimitRangeSpec;
}

/**
 * What the apps of a namespace may take together: the sum of what they declare and as much again as the largest of them,
 * for a pod that is still ending; or `cluster.quotas.<namespace>.memory`. No service of it may open a port on the nodes or
 * take an address of its own: the gateway is the only way in.
 */
export function namespaceQuota(homelab: Homelab, namespace: string): NamespaceQuota {
  const apps = homelab.apps.filter((app) => app.namespace === namespace);
  const pods = apps.flatMap((app) => [
    podSpec(homelab, app),
    ...Object.keys(app.jobs).map((job) => jobPod(homelab, app, job)),
  ]);
  const memory = pods.map(memoryLimit);
  const own = Object.hasOwn(homelab.cluster.quotas, namespace) ? homelab.cluster.quotas[namespace] : undefined;
  const sum = memory.reduce((total, each) => total + each, 0) + Math.max(0, ...memory);
  return {
    quota: {
      hard: {
        "limits.memory": own?.memory ?? `${sum}Mi`,
        pods: String(own?.pods ?? 2 * pods.length + SPARE_PODS),
        "services.nodeports": "0",
        "services.loadbalancers": "0",
      },
    },
    limits: {
      limits: [
        {
          type: "Container",
          default: { memory: DEFAULT_MEMORY },
          defaultRequest: { cpu: "10m", memory: "64Mi" },
        },
      ],
    },
  };
}

/** Of a pod, in MiB: its containers run side by side. */
function memoryLimit(spec: core.v1.PodSpec): number {
  const containers = spec.containers as core.v1.Container[];
  return containers.reduce((sum, { resources }) => {
    const limits = (resources as { limits?: Record<string, string> } | undefined)?.limits;
    return sum + mebibytes(limits?.memory ?? DEFAULT_MEMORY);
  }, 0);
}

/** A plain number is one of bytes. */
function mebibytes(quantity: string): number {
  return /^[0-9]+$/.test(quantity) ? Math.ceil(Number(quantity) / 2 ** 20) : toMib(quantity);
}
