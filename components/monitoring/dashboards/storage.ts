import type { Homelab } from "../../../config/homelab";
import { MEDIA_CLASS } from "../../storage/media-volume";
import { longhornNodes } from "../../storage/longhorn-nodes";
import { oneOf } from "../alerts/alert";
import type { Board, Section } from "./board";
import { bars, lines, stat, table } from "./kinds";
import { countOrZero, highIsBad, lowIsBad } from "./panel";
import { VOLUME_ROBUSTNESS } from "./queries";

/** States of robustness in longhorn-manager v1.6.2 metrics_collector/volume_collector.go. */
const robustnessStates = {
  0: { text: "detached", colour: "text" },
  1: { text: "healthy", colour: "green" },
  2: { text: "degraded", colour: "orange" },
  3: { text: "faulted", colour: "red" },
} as const;

/** One series for each disk of a tier. Disks have their names from the configuration. */
function ofTier(homelab: Homelab, metric: string, tier: string): string {
  const nodes = homelab.nodes.flatMap(({ name, disks }) => {
    const names = Object.entries(disks)
      .filter(([, disk]) => disk.tier === tier)
      .map(([disk]) => disk);
    return names.length > 0 ? [`${metric}{node="${name}", disk=~"${oneOf(names)}"}`] : [];
  });
  return `max by (node, disk) (${nodes.join(" or ")})`;
}

/** Bytes that the volumes of a class may grow to, without their copies. */
function promised(storageClass: string): string {
  return (
    "sum(max by (namespace, persistentvolumeclaim) (kube_persistentvolumeclaim_resource_requests_storage_bytes) * on " +
    "(namespace, persistentvolumeclaim) group_left () max by (namespace, persistentvolumeclaim) " +
    `(kube_persistentvolumeclaim_info{storageclass="${storageClass}"}))`
  );
}

function health(homelab: Homelab): Section {
  const nodes = longhornNodes(homelab);
  const answer = { width: 6, height: 4, decimals: 0, unit: "short" };
  return {
    title: "Health",
    panels: [
      stat({
        ...answer,
        title: "Volumes without a usable copy",
        description: "Delete nothing. Is every node up that held a copy? Then salvage in Longhorn's UI.",
        queries: [{ expr: countOrZero(`${VOLUME_ROBUSTNESS} == 3`, "longhorn_node_status") }],
        thresholds: highIsBad(1, 1),
        noValue: "not watched",
        alert: "LonghornVolumeFaulted",
      }),
      stat({
        ...answer,
        title: "Volumes that lost a copy",
        description: "A rebuild starts by itself. If it does not: network and disks of the nodes of the tier.",
        queries: [{ expr: countOrZero(`${VOLUME_ROBUSTNESS} == 2`, "longhorn_node_status") }],
        thresholds: highIsBad(1),
        noValue: "not watched",
        alert: "LonghornVolumeDegraded",
      }),
      stat({
        ...answer,
        title: "Disks that are not usable",
        description: "On the node: findmnt and dmesg. A path that is not mounted would be written to the root disk.",
        queries: [
          {
            expr: countOrZero(
              'min by (node, disk) (longhorn_disk_status{condition="ready"}) == 0',
              "longhorn_disk_status",
            ),
          },
        ],
        thresholds: highIsBad(1, 1),
        noValue: "not watched",
        alert: "LonghornDiskNotReady",
      }),
      stat({
        ...answer,
        title: `Managers that report, of ${nodes.length}`,
        description: "A manager reports its own node only: a silent one hides its volumes. Ping its node first.",
        queries: [{ expr: 'count(max by (node) (longhorn_node_status{condition="ready"}))' }],
        thresholds: lowIsBad(nodes.length, nodes.length),
        noValue: "not watched",
        alert: "LonghornManagerGone",
      }),
    ],
  };
}

function tiers(homelab: Homelab): Section {
  const all = Object.entries(homelab.storage.tiers);
  const width = Math.max(4, Math.floor(24 / all.length));
  return {
    title: "Tiers",
    panels: [
      ...all.map(([name, { storageClass, purpose, replicas }]) =>
        stat({
          title: `${name}: used`,
          description: `Class ${storageClass}, copies: ${replicas}. For: ${purpose}. Too full: delete old snapshots first.`,
          queries: [
            {
              expr:
                `sum(${ofTier(homelab, "longhorn_disk_usage_bytes", name)}) / ` +
                `sum(${ofTier(homelab, "longhorn_disk_capacity_bytes", name)})`,
            },
          ],
          unit: "percentunit",
          decimals: 0,
          width,
          height: 4,
          thresholds: highIsBad(0.75, 0.85),
          alert: "LonghornDiskAlmostFull",
        }),
      ),
      bars({
        title: "Used of each disk",
        description: "Longhorn places copies by disk. At 85% an alert fires: delete snapshots, then move volumes.",
        queries: [
          {
            expr: "max by (node, disk) (longhorn_disk_usage_bytes) / (max by (node, disk) (longhorn_disk_capacity_bytes) > 0)",
            legend: "{{node}} {{disk}}",
          },
        ],
        unit: "percentunit",
        min: 0,
        max: 1,
        width: 12,
        height: 10,
        thresholds: highIsBad(0.75, 0.85),
        alert: "LonghornDiskAlmostFull",
      }),
      bars({
        title: "Promised to claims, by class",
        description: "What volumes may grow to, each copy not counted. Compare with the size of the tier's disks.",
        queries: all.map(([, { storageClass }]) => ({ expr: promised(storageClass), legend: storageClass })),
        unit: "bytes",
        min: 0,
        width: 12,
        height: 10,
        thresholds: ["blue"],
      }),
    ],
  };
}

