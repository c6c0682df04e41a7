import type {
  V1Node,
  V1PersistentVolume,
  V1Pod,
  V1PodDisruptionBudget,
  V1NodeSelectorTerm,
} from "@kubernetes/client-node";
import {
  MARK,
  type BudgetFacts,
  type LocalVolumeFacts,
  type LonghornFacts,
  type NodeFacts,
  type PodFacts,
} from "../facts";

/** A custom resource as it comes from the API. */
export interface Raw {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string };
  // Fields differ by kind and are checked where they are read.
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  value?: string;
}

export function nodeFacts({ metadata, spec, status }: V1Node): NodeFacts {
  return {
    name: metadata?.name ?? "",
    address: status?.addresses?.find(({ type }) => type === "InternalIP")?.address,
    ready: status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false,
    machineId: status?.nodeInfo?.machineID || undefined,
    unschedulable: spec?.unschedulable ?? false,
    mark: metadata?.annotations?.[MARK],
    outOfService: spec?.taints?.some(({ key }) => key === "node.kubernetes.io/out-of-service") ?? false,
  };
}

export function podFacts({ metadata, spec, status }: V1Pod): PodFacts {
  return {
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    labels: metadata?.labels ?? {},
    controller: metadata?.ownerReferences?.find(({ controller }) => controller)?.kind,
    mirror: metadata?.annotations?.["kubernetes.io/config.mirror"] !== undefined,
    finished: status?.phase === "Succeeded" || status?.phase === "Failed",
    terminating: metadata?.deletionTimestamp !== undefined,
    emptyDirs: (spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined).map(({ name }) => name),
  };
}

export function budgetFacts({ metadata, spec, status }: V1PodDisruptionBudget): BudgetFacts {
  return {
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    selector: spec?.selector,
    desiredHealthy: status?.desiredHealthy ?? 0,
    expectedPods: status?.expectedPods ?? 0,
  };
}

export function localVolumeFacts(volumes: readonly V1PersistentVolume[], node: string): LocalVolumeFacts[] {
  return volumes
    .filter(({ spec }) => {
      const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
      return terms.length > 0 && terms.every((term) => isPinned(term, node));
    })
    .map(({ metadata, spec }) => ({
      name: metadata?.name ?? "",
      storageClass: spec?.storageClassName,
      claim:
        spec?.claimRef?.name === undefined
          ? undefined
          : { namespace: spec.claimRef.namespace ?? "", name: spec.claimRef.name },
    }));
}

/** Whether a term lets a volume be used on this node and on no other. */
function isPinned({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm, node: string): boolean {
  const names = [
    ...matchExpressions.filter(({ key }) => key === "kubernetes.io/hostname"),
    ...matchFields.filter(({ key }) => key === "metadata.name"),
  ];
  return names.some(({ operator, values = [] }) => operator === "In" && values.length === 1 && values[0] === node);
}

/** Fields as longhorn.io/v1beta2 of v1.6.2 has them (k8s/pkg/apis/longhorn/v1beta2). */
export function longhornFacts(
  lists: Readonly<Record<"volumes" | "replicas" | "nodes" | "engines" | "settings", readonly Raw[]>>,
  node: string,
): LonghornFacts {
  const setting = new Map(lists.settings.map(({ metadata, value }) => [metadata.name, value]));
  const percentage = (name: string, fallback: number) => Number(setting.get(name) ?? fallback);
  return {
    volumes: lists.volumes.map(({ metadata, spec = {}, status = {} }) => {
      const bound = status.kubernetesStatus as { namespace?: string; pvcName?: string } | undefined;
      return {
        name: metadata.name,
        numberOfReplicas: Number(spec.numberOfReplicas ?? 1),
        robustness: word(status.robustness),
        state: word(status.state),
        size: Number(spec.size ?? 0),
        diskSelector: words(spec.diskSelector),
        nodeSelector: words(spec.nodeSelector),
        claim: bound?.pvcName ? `${bound.namespace ?? ""}/${bound.pvcName}` : undefined,
      };
    }),
    replicas: lists.replicas.map(({ metadata, spec = {} }) => ({
      name: metadata.name,
      volume: word(spec.volumeName),
      node: word(spec.nodeID),
      disk: word(spec.diskID),
      healthy: word(spec.healthyAt) !== "" && word(spec.failedAt) === "" && metadata.deletionTimestamp === undefined,
      failed: word(spec.failedAt) !== "",
    })),
    nodes: lists.nodes.map(({ metadata, spec = {}, status = {} }) => {
      const known = (status.diskStatus ?? {}) as Record<string, Record<string, unknown>>;
      return {
        name: metadata.name,
        ready: condition(status, "Ready"),
        allowScheduling: spec.allowScheduling === true,
        evictionRequested: spec.evictionRequested === true,
        tags: words(spec.tags),
        disks: Object.entries((spec.disks ?? {}) as Record<string, Record<string, unknown>>).map(([name, disk]) => ({
          name,
          uuid: word(known[name]?.diskUUID),
          ready: condition(known[name] ?? {}, "Ready"),
          schedulable:
            disk.allowScheduling === true &&
            disk.evictionRequested !== true &&
            condition(known[name] ?? {}, "Schedulable"),
          tags: words(disk.tags),
          maximum: Number(known[name]?.storageMaximum ?? 0),
          available: Number(known[name]?.storageAvailable ?? 0),
          reserved: Number(disk.storageReserved ?? 0),
          scheduled: Number(known[name]?.storageScheduled ?? 0),
        })),
      };
    }),
    engines: lists.engines
      .filter(({ spec = {}, status = {} }) => spec.nodeID === node && status.currentState !== "stopped")
      .map(({ spec = {} }) => word(spec.volumeName)),
    settings: {
      softAntiAffinity: setting.get("replica-soft-anti-affinity") === "true",
      // Longhorn's own defaults: types/setting.go.
      emptyDiskSelector: (setting.get("allow-empty-disk-selector-volume") ?? "true") === "true",
      emptyNodeSelector: (setting.get("allow-empty-node-selector-volume") ?? "true") === "true",
      overProvisioningPercentage: percentage("storage-over-provisioning-percentage", 100),
      minimalAvailablePercentage: percentage("storage-minimal-available-percentage", 25),
    },
  };
}

function condition(status: Record<string, unknown>, wanted: string): boolean {
  const conditions = (status.conditions ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status: found }) => type === wanted && found === "True");
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function words(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
