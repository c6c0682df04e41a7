import type { Homelab } from "../../../config/homelab";
import { LONGHORN_NAMESPACE, longhornNodes } from "../../storage/longhorn-nodes";
import { oneOf, type AlertGroup } from "./alert";

/** Claim of a volume. The label `namespace` would be the scrape target's, that is Longhorn's own (trap 67). */
const claim = "{{ $labels.pvc_namespace }}/{{ $labels.pvc }}";

/** Robustness in longhorn-manager v1.6.2 metrics_collector/volume_collector.go. */
const DEGRADED = 2;
const FAULTED = 3;

/**
 * Volumes, nodes and disks of Longhorn. Each manager reports its own node only, so a dead manager takes its node's
 * series with it: that silence is an alert of its own.
 */
export function longhornAlerts(homelab: Homelab): AlertGroup {
  const nodes = oneOf(longhornNodes(homelab).map(({ name }) => name));
  const robustness = (state: number) =>
    `max by (volume, pvc, pvc_namespace, node) (longhorn_volume_robustness) == ${state}`;
  const condition = (kind: "node" | "disk", type: "ready" | "schedulable") =>
    `min by (node${kind === "disk" ? ", disk" : ""}) (longhorn_${kind}_status{condition="${type}"}) == 0`;
  const usedPercent = (kind: "node_storage" | "disk") =>
    `100 * max by (node${kind === "disk" ? ", disk" : ""}) (longhorn_${kind}_usage_bytes / (longhorn_${kind}_capacity_bytes > 0))`;
  return {
    topic: "longhorn",
    alerts: [
      {
        name: "LonghornVolumeFaulted",
        expr: robustness(FAULTED),
        for: "2m",
        severity: "critical",
        summary: `Volume of ${claim} has no usable copy`,
        description:
          "Delete nothing. Check that every node that held a copy is up and on the network, then salvage in Longhorn's UI.",
      },
      {
        name: "LonghornVolumeDegraded",
        expr: robustness(DEGRADED),
        for: "30m",
        severity: "warning",
        summary: `Volume of ${claim} has lost a copy`,
        description: "Check the network and the disks of the nodes that carry its tier; a rebuild starts by itself.",
      },
      {
        name: "LonghornManagerGone",
        expr: `kube_node_info{node=~"${nodes}"} unless on (node) longhorn_node_status{condition="ready"}`,
        for: "10m",
        severity: "critical",
        summary: "Nobody reports the volumes of {{ $labels.node }}",
        description:
          `Ping {{ $labels.node }} first. If it answers: kubectl -n ${LONGHORN_NAMESPACE} get pods -o wide, ` +
          "and read the log of its longhorn-manager.",
      },
      {
        name: "LonghornMetricsMissing",
        expr: "absent(longhorn_node_status)",
        for: "15m",
        severity: "critical",
        summary: "Longhorn is not watched at all",
        description: `No other alert about volumes can fire now. kubectl -n ${LONGHORN_NAMESPACE} get pods, then Prometheus' targets.`,
      },
      {
        name: "LonghornNodeNotReady",
        expr: condition("node", "ready"),
        for: "10m",
        severity: "critical",
        summary: "Longhorn cannot use node {{ $labels.node }}",
        description: `kubectl -n ${LONGHORN_NAMESPACE} get nodes.longhorn.io {{ $labels.node }} -o yaml names the condition's reason.`,
      },
      {
        name: "LonghornNodeNotSchedulable",
        expr: condition("node", "schedulable"),
        for: "1h",
        severity: "warning",
        summary: "Longhorn places no new copies on {{ $labels.node }}",
        description: "Is the node cordoned or being drained? If not, read the condition's reason in Longhorn's UI.",
      },
      {
        name: "LonghornDiskNotReady",
        expr: condition("disk", "ready"),
        for: "10m",
        severity: "critical",
        summary: "Disk {{ $labels.disk }} of {{ $labels.node }} is not usable",
        description: "On the node: findmnt and dmesg. A path that is not mounted would be written to the root disk.",
      },
      {
        name: "LonghornDiskNotSchedulable",
        expr: condition("disk", "schedulable"),
        for: "1h",
        severity: "warning",
        summary: "Disk {{ $labels.disk }} of {{ $labels.node }} takes no new copies",
        description: "Usually it is too full: delete snapshots and volumes that nobody needs, or add a disk.",
      },
      {
        name: "LonghornDiskAlmostFull",
        expr: `${usedPercent("disk")} > 85`,
        for: "15m",
        severity: "warning",
        summary: 'Disk {{ $labels.disk }} of {{ $labels.node }} is {{ $value | printf "%.0f" }}% full',
        description: "Thin volumes grow without asking. Delete old snapshots first: Longhorn's UI, Volume, Snapshots.",
      },
      {
        name: "LonghornNodeStorageAlmostFull",
        expr: `${usedPercent("node_storage")} > 90`,
        for: "15m",
        severity: "critical",
        summary: 'Volumes on {{ $labels.node }} have {{ $value | printf "%.0f" }}% of its storage',
        description: "A full disk stops every volume on it at once. Delete snapshots now, then move or shrink volumes.",
      },
    ],
  };
}
