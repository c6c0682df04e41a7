/** An object of the cluster by a metric of kube-state-metrics about it. */
export interface Reported {
  metric: string;
  /** Labels that name it; they become the alert's. */
  labels: Readonly<Record<string, string>>;
}

/**
 * PromQL: one series for each of these objects of which nobody says anything, with its labels. A deleted object has no
 * metric, so a comparison with zero is silent about it. While kube-state-metrics itself is silent nothing is known, and
 * KubeStateMetricsMissing says that once.
 */
export function missing(objects: readonly Reported[]): string {
  const each = objects.map(({ metric, labels }) => {
    const matchers = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    return `absent(${metric}{${matchers.join(", ")}})`;
  });
  return `(${each.join(" or ")}) and on () kube_node_info`;
}

/** Deployments by the metric that also says whether they run. */
export function deployments(names: readonly { namespace: string; deployment: string }[]): Reported[] {
  return names.map(({ namespace, deployment }) => ({
    metric: "kube_deployment_status_replicas_available",
    labels: { namespace, deployment },
  }));
}
