import type { Homelab, Worker } from "../../config/homelab";
import { labelProblem } from "../../config/labels";
import { compareVersions, version } from "../../config/version";
import { toYaml } from "../../config/yaml";
import { knownFlags, packagedComponents, type K3sKind } from "./flags";
import { CONTROL_PLANE_TAINT, nodeLabels } from "./labels";
import { paths } from "./paths";

/** Port of the API server and of K3s' own supervisor. */
export const API_PORT = 6443;

/**
 * Secret in kube-system that holds the S3 settings of etcd snapshots (keys etcd-s3-endpoint, etcd-s3-region,
 * etcd-s3-bucket, etcd-s3-access-key, etcd-s3-secret-key ...). K3s reads it at each snapshot, so it may come later; and
 * only while no other etcd-s3-* flag is set (pkg/etcd/s3/s3.go, v1.32.5+k3s1).
 */
export const ETCD_S3_SECRET = "k3s-etcd-snapshot-s3-config";

/** What every node's config.yaml says. */
interface NodeConfig {
  "node-name": string;
  "node-ip": string;
  "node-label"?: string[];
  "node-taint"?: string[];
  "token-file": string;
  "kubelet-arg": string[];
  "protect-kernel-defaults": true;
}

/** config.yaml of the control plane. */
export interface ServerConfig extends NodeConfig {
  "tls-san": string[];
  "write-kubeconfig-mode": "0600";
  "agent-token-file": string;
  "cluster-init": true;
  "cluster-cidr": string;
  "service-cidr": string;
  "cluster-dns": string;
  "flannel-backend": "none";
  "disable-kube-proxy": true;
  "disable-network-policy": true;
  "disable-helm-controller": true;
  disable: string[];
  "secrets-encryption": true;
  "etcd-snapshot-schedule-cron": string;
  "etcd-snapshot-retention": number;
  "etcd-snapshot-compress": true;
  "etcd-s3": true;
  "etcd-s3-config-secret": string;
}

/** config.yaml of a worker. */
export interface AgentConfig extends NodeConfig {
  server: string;
  "nonroot-devices"?: true;
}

/**
 * Percent of a disk that must be free, or the kubelet evicts pods: of an agent K3s' own limit (pkg/daemons/agent/agent.go), of
 * the control plane ours.
 */
export const EVICTION_PERCENT: Readonly<Record<K3sKind, number>> = { server: 10, agent: 5 };

/**
 * Kubelet limits of a control plane with a small disk that it shares with etcd. K3s' own are 5% of the disk and no
 * memory limit at all (pkg/daemons/agent/agent.go): on 24 GB that leaves 1.2 GB, on which etcd runs full. So images go
 * at 75% and pods before the last 10%, and before the API server's neighbours drive it into the OOM killer.
 */
const controlPlaneLimits = [
  `eviction-hard=imagefs.available<${EVICTION_PERCENT.server}%,memory.available<256Mi,nodefs.available<${EVICTION_PERCENT.server}%,nodefs.inodesFree<5%`,
  "image-gc-high-threshold=75",
  "image-gc-low-threshold=65",
];

/**
 * The control plane's configuration.
 *
 * It is tainted as soon as there are workers: 8 GB and 24 GB belong to etcd and the API server, whose latency is that of
 * the whole cluster, and it carries no Longhorn disk. Cilium, CoreDNS, metrics-server, node exporters and CSI node plugins
 * tolerate the taint. K3s applies taints at the first registration only.
 *
 * local-storage is off because the storage component owns that provisioner, helm-controller because nothing here is a
 * HelmChart object; metrics-server stays. etcd (`cluster-init`) instead of SQLite, because only etcd has snapshots.
 */
export function serverConfig(homelab: Homelab): ServerConfig {
  const { controlPlane: node, network, backup, workers } = homelab;
  const taints = workers.length > 0 ? [CONTROL_PLANE_TAINT, ...node.taints] : [...node.taints];
  return {
    "node-name": node.name,
    "node-ip": node.address,
    ...listed("node-label", nodeLabels(node)),
    ...listed("node-taint", [...new Set(taints)]),
    "tls-san": [node.address, node.name, `${node.name}.${network.domain}`],
    "write-kubeconfig-mode": "0600",
    "token-file": paths.serverToken,
    "agent-token-file": paths.agentToken,
    "cluster-init": true,
    "cluster-cidr": network.podCidr,
    "service-cidr": network.serviceCidr,
    "cluster-dns": homelab.clusterDns,
    "flannel-backend": "none",
    "disable-kube-proxy": true,
    "disable-network-policy": true,
    "disable-helm-controller": true,
    disable: ["traefik", "servicelb", "local-storage"],
    "secrets-encryption": true,
    "etcd-snapshot-schedule-cron": backup.etcd.cron,
    "etcd-snapshot-retention": backup.etcd.retention,
    "etcd-snapshot-compress": true,
    "etcd-s3": true,
    "etcd-s3-config-secret": ETCD_S3_SECRET,
    "kubelet-arg": [kubeletRootArgument(homelab), ...controlPlaneLimits],
    "protect-kernel-defaults": true,
  };
}

