import { longestGapHours } from "../../../config/cron";
import type { Homelab } from "../../../config/homelab";
import { backupSchedules } from "../../backup/schedules";
import { backupAgeLimitHours } from "../alerts/backups";
import { HOME_DASHBOARD } from "../grafana";
import type { Board, Section } from "./board";
import { bars, lines, okStates, stat, table, timeline } from "./kinds";
import { countOrZero, highIsBad, lowIsBad } from "./panel";
import { AGENT_READY, backupAge, CERTIFICATE_LEFT, firing, NODE_READY, VOLUME_ROBUSTNESS, WATCHDOG } from "./queries";

/** File systems of the machines themselves, as in the alerts. */
const DISKS = 'fstype=~"ext4|xfs|btrfs|vfat"';

const DAY = 86_400;

/** Age of every schedule's newest good backup, as a share of what its alert allows; 1 is the alert. */
function worstBackup(homelab: Homelab): string {
  const shares = backupSchedules(homelab).map(({ name }) => {
    const limit = backupAgeLimitHours(homelab.backup.schedules[name].cron) * 3600;
    return `(${backupAge(name)}) / ${Math.round(limit)}`;
  });
  return `max(${shares.join(" or ")})`;
}

/** How many services have the gateway's address: one, or none. */
function gatewayAddress({ network }: Homelab): string {
  return countOrZero(`kube_service_status_load_balancer_ingress{ip="${network.gateway.ip}"}`, "kube_service_info");
}

function fine(homelab: Homelab): Section {
  const nodes = homelab.nodes.length;
  const { ip } = homelab.network.gateway;
  const answer = { width: 3, height: 4, decimals: 0 };
  const hourly = longestGapHours(homelab.backup.schedules.hourly.cron);
  return {
    title: "Is the house fine?",
    panels: [
      stat({
        ...answer,
        title: "Critical alerts",
        description: "Firing now. Each has a runbook that begins at the cable: see the list below.",
        queries: [{ expr: countOrZero(firing("critical"), WATCHDOG) }],
        unit: "short",
        thresholds: highIsBad(1, 1),
        noValue: "rules stand still",
      }),
      stat({
        ...answer,
        title: "Warnings",
        description: "Firing now. Look at them today, lower layers first.",
        queries: [{ expr: countOrZero(firing("warning"), WATCHDOG) }],
        unit: "short",
        thresholds: highIsBad(1),
        noValue: "rules stand still",
      }),
      stat({
        ...answer,
        title: `Nodes ready, of ${nodes}`,
        description: "One missing: ping it before anything else, then its power and cable.",
        queries: [{ expr: `sum(${NODE_READY})` }],
        unit: "short",
        thresholds: lowIsBad(nodes, nodes),
        alert: "NodeDown",
      }),
      stat({
        ...answer,
        title: "Volumes with lost copies",
        description: "Degraded or faulted. Delete nothing; check the nodes that carry the copies, and their network.",
        queries: [{ expr: countOrZero(`${VOLUME_ROBUSTNESS} >= 2`, "longhorn_node_status") }],
        unit: "short",
        thresholds: highIsBad(1),
        noValue: "not watched",
        alert: "LonghornVolumeDegraded",
      }),
      stat({
        ...answer,
        title: "Age of backups, of what is allowed",
        description:
          `The worst schedule. 100% is its alert: two runs missed, ${2 * hourly} hours for the hourly one. ` +
          "Open the board of backups.",
        queries: [{ expr: worstBackup(homelab) }],
        unit: "percentunit",
        thresholds: highIsBad(0.75, 1),
        noValue: "no good backup",
        alert: homelab.backup.mode === "restore" ? "BackupsPaused" : "VeleroBackupTooOld",
      }),
      stat({
        ...answer,
        title: "Gateway has its address",
        description: `${ip} is given to a service. If not: kubectl -n networking get gateway,svc, then Cilium's operator.`,
        queries: [{ expr: gatewayAddress(homelab) }],
        unit: "short",
        thresholds: lowIsBad(1, 1),
        noValue: "not watched",
        alert: "CiliumOperatorDown",
      }),
      stat({
        ...answer,
        title: "Next certificate ends in",
        description: "Renewed 30 days before. Below 20: does port 80 of the house still reach the gateway?",
        queries: [{ expr: `min(${CERTIFICATE_LEFT})` }],
        unit: "s",
        thresholds: lowIsBad(4 * DAY, 20 * DAY),
        alert: "CertificateExpiring",
      }),
      stat({
        ...answer,
        title: "Targets that do not answer",
        description: "What Prometheus cannot read is not watched. Its page of targets names the error.",
        queries: [{ expr: countOrZero("up == 0", "up") }],
        unit: "short",
        thresholds: highIsBad(1),
      }),
    ],
  };
}

