/**
 * What is decided from: the cluster as it stands around one node, as plain data. Read by actors/cluster.ts, judged by
 * the pure functions beside this file.
 */
export interface ClusterFacts {
  /** Names and addresses of all nodes. */
  readonly nodes: readonly NodeFacts[];
  /** Pods on the node. */
  readonly pods: readonly PodFacts[];
  /** Every PodDisruptionBudget. */
  readonly budgets: readonly BudgetFacts[];
  /** PersistentVolumes that can be mounted on the node and nowhere else. */
  readonly localVolumes: readonly LocalVolumeFacts[];
  /** Volumes that are attached to the node, by the name of their PersistentVolume. */
  readonly attached: readonly string[];
  /** Whether the Secret with the node's K3s password is there. */
  readonly passwordSecret: boolean;
  /** Undefined: Longhorn is not installed. */
  readonly longhorn?: LonghornFacts;
}

export interface NodeFacts {
  readonly name: string;
  /** InternalIP; undefined if the node has none. */
  readonly address?: string;
  readonly ready: boolean;
  /** /etc/machine-id of the machine whose kubelet has registered it. */
  readonly machineId?: string;
  /** Cordoned. */
  readonly unschedulable: boolean;
  /** What one of these commands has written on it; see MARK. */
  readonly mark?: string;
  readonly outOfService: boolean;
}

/** Annotation of a node that one of these commands has cordoned; its value is the command. */
export const MARK = "homelab/lifecycle";

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Kind of its controller; undefined for a pod that nobody would make again. */
  readonly controller?: string;
  /** Made by the kubelet from a file; the API server cannot end it. */
  readonly mirror: boolean;
  /** Succeeded or Failed. */
  readonly finished: boolean;
  /** Being deleted. */
  readonly terminating: boolean;
  /** Names of its emptyDir volumes. */
  readonly emptyDirs: readonly string[];
}

/** A PodDisruptionBudget; numbers are those of its status, which the disruption controller keeps. */
export interface BudgetFacts {
  readonly namespace: string;
  readonly name: string;
  /** Undefined matches no pod, an empty one every pod of the namespace (policy/v1). */
  readonly selector?: LabelSelector;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface LocalVolumeFacts {
  readonly name: string;
  readonly storageClass?: string;
  /** Claim that it is bound to. */
  readonly claim?: { readonly namespace: string; readonly name: string };
}

/** Longhorn's own objects, as longhorn.io/v1beta2 of v1.6.2 has them. */
export interface LonghornFacts {
  readonly volumes: readonly LonghornVolume[];
  readonly replicas: readonly LonghornReplica[];
  readonly nodes: readonly LonghornNode[];
  /** Names of volumes whose engine runs on the node. */
  readonly engines: readonly string[];
  readonly settings: LonghornSettingsFacts;
}

export interface LonghornVolume {
  readonly name: string;
  readonly numberOfReplicas: number;
  /** healthy, degraded, faulted; unknown while detached. */
  readonly robustness: string;
  /** attached, detached ... */
  readonly state: string;
  /** Bytes. */
  readonly size: number;
  readonly diskSelector: readonly string[];
  readonly nodeSelector: readonly string[];
  /** Claim that it serves, as namespace/name. */
  readonly claim?: string;
}

export interface LonghornReplica {
  readonly name: string;
  readonly volume: string;
  /** Empty while it has no place yet. */
  readonly node: string;
  /** UUID of the disk that it lies on; empty while it has no place yet. */
  readonly disk: string;
  /** It has been complete at least once, has not failed since, and is not being deleted. */
  readonly healthy: boolean;
  readonly failed: boolean;
}

export interface LonghornNode {
  readonly name: string;
  readonly ready: boolean;
  readonly allowScheduling: boolean;
  readonly evictionRequested: boolean;
  readonly tags: readonly string[];
  readonly disks: readonly LonghornDisk[];
}

export interface LonghornDisk {
  readonly name: string;
  /** Written on the disk itself; empty as long as Longhorn has not read it. */
  readonly uuid: string;
  /** Longhorn's condition Ready: it is mounted, and is the one that it was. */
  readonly ready: boolean;
  readonly schedulable: boolean;
  readonly tags: readonly string[];
  /** Bytes. */
  readonly maximum: number;
  readonly available: number;
  readonly reserved: number;
  readonly scheduled: number;
}

export interface LonghornSettingsFacts {
  /** Two replicas of a volume may lie on one node. */
  readonly softAntiAffinity: boolean;
  /** A volume without a disk selector may lie on a disk with tags. */
  readonly emptyDiskSelector: boolean;
  /** The same for nodes. */
  readonly emptyNodeSelector: boolean;
  readonly overProvisioningPercentage: number;
  readonly minimalAvailablePercentage: number;
}

/** What a person is told: what stands in the way, and the next thing to do. */
export interface Refusal {
  /** For example `volume pvc-1 (media/jellyfin-config)`. */
  readonly what: string;
  readonly why: string;
  readonly wayOut: string;
}
