import type { core } from "@pulumi/kubernetes/types/input";
import { DEFAULT_MEMORY, memoryOfPods } from "../../config/apps/memory";
import type { Homelab } from "../../config/homelab";

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
  const memory = apps.flatMap(memoryOfPods);
  const own = Object.hasOwn(homelab.cluster.quotas, namespace) ? homelab.cluster.quotas[namespace] : undefined;
  const sum = memory.reduce((total, each) => total + each, 0) + Math.max(0, ...memory);
  return {
    quota: {
      hard: {
        "limits.memory": own?.memory ?? `${sum}Mi`,
        pods: String(own?.pods ?? 2 * memory.length + SPARE_PODS),
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