function now(homelab: Homelab): Section {
  return {
    title: "What is wrong, lowest layer first",
    panels: [
      table({
        title: "Firing alerts",
        description: "Machines and network explain most of the others: begin there.",
        queries: [{ expr: firing("warning|critical") }],
        unit: "short",
        noValue: "nothing fires",
        width: 12,
        height: 8,
        columns: [
          { field: "alertname", title: "Alert" },
          { field: "severity", title: "Severity" },
          { field: "node", title: "Node" },
          { field: "namespace", title: "Namespace" },
          { field: "pod", title: "Pod" },
        ],
      }),
      timeline({
        title: "Layers",
        description: "Red from the left on is what broke first. A layer above a broken one is not the cause.",
        queries: [
          { expr: `min(${NODE_READY})`, legend: "1 machines" },
          { expr: `min(${AGENT_READY})`, legend: "2 network" },
          { expr: `min(${VOLUME_ROBUSTNESS} < bool 3)`, legend: "3 volumes" },
          {
            expr: `(${gatewayAddress(homelab)}) > bool 0`,
            legend: "4 gateway",
          },
          { expr: `${worstBackup(homelab)} < bool 1`, legend: "5 backups" },
        ],
        unit: "short",
        width: 12,
        height: 8,
        states: okStates,
        alert: "NodeDown",
      }),
    ],
  };
}

const machines: Section = {
  title: "Machines",
  panels: [
    lines({
      title: "Processors",
      description: "Share in use. A node at 100% for hours: look at the board of apps for who it is.",
      queries: [
        {
          expr: '1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
          legend: "{{node}}",
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 8,
      height: 8,
    }),
    lines({
      title: "Memory",
      description: "Share in use, caches not counted. Above 95% the kernel begins to kill.",
      queries: [
        {
          expr: "1 - max by (node) (node_memory_MemAvailable_bytes) / max by (node) (node_memory_MemTotal_bytes)",
          legend: "{{node}}",
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 8,
      height: 8,
      thresholds: highIsBad(0.9, 0.95),
    }),
    bars({
      title: "Free on the machines' own disks",
      description:
        "Below 10% an alert fires, below 5% the kubelet evicts pods. Usual suspects: images, journal, local-path.",
      queries: [
        {
          expr: `min by (node, mountpoint) (node_filesystem_avail_bytes{${DISKS}} / node_filesystem_size_bytes{${DISKS}})`,
          legend: "{{node}} {{mountpoint}}",
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 8,
      height: 8,
      thresholds: lowIsBad(0.1, 0.2),
      alert: "NodeFilesystemNearEviction",
    }),
  ],
};

/** The board to open first: is the house fine, and if not, which layer broke? */
export function homeBoard(homelab: Homelab): Board {
  return {
    uid: HOME_DASHBOARD,
    title: "Home",
    description: "Is the house fine? Green above, nothing below: yes.",
    from: "now-24h",
    sections: [fine(homelab), now(homelab), machines],
  };
}
