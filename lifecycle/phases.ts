import type { ClusterFacts } from "./facts";
import { nodeNamed, type FateOfVolumes } from "./preflight";
import { planDrain, podName } from "./pods";
import { longhornRemains, soleCopies } from "./volumes";

/** Steps of a command, in their order. Each looks for itself whether there is anything left to do. */
export type PhaseName =
  | "cordon"
  | "evict-replicas"
  | "drain"
  | "await-replicas"
  | "teardown"
  | "release-pods"
  | "delete-node"
  | "delete-password"
  | "delete-longhorn-node";

export interface Phase {
  readonly name: PhaseName;
  /** Nothing is left to do. */
  readonly done: boolean;
  /** What it does, for the plan. */
  readonly text: string;
}

/** Time limits, in seconds. */
export interface Limits {
  /** For pods to end, all together. */
  readonly drain: number;
  /** For Longhorn to build its replicas elsewhere. */
  readonly replicas: number;
}

/**
 * Taking a living node out. Longhorn is asked to move its replicas before the drain, so that it copies while pods end.
 * The machine is taken apart before its Node is deleted: an agent that still runs would register it again, as a fresh
 * and schedulable node.
 *
 * The last pods of DaemonSets end with the machine.
 */
export function removalPhases(name: string, facts: ClusterFacts, limits: Limits): Phase[] {
  const node = nodeNamed(facts, name);
  const { longhorn } = facts;
  const longhornNode = longhorn?.nodes.find((one) => one.name === name);
  const remains = longhorn ? longhornRemains(longhorn, name) : [];
  return [
    cordon(name, facts),
    ...(longhorn
      ? [
          {
            name: "evict-replicas" as const,
            done: !longhornNode || (longhornNode.evictionRequested && !longhornNode.allowScheduling),
            text: `ask Longhorn to put nothing more on ${name} and to build its ${longhorn.replicas.filter((one) => one.node === name).length} replicas elsewhere`,
          },
        ]
      : []),
    drain(facts, limits),
    ...(longhorn
      ? [
          {
            name: "await-replicas" as const,
            done: remains.length === 0,
            text: `wait until Longhorn has no replica and no engine on ${name} (at most ${duration(limits.replicas)})`,
          },
        ]
      : []),
    {
      name: "teardown",
      done: false,
      text: "on the machine: end K3s, unmount, verify, delete K3s. Disks, media and snapshots stay",
    },
    deleteNode(name, node !== undefined),
    deletePassword(name, facts),
    ...(longhorn ? [deleteLonghornNode(name, longhornNode !== undefined)] : []),
  ];
}

/** Taking a dead node out, so that another machine can have its name. */
export function forgetPhases(name: string, facts: ClusterFacts, fate: FateOfVolumes): Phase[] {
  const { longhorn } = facts;
  const longhornNode = longhorn?.nodes.some((one) => one.name === name) ?? false;
  const kept = longhorn !== undefined && fate === "keep" && soleCopies(longhorn, name).length > 0;
  const replicas = longhorn?.replicas.filter((replica) => replica.node === name) ?? [];
  const node = nodeNamed(facts, name);
  return [
    cordon(name, facts),
    {
      name: "release-pods",
      done: node === undefined || (node.outOfService && facts.pods.length === 0 && facts.attached.length === 0),
      text: `taint it out-of-service, so that its ${facts.pods.length} pods are deleted by force and its ${facts.attached.length} volumes detached: they start elsewhere`,
    },
    deleteNode(name, node !== undefined),
    deletePassword(name, facts),
    ...(longhorn
      ? [
          kept
            ? {
                name: "delete-longhorn-node" as const,
                done: true,
                text: `keep Longhorn's entry of ${name}: the only copy of ${soleCopies(longhorn, name).length} volumes is on its disks`,
              }
            : {
                ...deleteLonghornNode(name, longhornNode || replicas.length > 0),
                text: `delete Longhorn's entry of ${name}${replicas.length > 0 ? `, and its ${replicas.length} replicas there` : ""}`,
              },
        ]
      : []),
  ];
}

/** Emptying a node for a while. */
export function drainPhases(name: string, facts: ClusterFacts, limits: Limits): Phase[] {
  return [cordon(name, facts), drain(facts, limits)];
}

function cordon(name: string, facts: ClusterFacts): Phase {
  const node = nodeNamed(facts, name);
  return {
    name: "cordon",
    done: node === undefined || (node.unschedulable && node.mark !== undefined),
    text: `cordon ${name}: no new pods`,
  };
}

function drain(facts: ClusterFacts, limits: Limits): Phase {
  const { evict } = planDrain(facts.pods, facts.budgets);
  return {
    name: "drain",
    done: evict.length === 0 && facts.attached.length === 0,
    text: `evict ${evict.length} pods and wait until they have ended and their volumes are detached (at most ${duration(limits.drain)}); pods of DaemonSets stay`,
  };
}

function deleteNode(name: string, exists: boolean): Phase {
  return { name: "delete-node", done: !exists, text: `delete the Node ${name}` };
}

function deletePassword(name: string, { passwordSecret }: ClusterFacts): Phase {
  return {
    name: "delete-password",
    done: !passwordSecret,
    text: `delete the Secret kube-system/${passwordSecretName(name)}, or no other machine could join under this name`,
  };
}

function deleteLonghornNode(name: string, exists: boolean): Phase {
  return { name: "delete-longhorn-node", done: !exists, text: `delete Longhorn's entry of ${name}` };
}

/** Where K3s keeps the password of a node (k3s v1.32.5+k3s1, pkg/nodepassword). */
export function passwordSecretName(node: string): string {
  return `${node}.node-password.k3s`;
}

/** What goes with the pods: contents of emptyDir volumes. */
export function lostScratch(facts: ClusterFacts): string[] {
  return planDrain(facts.pods, facts.budgets)
    .evict.filter((pod) => !pod.finished && pod.emptyDirs.length > 0)
    .map((pod) => `${podName(pod)}: ${pod.emptyDirs.join(", ")}`);
}

export function duration(seconds: number): string {
  return seconds % 3600 === 0 && seconds > 0
    ? `${seconds / 3600} h`
    : seconds % 60 === 0 && seconds > 0
      ? `${seconds / 60} min`
      : `${seconds} s`;
}