/** A worker's configuration. It joins with the agent token and never sees the server's. */
export function agentConfig(homelab: Homelab, worker: Worker): AgentConfig {
  return {
    server: `https://${homelab.controlPlane.address}:${API_PORT}`,
    "token-file": paths.agentToken,
    "node-name": worker.name,
    "node-ip": worker.address,
    ...listed("node-label", nodeLabels(worker)),
    ...listed("node-taint", [...worker.taints]),
    "kubelet-arg": [kubeletRootArgument(homelab)],
    "protect-kernel-defaults": true,
    ...(worker.quickSync && knowsNonrootDevices(homelab) ? { "nonroot-devices": true } : {}),
  };
}

/**
 * Whether the agents give a device to the user of the pod that has it. Without that a render device stays with the host's
 * group `render`, whose number differs from machine to machine, and a pod that is not root transcodes in software.
 * The key came with k3s-io/k3s#11200; an agent that does not know it does not start.
 */
function knowsNonrootDevices({ versions: { k3s } }: Homelab): boolean {
  return compareVersions(version((k3s.agent ?? k3s).version), { major: 1, minor: 32, patch: 0 }) >= 0;
}

/**
 * The text of config.yaml.
 *
 * @throws Error naming every problem that `validateK3sConfig` finds.
 */
export function k3sConfigYaml(kind: K3sKind, config: ServerConfig | AgentConfig): string {
  const problems = validateK3sConfig(kind, config);
  if (problems.length > 0) {
    throw new Error(`K3s ${kind} configuration of ${config["node-name"]}:\n  ${problems.join("\n  ")}`);
  }
  return toYaml(config);
}

/**
 * Finds what K3s itself would not report in time: an unknown key is only a warning on a server and fatal on an agent
 * (pkg/configfilearg/parser.go, v1.32.5+k3s1), an unknown component in `disable` is nothing at all.
 *
 * @returns one line per problem; empty for a good configuration.
 */
export function validateK3sConfig(kind: K3sKind, config: object): string[] {
  const values = config as Readonly<Record<string, unknown>>;
  const keys = Object.keys(values);
  const otherKind = kind === "server" ? "agent" : "server";
  const list = (key: string) => (Array.isArray(values[key]) ? (values[key] as unknown[]).map(String) : []);

  const problems = keys
    .filter((key) => !knownFlags[kind].has(key))
    .map((key) =>
      knownFlags[otherKind].has(key)
        ? `${key} is a key of ${otherKind}s; a K3s ${kind} does not have it`
        : `${key} is no key of K3s`,
    );
  for (const key of ["token", "agent-token", "etcd-s3-access-key", "etcd-s3-secret-key"]) {
    if (key in values) {
      problems.push(
        `${key} holds a secret in clear text; ${key.startsWith("etcd") ? "use the Secret" : `use ${key}-file`}`,
      );
    }
  }
  if (!list("kubelet-arg").some((argument) => argument.startsWith("root-dir=/"))) {
    problems.push("kubelet-arg does not state root-dir; every CSI driver is told the same path and must be right");
  }
  const s3 = keys.filter((key) => key.startsWith("etcd-s3-") && key !== "etcd-s3-config-secret");
  if ("etcd-s3-config-secret" in values && s3.length > 0) {
    problems.push(`etcd-s3-config-secret is ignored by K3s as soon as ${s3.join(", ")} is set`);
  }
  for (const component of list("disable").filter((name) => !packagedComponents.has(name))) {
    problems.push(`disable: ${component} is no component of K3s (${[...packagedComponents].join(", ")})`);
  }
  for (const label of list("node-label")) {
    const [, key, value] = /^([^=]*)=?(.*)$/s.exec(label) ?? ["", label, ""];
    const problem = labelProblem(key, value);
    if (problem !== undefined) {
      problems.push(`node-label ${label}: ${problem}`);
    }
  }
  return problems;
}

function kubeletRootArgument(homelab: Homelab): string {
  return `root-dir=${homelab.cluster.kubeletRoot}`;
}

function listed<K extends string>(key: K, values: string[]): Partial<Record<K, string[]>> {
  return values.length === 0 ? {} : ({ [key]: values } as Record<K, string[]>);
}
