import { K3S_DATA } from "../../config/folders";
import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { literal } from "./regex";

/**
 * Mount points that are not the machine's own: pods' mounts below the kubelet's root and containerd's below K3s' data
 * directory. The chart's default names /var/lib/kubelet only, so any other root would add a series per pod and mount,
 * and an NFS server that hangs would hang the whole scrape.
 */
export function excludedMountPoints(homelab: Homelab): string {
  const inner = [homelab.cluster.kubeletRoot, "/var/lib/kubelet", K3S_DATA, "/run/k3s", "/run/netns"]
    .map((path) => literal(path.slice(1)))
    .map((path) => `${path}/.+`);
  return `^/(dev|proc|sys|run/credentials/.+|${[...new Set(inner)].join("|")})($|/)`;
}

/** No file systems of the network: a hanging server would hang the scrape; the prober asks the storage server instead. */
export const excludedFileSystems =
  "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nfs4?|nsfs|" +
  "overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs|erofs)$";

/** Values below `prometheus-node-exporter` (subchart 4.48.0). */
export function nodeExporterValues(homelab: Homelab): HelmValues {
  return {
    extraArgs: [
      `--collector.filesystem.mount-points-exclude=${excludedMountPoints(homelab)}`,
      `--collector.filesystem.fs-types-exclude=${excludedFileSystems}`,
    ],
    prometheus: {
      monitor: {
        // The node's name, so that these metrics meet those of Kubernetes and Longhorn in one alert.
        relabelings: [{ action: "replace", sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "node" }],
      },
    },
  };
}
