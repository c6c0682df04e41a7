import type { Homelab } from "../../../config/homelab";
import { EVICTION_PERCENT } from "../../../nodes/k3s/config";
import type { AlertGroup } from "./alert";

/** File systems of the machines themselves. */
const DISKS = 'fstype=~"ext4|xfs|btrfs|vfat"';

/** Percent of a disk above the limit at which the kubelet evicts: so early somebody is told. */
const BEFORE_EVICTION = 5;

/** Machines: gone, unreachable in part, or out of disk. */
export function nodeAlerts({ controlPlane }: Homelab): AlertGroup {
  const atHost = controlPlane.vm ? ` (${controlPlane.name}: at ${controlPlane.vm.host})` : "";
  const freeOf = (disks: string) =>
    `100 * min by (node, mountpoint) (node_filesystem_avail_bytes{${disks}} / node_filesystem_size_bytes{${disks}})`;
  const free = freeOf(DISKS);
  return {
    topic: "nodes",
    alerts: [
      {
        name: "NodeDown",
        expr: 'kube_node_status_condition{condition="Ready", status="true"} == 0',
        for: "5m",
        keepFiringFor: "10m",
        severity: "critical",
        summary: "Node {{ $labels.node }} is not Ready",
        description:
          `Ping it, then try ssh. If it answers neither, look at its power and cable${atHost}. If it answers: ` +
          `systemctl status k3s-agent, journalctl -u k3s-agent -n 50; on ${controlPlane.name} the unit is k3s.`,
      },
      {
        name: "NodeExporterDown",
        // The kubelet of the same machine answers, so it is up: a port, a firewall or the pod.
        expr: 'up{job="node-exporter"} == 0 and on (node) up{job="kubelet", metrics_path="/metrics"} == 1',
        for: "10m",
        severity: "warning",
        summary: "{{ $labels.node }} is up, but its own metrics are gone",
        description:
          "Part of its network may be broken. From another node: curl -m 5 http://ADDRESS:9100/metrics; then the pod.",
      },
      {
        name: "KubeStateMetricsMissing",
        expr: "absent(kube_node_info)",
        for: "15m",
        severity: "critical",
        summary: "Nobody reports nodes, pods and deployments",
        description:
          "No alert about them can fire now. kubectl get nodes, then the pod of kube-state-metrics: kubectl -n monitoring " +
          "get deploy,pods -o wide. Not found: pulumi up --refresh.",
      },
      {
        name: "NodeFilesystemFilling",
        // Only below half, or every installation of something large would be one.
        expr:
          `${free} < 50 and min by (node, mountpoint) ` +
          `(predict_linear(node_filesystem_avail_bytes{${DISKS}}[6h], 86400)) < 0`,
        for: "1h",
        severity: "warning",
        summary: "{{ $labels.mountpoint }} of {{ $labels.node }} is full within a day at this rate",
        description: "What grows: du -xh --max-depth=2 on it now and in ten minutes. Logs, images or local-path?",
      },
      {
        name: "NodeFilesystemNearEviction",
        expr:
          `${freeOf(`${DISKS}, node="${controlPlane.name}"`)} < ${EVICTION_PERCENT.server + BEFORE_EVICTION} or ` +
          `${free} < ${EVICTION_PERCENT.agent + BEFORE_EVICTION}`,
        for: "15m",
        severity: "critical",
        summary: '{{ $labels.mountpoint }} of {{ $labels.node }} has {{ $value | printf "%.1f" }}% free',
        description:
          `Below ${EVICTION_PERCENT.agent}% (${controlPlane.name}: ${EVICTION_PERCENT.server}%) the kubelet evicts pods. ` +
          "du -xh --max-depth=2 on it; usual suspects: images, journal, local-path.",
      },
      {
        name: "NodeFilesystemReadOnly",
        expr: `max by (node, mountpoint, device) (node_filesystem_readonly{${DISKS}}) == 1`,
        for: "5m",
        severity: "critical",
        summary: "{{ $labels.mountpoint }} of {{ $labels.node }} became read-only",
        description: "The kernel stopped writing to a failing disk. dmesg on the node; take no reboot before a backup.",
      },
    ],
  };
}
