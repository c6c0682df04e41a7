import { MONITORING_NAMESPACE, STACK_RELEASE } from "../../components/monitoring/names";
import { LONGHORN_NAMESPACE } from "../../components/storage/longhorn-nodes";
import type { Homelab } from "../../config/homelab";
import { chartSources, type ChartName } from "../../config/pins";
import type { Choice } from "./choice";
import { contractCrds, type KubernetesObject } from "./crds";
import { workload } from "./workloads";

/** What a chart's controllers make themselves, and the program waits for. */
export const madeByControllers = {
  cilium: ({ versions }: Homelab): KubernetesObject[] => contractCrds(`cilium-${versions.charts.cilium}`),
  // The class from a config map, and an object for each node that the manager runs on.
  longhorn: ({ storage, workers }: Homelab): KubernetesObject[] => [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: {
        name: storage.tiers[storage.defaultTier].storageClass,
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
      provisioner: "driver.longhorn.io",
      allowVolumeExpansion: true,
    },
    ...workers.map(({ name }) => ({
      apiVersion: "longhorn.io/v1beta2",
      kind: "Node",
      metadata: { name, namespace: LONGHORN_NAMESPACE },
      spec: { name, allowScheduling: true, disks: {}, tags: [] },
    })),
  ],
  [STACK_RELEASE]: (): KubernetesObject[] => [...operated("prometheus"), ...operated("alertmanager")],
} as const satisfies Record<string, (homelab: Homelab) => KubernetesObject[]>;

/**
 * What the Prometheus operator starts for the chart's object of that kind; its services wait for such pods (prometheus-operator
 * pkg/prometheus/server/statefulset.go, pkg/alertmanager/statefulset.go).
 */
function operated(kind: "prometheus" | "alertmanager"): KubernetesObject[] {
  const object = `${STACK_RELEASE}-${kind}`;
  return workload({
    kind: "StatefulSet",
    name: `${kind}-${object}`,
    namespace: MONITORING_NAMESPACE,
    labels: { "app.kubernetes.io/name": kind, [kind]: object, "operator.prometheus.io/name": object },
  });
}

/** By the names of releases, which are those of their charts. */
type Release = keyof typeof madeByControllers;

/**
 * What is made in the place of controllers where a chart is real and its pods are not, by release. A version whose CRDs
 * nobody has derived is left without: what is of them is then of kinds that are not served.
 */
export function inControllersPlace(homelab: Homelab, { k3s, charts }: Choice): Record<string, KubernetesObject[]> {
  const real = (Object.keys(charts) as ChartName[]).filter((name) => charts[name] === "real");
  const names = real.map((name) => chartSources[name].chart);
  const releases = (Object.keys(madeByControllers) as Release[]).filter((name) => names.includes(name));
  return k3s === "real" ? {} : Object.fromEntries(releases.map((name) => [name, madeOrNone(homelab, name)]));
}

function madeOrNone(homelab: Homelab, name: Release): KubernetesObject[] {
  try {
    return madeByControllers[name](homelab);
  } catch {
    return [];
  }
}
