import type { Homelab } from "../../config/homelab";
import { oneOf } from "./alerts/alert";

/** A rule of Alertmanager: while a source fires, targets whose `equal` labels are the source's are not sent. */
export interface InhibitRule {
  source_matchers: string[];
  target_matchers: string[];
  equal?: string[];
}

/** Alerts that say "this machine", the likelier cause first; while one fires, what is on the machine is no news. */
const MACHINE = ["NodeUnreachable", "NodeDown"] as const;

/**
 * What a missing machine causes without naming it: alerts of the chart by job or workload, and volumes that lost the copy
 * there, wherever they are attached. A faulted volume on another node still speaks.
 * Names: kube-prometheus-stack 77.14.0 templates/prometheus/rules-1.14 general.rules, kubernetes-apps, kubernetes-system-kubelet.
 */
const consequences = [
  "TargetDown",
  "KubePodNotReady",
  "KubeContainerWaiting",
  "KubeDeploymentReplicasMismatch",
  "KubeDeploymentRolloutStuck",
  "KubeStatefulSetReplicasMismatch",
  "KubeDaemonSetRolloutStuck",
  "KubeDaemonSetNotScheduled",
  "KubeDaemonSetMisScheduled",
  "KubeletDown",
  "LonghornVolumeDegraded",
  "CiliumUnreachableNodes",
  "GpuMetricsMissing",
  "AppDown",
] as const;

/** Labels that tell two things apart. Alertmanager takes a label that both lack for equal. */
const thing = [
  ...[
    "alertname",
    "namespace",
    "node",
    "instance",
    "device",
    "mountpoint",
    "gpu",
    "Hostname",
    "disk",
    "driver",
    "peer",
  ],
  ...["slo", "schedule", "name", "exported_namespace", "volume", "pod", "deployment", "app"],
];

/**
 * What may cost data. A machine whose kubelet or network is broken still writes to its disks and can still lose them, so only
 * one that is gone altogether keeps these back. Node* and Kube* without a rule of ours: templates/prometheus/rules-1.14
 * node-exporter and kubernetes-storage.
 */
const dataLoss = [
  "NodeFilesystem.*",
  "NodeRAID.*",
  "KubePersistentVolume.*",
  "LonghornDisk.*",
  "LonghornNodeStorageAlmostFull",
  "LonghornVolumeFaulted",
];

const named = (...names: string[]) => `alertname =~ "${names.join("|")}"`;
const AUDIBLE = 'severity =~ "warning|critical"';

/** Storage server and control plane on it: one machine that takes another with it. */
function hostRules({ controlPlane }: Homelab): InhibitRule[] {
  const names = oneOf([controlPlane.name]);
  const onHost: InhibitRule[] = controlPlane.vm
    ? [
        {
          source_matchers: ['alertname = "NfsServerDown"', 'layer = "L3"', `node = "${controlPlane.vm.host}"`],
          target_matchers: [AUDIBLE, `node =~ "${names}"`],
        },
      ]
    : [];
  // Its API server is gone for every node, and for whoever asks it or renews a lease there.
  const gone = [
    named("ApiUnreachable", "ServiceNetworkBroken", "KubeAPIDown", "KubeAPITerminatedRequests", "AddressNotAnnounced"),
  ];
  return [
    ...onHost,
    { source_matchers: [named(...MACHINE), `node =~ "${names}"`], target_matchers: gone },
    ...onHost.map(({ source_matchers }) => ({ source_matchers, target_matchers: gone })),
  ];
}

/** What is on a machine, silenced by an alert about the machine: everything, or all but what may cost data. */
function onMachine(source: readonly string[], not: readonly string[], goneAltogether: boolean): InhibitRule[] {
  const rule = (severity: string, ...but: readonly string[]): InhibitRule => ({
    source_matchers: [...source],
    target_matchers: [`alertname !~ "${[...not, ...but].join("|")}"`, `severity =~ "${severity}"`, 'node != ""'],
    equal: ["node"],
  });
  return goneAltogether ? [rule("warning|critical")] : [rule("warning"), rule("critical", ...dataLoss)];
}

/** One cause, one message. */
export function inhibitRules(homelab: Homelab): InhibitRule[] {
  return [
    // Of the two, the one that was first and knows the layer.
    ...onMachine(['alertname = "NodeUnreachable"', 'layer = "L3"'], ["NodeUnreachable"], true),
    ...onMachine(['alertname = "NodeUnreachable"', 'layer != "L3"'], ["NodeUnreachable"], false),
    ...onMachine(['alertname = "NodeDown"'], MACHINE, false),
    // A lower layer of the same thing; it stays a while longer than it holds.
    {
      source_matchers: [named("NodeUnreachable", "NfsServerDown"), 'layer = "L3"'],
      target_matchers: [named("NodeUnreachable", "NfsServerDown"), 'layer = "L4"'],
      equal: ["alertname", "node"],
    },
    // Only warnings: whatever is critical on its own is told, whoever caused it.
    {
      source_matchers: [named(...MACHINE, "NfsServerDown")],
      target_matchers: [named(...consequences), 'severity = "warning"'],
    },
    {
      source_matchers: [named(...MACHINE)],
      target_matchers: ['alertname = "SloBudgetBurning"', 'slo =~ "storage|media"'],
    },
    {
      source_matchers: ['alertname = "NfsServerDown"'],
      target_matchers: ['alertname = "SloBudgetBurning"', 'slo = "media"'],
    },
    {
      source_matchers: ['alertname = "GatewayUnreachable"'],
      target_matchers: ['alertname = "SloBudgetBurning"', 'slo = "gateway"'],
    },
    ...hostRules(homelab),
    // The chart says the same of every namespace, without the first thing to do.
    {
      source_matchers: [named("AppDown", "AppJobFailed")],
      target_matchers: [named("KubeDeploymentReplicasMismatch", "KubeDeploymentRolloutStuck", "KubeJobFailed")],
      equal: ["namespace", "deployment", "job_name"],
    },
    // The same alert at its higher severity.
    { source_matchers: ['severity = "critical"'], target_matchers: ['severity =~ "warning|info"'], equal: thing },
    {
      source_matchers: ['alertname = "InfoInhibitor"'],
      target_matchers: ['severity = "info"'],
      equal: ["namespace"],
    },
  ];
}