const volumes: Section = {
  title: "Volumes",
  panels: [
    table({
      title: "Volumes",
      description: "Size is what the claim may grow to; space is what each copy takes on disk, with its snapshots.",
      queries: [
        { expr: VOLUME_ROBUSTNESS },
        { expr: "max by (volume, pvc, pvc_namespace) (longhorn_volume_actual_size_bytes)" },
        { expr: "max by (volume, pvc, pvc_namespace) (longhorn_volume_capacity_bytes)" },
      ],
      unit: "short",
      width: 12,
      height: 10,
      alert: "LonghornVolumeDegraded",
      columns: [
        { field: "pvc_namespace", title: "Namespace" },
        { field: "pvc", title: "Claim" },
        { field: "Value #A", title: "Copies", states: robustnessStates },
        { field: "Value #B", title: "Space", unit: "bytes" },
        { field: "Value #C", title: "Size", unit: "bytes" },
      ],
    }),
    bars({
      title: "Fullest file systems inside volumes",
      description:
        "At 100% the app stops writing. Delete inside the app, or raise the claim's size: Longhorn grows it online.",
      queries: [
        {
          expr:
            "topk(12, max by (namespace, persistentvolumeclaim) " +
            "(kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes))",
          legend: "{{namespace}}/{{persistentvolumeclaim}}",
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 12,
      height: 10,
      thresholds: highIsBad(0.8, 0.9),
    }),
    lines({
      title: "Read",
      description: "The ten busiest volumes, as Longhorn measures them.",
      queries: [
        {
          expr: "topk(10, max by (pvc_namespace, pvc) (longhorn_volume_read_throughput))",
          legend: "{{pvc_namespace}}/{{pvc}}",
        },
      ],
      unit: "Bps",
      min: 0,
      width: 8,
      height: 8,
    }),
    lines({
      title: "Written",
      description: "The ten busiest volumes. Each copy is written once over the network.",
      queries: [
        {
          expr: "topk(10, max by (pvc_namespace, pvc) (longhorn_volume_write_throughput))",
          legend: "{{pvc_namespace}}/{{pvc}}",
        },
      ],
      unit: "Bps",
      min: 0,
      width: 8,
      height: 8,
    }),
    lines({
      title: "Latency of writes",
      description:
        "The ten slowest volumes. If all of one tier are slow, look at its disks; if all are, at the network.",
      queries: [
        {
          expr: "topk(10, max by (pvc_namespace, pvc) (longhorn_volume_write_latency))",
          legend: "{{pvc_namespace}}/{{pvc}}",
        },
      ],
      unit: "ns",
      min: 0,
      width: 8,
      height: 8,
    }),
  ],
};

/** The share on the file server, as the pods that mount it see it. */
function media(): Section {
  const ofMedia = (metric: string) =>
    `max(${metric} * on (namespace, persistentvolumeclaim) group_left () max by (namespace, persistentvolumeclaim) ` +
    `(kube_persistentvolumeclaim_info{storageclass="${MEDIA_CLASS}"}))`;
  return {
    title: "Media share",
    panels: [
      stat({
        title: "Used",
        description: "Seen by pods that mount it. No data: no pod does, or the file server does not answer: ping it.",
        queries: [
          { expr: `${ofMedia("kubelet_volume_stats_used_bytes")} / ${ofMedia("kubelet_volume_stats_capacity_bytes")}` },
        ],
        unit: "percentunit",
        decimals: 0,
        width: 6,
        height: 6,
        thresholds: highIsBad(0.85, 0.95),
        noValue: "not mounted",
        alert: "MediaAlmostFull",
      }),
      lines({
        title: "Free",
        description: "How fast it fills. Not backed up to B2 by design.",
        queries: [{ expr: ofMedia("kubelet_volume_stats_available_bytes"), legend: "free" }],
        unit: "bytes",
        min: 0,
        width: 18,
        height: 6,
      }),
    ],
  };
}

/** Storage by tier: is every copy there, and how full is it? */
export function storageBoard(homelab: Homelab): Board {
  return {
    uid: "homelab-storage",
    title: "Storage",
    description: "Longhorn's tiers, disks and volumes, and the media share.",
    from: "now-24h",
    sections: [health(homelab), tiers(homelab), volumes, ...(homelab.storage.media ? [media()] : [])],
  };
}
