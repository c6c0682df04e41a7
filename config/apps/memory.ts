import { quantityMib, toMib } from "../units";

/** Limit of a container that states none, by the LimitRange of each namespace of apps. */
export const DEFAULT_MEMORY = "1Gi";

/** What the pod of one of an app's jobs asks for, and its limit. */
export const JOB_MEMORY = { request: "64Mi", limit: "512Mi" } as const;

/** What the sums need to know of an app, before and after the checks. */
interface Sized {
  readonly resources: { readonly memoryLimit: string };
  readonly jobs: Readonly<Record<string, unknown>>;
  readonly pod: Readonly<Record<string, unknown>>;
}

/**
 * Limit of memory of each pod of an app in MiB, its own first and then those of its jobs, as a ResourceQuota counts them:
 * containers side by side, with init containers that stay (`restartPolicy: Always`); one that ends counts only if it is
 * larger than all that (kubernetes.io/docs/concepts/workloads/pods/sidecar-containers).
 */
export function memoryOfPods({ resources, jobs, pod }: Sized): number[] {
  const init = Array.isArray(pod.initContainers) ? (pod.initContainers as unknown[]) : [];
  let staying = 0;
  let largest = 0;
  for (const container of init) {
    const limit = limitOf(container);
    if ((container as { restartPolicy?: unknown } | null)?.restartPolicy === "Always") {
      staying += limit;
    } else {
      largest = Math.max(largest, staying + limit);
    }
  }
  const own = Math.max(largest, staying + toMib(resources.memoryLimit));
  return [own, ...Object.keys(jobs).map(() => toMib(JOB_MEMORY.limit))];
}

/** Of a container in plain fields of Kubernetes. */
function limitOf(container: unknown): number {
  const { resources } = (container ?? {}) as { resources?: { limits?: { memory?: unknown } } };
  return quantityMib(resources?.limits?.memory) ?? toMib(DEFAULT_MEMORY);
}
