import { LONGHORN_NAMESPACE } from "../../components/storage/longhorn-nodes";
import type { Homelab } from "../../config/homelab";
import type { ChartName } from "../../config/pins";
import type { Choice } from "./choice";
import { contractCrds, type KubernetesObject } from "./crds";

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
} as const satisfies Partial<Record<ChartName, (homelab: Homelab) => KubernetesObject[]>>;

/** By the names of releases, which are those of their charts. */
type Release = keyof typeof madeByControllers;

/**
 * What is made in the place of controllers where a chart is real and its pods are not, by release. A version whose CRDs
 * nobody has derived is left without: what is of them is then of kinds that are not served.
 */
export function inControllersPlace(homelab: Homelab, { k3s, charts }: Choice): Record<string, KubernetesObject[]> {
  const releases = (Object.keys(madeByControllers) as Release[]).filter((name) => charts[name] === "real");
  return k3s === "real" ? {} : Object.fromEntries(releases.map((name) => [name, madeOrNone(homelab, name)]));
}

function madeOrNone(homelab: Homelab, name: Release): KubernetesObject[] {
  try {
    return madeByControllers[name](homelab);
  } catch {
    return [];
  }
}
