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
  // Its API server is gone for every node, and for whoever asks it.
  const gone = [named("ApiUnreachable", "ServiceNetworkBroken", "KubeAPIDown", "KubeAPITerminatedRequests")];
  return [
    ...onHost,
    { source_matchers: [named(...MACHINE), `node =~ "${names}"`], target_matchers: gone },
    ...onHost.map(({ source_matchers }) => ({ source_matchers, target_matchers: gone })),
  ];
}

/** One cause, one message. */
export function inhibitRules(homelab: Homelab): InhibitRule[] {
  return [
    // Of the two, the one that was first and knows the layer.
    {
      source_matchers: ['alertname = "NodeUnreachable"'],
      target_matchers: ['alertname != "NodeUnreachable"', AUDIBLE, 'node != ""'],
      equal: ["node"],
    },
    {
      source_matchers: ['alertname = "NodeDown"'],
      target_matchers: [`alertname !~ "${MACHINE.join("|")}"`, AUDIBLE, 'node != ""'],
      equal: ["node"],
    },
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
