import type { Homelab } from "../../../config/homelab";
import { nvidiaWorkers, type NvidiaWorker } from "../../gpu/nvidia-values";
import { oneOf } from "../alerts/alert";
import type { Board, Section } from "./board";
import { bars, lines, stat, table } from "./kinds";
import { highIsBad, lowIsBad } from "./panel";

/** Name of the resource as kube-state-metrics writes it. */
const RESOURCE = 'resource="nvidia_com_gpu"';

/** Slices that pods hold or wait for; those of finished pods are free again. */
function requested(matcher: string): string {
  return (
    `kube_pod_container_resource_requests{${RESOURCE}, ${matcher}} * on (namespace, pod) group_left () ` +
    '(max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"}) == 1)'
  );
}

/**
 * A value of a card, once. dcgm-exporter repeats it for each pod that shares the card; names of the metrics: its chart
 * 4.8.2, templates/metrics-configmap.yaml.
 */
function ofCard(field: string): string {
  return `max by (Hostname, gpu) (DCGM_FI_DEV_${field})`;
}

const card = "{{Hostname}} GPU {{gpu}}";

function slicesOf({ name, gpu }: NvidiaWorker): Section["panels"] {
  const allocatable = `kube_node_status_allocatable{${RESOURCE}, node="${name}"}`;
  return [
    stat({
      title: `${name}: slices offered, of ${gpu.slices}`,
      description: `${gpu.model} by time-slicing. Fewer: nvidia-smi on ${name}, then the device plugin's pod.`,
      queries: [{ expr: `sum(${allocatable})` }],
      unit: "short",
      decimals: 0,
      width: 6,
      height: 4,
      thresholds: lowIsBad(1, gpu.slices),
      noValue: "none",
      alert: "GpuGone",
    }),
    stat({
      title: `${name}: slices free`,
      description: "None free: the next pod that asks for one stays Pending. Which app can do without?",
      queries: [{ expr: `sum(${allocatable}) - (sum(${requested(`node="${name}"`)}) or vector(0))` }],
      unit: "short",
      decimals: 0,
      width: 6,
      height: 4,
      thresholds: ["orange", [1, "green"]],
      noValue: "none",
    }),
  ];
}

function slices(workers: readonly NvidiaWorker[]): Section {
  const nodes = oneOf(workers.map(({ name }) => name));
  return {
    title: "Slices",
    panels: [
      ...workers.flatMap(slicesOf),
      stat({
        title: "Pods that wait for a slice",
        description: "Pending without a node. kubectl describe pod says so; take a slice from another app.",
        queries: [{ expr: `(count(${requested('node=""')}) or vector(0)) and on () count(kube_pod_info)` }],
        unit: "short",
        decimals: 0,
        width: 6,
        height: 4,
        thresholds: highIsBad(1),
        noValue: "not watched",
      }),
      stat({
        title: "Last error of the driver (XID)",
        description: "0 is none. Others: dmesg | grep -i xid on the node; NVIDIA's table of XID errors names them.",
        queries: [{ expr: `max(${ofCard("XID_ERRORS")})` }],
        unit: "short",
        decimals: 0,
        width: 6,
        height: 4,
        thresholds: highIsBad(1, 1),
        noValue: "not measured",
        alert: "GpuMetricsMissing",
      }),
      table({
        title: "Who holds slices",
        description: "Slices share one memory: nothing keeps one pod from taking it all.",
        queries: [{ expr: `sum by (node, namespace, pod) (${requested(`node=~"${nodes}"`)})` }],
        unit: "short",
        width: 12,
        height: 8,
        noValue: "nobody",
        columns: [
          { field: "node", title: "Node" },
          { field: "namespace", title: "Namespace" },
          { field: "pod", title: "Pod" },
          { field: "Value", title: "Slices" },
        ],
      }),
      lines({
        title: "Slices held, by namespace",
        description: "Pods that ask for a slice and do not use it cost others theirs: compare with the load below.",
        queries: [{ expr: `sum by (namespace) (${requested(`node=~"${nodes}"`)})`, legend: "{{namespace}}" }],
        unit: "short",
        min: 0,
        width: 12,
        height: 8,
        stacked: true,
      }),
    ],
  };
}

const cards: Section = {
  title: "Cards",
  panels: [
    lines({
      title: "Load",
      description: "Share of time in which the card computed. Encoder and decoder are what transcoding uses.",
      queries: [
        { expr: ofCard("GPU_UTIL"), legend: `${card} compute` },
        { expr: ofCard("ENC_UTIL"), legend: `${card} encoder` },
        { expr: ofCard("DEC_UTIL"), legend: `${card} decoder` },
      ],
      unit: "percent",
      min: 0,
      max: 100,
      width: 12,
      height: 8,
    }),
    lines({
      title: "Memory",
      description: "Used by all slices together. Full: the next load of a model fails; restart who holds most.",
      queries: [
        {
          // MiB, by the exporter's list of metrics.
          expr: `${ofCard("FB_USED")} / (${ofCard("FB_USED")} + ${ofCard("FB_FREE")})`,
          legend: card,
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 12,
      height: 8,
      thresholds: highIsBad(0.9, 0.97),
    }),
    lines({
      title: "Temperature",
      description:
        "A T4 slows down at about 93 degrees and has no fan of its own: the chassis cools it. Is its shroud in place?",
      queries: [{ expr: ofCard("GPU_TEMP"), legend: card }],
      unit: "celsius",
      width: 12,
      height: 8,
      thresholds: highIsBad(82, 90),
      alert: "GpuHot",
    }),
    bars({
      title: "Power now",
      description: "What each card draws; a T4 takes 70 W at most.",
      queries: [{ expr: ofCard("POWER_USAGE"), legend: card }],
      unit: "watt",
      min: 0,
      width: 12,
      height: 8,
      thresholds: ["blue"],
    }),
  ],
};

/** Who has the slices, and what the cards do. undefined for a house without an NVIDIA GPU. */
export function gpuBoard(homelab: Homelab): Board | undefined {
  const workers = nvidiaWorkers(homelab);
  return workers.length === 0
    ? undefined
    : {
        uid: "homelab-gpu",
        title: "GPU",
        description: "Slices of the NVIDIA cards, who holds them, and how hot they are.",
        from: "now-6h",
        sections: [slices(workers), cards],
      };
}
