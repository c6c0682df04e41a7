import type {
  ClusterFacts,
  LonghornFacts,
  LonghornNode,
  LonghornReplica,
  LonghornVolume,
  PodFacts,
} from "../../lifecycle/facts";
import type { Worker } from "../../config/homelab";
import { home } from "../support/home";

export const GIB = 2 ** 30;

/** The home stack's worker k3s3, with what its owner would have filled in. */
export function worker(): Worker {
  const found = home((config) => {
    config.machines.k3s3.identity.value = "BOX3";
    config.machines.k3s3.ssh.hostKey =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
  }).workers.find(({ name }) => name === "k3s3");
  return found!;
}

export function pod(name: string, more: Partial<PodFacts> = {}): PodFacts {
  return {
    namespace: "media",
    name,
    uid: `uid-${name}`,
    labels: { app: name },
    controller: "ReplicaSet",
    mirror: false,
    finished: false,
    terminating: false,
    emptyDirs: [],
    ...more,
  };
}

export function volume(name: string, more: Partial<LonghornVolume> = {}): LonghornVolume {
  return {
    name,
    numberOfReplicas: 2,
    robustness: "healthy",
    state: "attached",
    size: 10 * GIB,
    diskSelector: [],
    nodeSelector: [],
    claim: `media/${name}-data`,
    ...more,
  };
}

export function replica(of: string, node: string, more: Partial<LonghornReplica> = {}): LonghornReplica {
  return { name: `${of}-r-${node}`, volume: of, node, disk: `${node}-disk`, healthy: true, failed: false, ...more };
}

export function longhornNode(name: string, more: Partial<LonghornNode> = {}): LonghornNode {
  return {
    name,
    ready: true,
    allowScheduling: true,
    evictionRequested: false,
    tags: [],
    disks: [
      {
        name: "system",
        uuid: `${name}-disk`,
        ready: true,
        schedulable: true,
        tags: [],
        maximum: 300 * GIB,
        available: 200 * GIB,
        reserved: 30 * GIB,
        scheduled: 0,
      },
    ],
    ...more,
  };
}

/** Longhorn on three nodes with one disk each. */
export function longhorn(more: Partial<LonghornFacts> = {}): LonghornFacts {
  return {
    volumes: [],
    replicas: [],
    nodes: ["k3s1", "k3s2", "k3s3"].map((name) => longhornNode(name)),
    engines: [],
    settings: {
      softAntiAffinity: false,
      emptyDiskSelector: false,
      emptyNodeSelector: true,
      overProvisioningPercentage: 100,
      minimalAvailablePercentage: 25,
    },
    ...more,
  };
}

/** The home cluster, healthy and idle, around k3s3. */
export function facts(more: Partial<ClusterFacts> = {}): ClusterFacts {
  const node = (name: string, address: string) => ({
    name,
    address,
    ready: true,
    unschedulable: false,
    outOfService: false,
  });
  return {
    nodes: [
      node("k3s-master1", "192.168.10.30"),
      node("k3s1", "192.168.10.21"),
      node("k3s2", "192.168.10.23"),
      node("k3s3", "192.168.10.31"),
    ],
    pods: [],
    budgets: [],
    localVolumes: [],
    attached: [],
    passwordSecret: true,
    longhorn: longhorn(),
    ...more,
  };
}
