import type { NodeMachine, Worker } from "../config/homelab";
import { UserError } from "../plan/user-error";
import type { Cluster } from "./actors/cluster";
import { drain, realClock, type Clock } from "./drain";
import type { ClusterFacts, Refusal } from "./facts";
import {
  drainPhases,
  duration,
  forgetPhases,
  lostScratch,
  removalPhases,
  type Limits,
  type Phase,
  type PhaseName,
} from "./phases";
import { planDrain } from "./pods";
import { forgetRefusals, nodeNamed, removalRefusals, type FateOfVolumes, type HostFinding } from "./preflight";
import { longhornRemains, lostWithout, soleCopies, volumeName } from "./volumes";

/** Everything that a command works with. */
export interface Site {
  readonly cluster: Cluster;
  readonly limits: Limits;
  readonly say: (line: string) => void;
  readonly lookAtHost: (worker: Worker) => Promise<HostFinding>;
  readonly tearDown: (worker: Worker) => Promise<string[]>;
  readonly clock?: Clock;
}

/** How far a command may go. */
export interface Go {
  /** Only say what would be done. */
  readonly dryRun: boolean;
  /** The node's name, typed once more by the person who means it. */
  readonly confirmed?: string;
}

const POLL_MILLISECONDS = 5000;

/** Takes a living node out of the cluster for good. @returns whether it was done. */
export async function remove(site: Site, worker: Worker, go: Go): Promise<boolean> {
  const { name } = worker;
  const facts = await site.cluster.facts(name);
  const phases = removalPhases(name, facts, site.limits);
  sayPlan(site, `Plan to remove ${name}`, phases);
  sayScratch(site, facts);
  refuse(removalRefusals(worker, facts, await site.lookAtHost(worker)));
  if (!mayGo(site, go, name, "remove")) {
    return false;
  }
  await run(site, name, phases, {
    cordon: () => site.cluster.cordon(name, "remove"),
    "evict-replicas": () => site.cluster.evictReplicas(name, true),
    drain: () => drain(site.cluster, name, site.limits.drain, site.say, site.clock),
    "await-replicas": () => awaitReplicas(site, name),
    teardown: async () => {
      await lastLook(site, worker);
      for (const line of await site.tearDown(worker)) {
        site.say(`  ${line}`);
      }
    },
    "delete-node": () => site.cluster.deleteNode(name),
    "delete-password": () => site.cluster.deletePassword(name),
    "delete-longhorn-node": () => deleteLonghornNode(site, name),
  });
  return true;
}

/** Takes a dead node out of the cluster, so that another machine can have its name. @returns whether it was done. */
export async function forget(site: Site, worker: Worker, go: Go, fate: FateOfVolumes): Promise<boolean> {
  const { name } = worker;
  const facts = await site.cluster.facts(name);
  const phases = forgetPhases(name, facts, fate);
  sayPlan(site, `Plan to forget ${name}, whose machine is dead`, phases);
  const sole = facts.longhorn ? soleCopies(facts.longhorn, name) : [];
  for (const volume of sole) {
    site.say(`  ${volumeName(volume)}: its only copy is on the disks of ${name}`);
  }
  for (const { name: volume, claim } of facts.localVolumes) {
    site.say(
      `  volume ${volume}${claim ? ` (${claim.namespace}/${claim.name})` : ""} was a directory on ${name}; what needs it waits until its claim is deleted`,
    );
  }
  const host = await site.lookAtHost(worker);
  site.say(
    `  the machine at ${worker.address}: ${"detail" in host ? host.detail : `it answers, with machine-id ${host.machineId}`}`,
  );
  refuse(forgetRefusals(worker, facts, host, fate));
  if (!mayGo(site, go, name, "forget")) {
    return false;
  }
  const givenUp = new Set(fate === "give-up" ? sole.map((volume) => volume.name) : []);
  await run(site, name, phases, {
    cordon: () => site.cluster.cordon(name, "forget"),
    "release-pods": () => releasePods(site, name),
    "delete-node": () => site.cluster.deleteNode(name),
    "delete-password": () => site.cluster.deletePassword(name),
    "delete-longhorn-node": async () => {
      await deleteReplicas(site, name, givenUp);
      await deleteLonghornNode(site, name);
    },
  });
  return true;
}

/** Empties a node for a while. @returns whether it was done. */
export async function drainNode(site: Site, node: NodeMachine, go: Go): Promise<boolean> {
  const { name } = node;
  const facts = await site.cluster.facts(name);
  requireNode(facts, name);
  const phases = drainPhases(name, facts, site.limits);
  sayPlan(site, `Plan to drain ${name}`, phases);
  sayScratch(site, facts);
  const away = [
    ...(facts.longhorn ? soleCopies(facts.longhorn, name).map(volumeName) : []),
    ...facts.localVolumes.map((volume) => `volume ${volume.name}`),
  ];
  for (const volume of away) {
    site.say(`  ${volume}: away while ${name} is down, for its only copy is there`);
  }
  refuse(planDrain(facts.pods, facts.budgets).refusals);
  if (go.dryRun) {
    site.say("Nothing was done.");
    return false;
  }
  await run(site, name, phases, {
    // A removal that was begun stays one.
    cordon: () => site.cluster.cordon(name, nodeNamed(facts, name)?.mark ?? "drain"),
    drain: () => drain(site.cluster, name, site.limits.drain, site.say, site.clock),
  });
  return true;
}

/** Takes pods, and Longhorn's replicas, back onto a node. */
export async function uncordonNode(site: Site, node: NodeMachine): Promise<void> {
  const { name } = node;
  const facts = await site.cluster.facts(name);
  const found = requireNode(facts, name);
  const longhornNode = facts.longhorn?.nodes.find((one) => one.name === name);
  if (longhornNode && found.mark === "remove" && (longhornNode.evictionRequested || !longhornNode.allowScheduling)) {
    await site.cluster.evictReplicas(name, false);
    site.say(`Longhorn may put replicas on ${name} again; what it has moved already comes back as it balances.`);
  }
  await site.cluster.uncordon(name);
  site.say(`${name} takes pods again.`);
}

function requireNode(facts: ClusterFacts, name: string) {
  const node = nodeNamed(facts, name);
  if (!node) {
    throw new UserError(
      `The cluster has no node ${name}; it has ${facts.nodes.map((one) => one.name).join(", ")}. Nothing was touched.`,
    );
  }
  return node;
}

/** Runs what is not done yet, and says in which state a failure has left the node. */
async function run(
  site: Site,
  name: string,
  phases: readonly Phase[],
  actions: Readonly<Partial<Record<PhaseName, () => Promise<unknown>>>>,
): Promise<void> {
  for (const phase of phases) {
    if (phase.done) {
      continue;
    }
    site.say(`${phase.text} ...`);
    try {
      await actions[phase.name]?.();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UserError(`Stopped while it was to ${phase.text}.\n${reason}\n\n${await stateOf(site, name, phase)}`);
    }
  }
}

/** In which state a failure has left the node, and the two ways on. */
async function stateOf({ cluster }: Site, name: string, failed: Phase): Promise<string> {
  let facts: ClusterFacts;
  try {
    facts = await cluster.facts(name);
  } catch {
    return `The cluster cannot be asked for the state of ${name}. Run the same command again: it goes on where it stopped.`;
  }
  const node = nodeNamed(facts, name);
  const longhornNode = facts.longhorn?.nodes.find((one) => one.name === name);
  const state = [
    node ? `its Node is there and ${node.unschedulable ? "cordoned" : "takes pods"}` : "its Node is deleted",
    `${planDrain(facts.pods, facts.budgets).evict.length} pods are left`,
    ...(longhornNode?.evictionRequested ? ["Longhorn has been asked to move its replicas"] : []),
  ].join(", ");
  const begun = ["teardown", "delete-node", "delete-password", "delete-longhorn-node"].includes(failed.name);
  return [
    `State of ${name}: ${state}.`,
    "Run the same command again: it goes on where it stopped.",
    ...(begun || !node ? [] : [`To keep the node instead: npm run node -- uncordon ${name}`]),
  ].join("\n");
}

async function awaitReplicas(site: Site, name: string): Promise<void> {
  const clock = site.clock ?? realClock;
  const end = clock.now() + site.limits.replicas * 1000;
  let told = "";
  for (;;) {
    const { longhorn } = await site.cluster.facts(name);
    const remains = longhorn ? longhornRemains(longhorn, name) : [];
    if (remains.length === 0) {
      return;
    }
    const line = `${remains.length} left: ${remains.slice(0, 3).join("; ")}${remains.length > 3 ? " ..." : ""}`;
    if (line !== told) {
      site.say(`  ${line}`);
      told = line;
    }
    if (clock.now() >= end) {
      throw new UserError(
        `after ${duration(site.limits.replicas)} Longhorn still has on ${name}:\n  ${remains.join("\n  ")}
Look at these volumes in Longhorn's UI (runbooks/longhorn.md), or give it more time with --longhorn-timeout HOURS.`,
      );
    }
    await clock.sleep(POLL_MILLISECONDS);
  }
}

/** Before the only phase that cannot be taken back: nothing has come back meanwhile, and it is still the right machine. */
async function lastLook(site: Site, worker: Worker): Promise<void> {
  const { name } = worker;
  const facts = await site.cluster.facts(name);
  const { evict } = planDrain(facts.pods, facts.budgets);
  const left = [
    ...evict.map((pod) => `pod ${pod.namespace}/${pod.name}`),
    ...facts.attached.map((volume) => `volume ${volume}, attached`),
    ...facts.localVolumes.map((volume) => `volume ${volume.name}`),
    ...(facts.longhorn ? longhornRemains(facts.longhorn, name) : []),
  ];
  if (left.length > 0) {
    throw new UserError(
      `something has come to ${name} since it was emptied; nothing was taken apart:\n  ${left.join("\n  ")}`,
    );
  }
}

/** Lets go of a dead node's pods and volumes, and waits for the control plane to do so. */
async function releasePods(site: Site, name: string): Promise<void> {
  const clock = site.clock ?? realClock;
  await site.cluster.takeOutOfService(name);
  const end = clock.now() + site.limits.drain * 1000;
  // Its garbage collector looks every 20 s; what it leaves (pods that tolerate the taint) is deleted here.
  const patience = clock.now() + 60_000;
  for (;;) {
    const facts = await site.cluster.facts(name);
    if (facts.pods.length === 0 && facts.attached.length === 0) {
      return;
    }
    const now = clock.now();
    if (now >= patience || now >= end) {
      for (const pod of facts.pods) {
        await site.cluster.deleteByForce(pod);
      }
    }
    if (now >= end) {
      const left = [
        ...facts.pods.map((pod) => `pod ${pod.namespace}/${pod.name}`),
        ...facts.attached.map((volume) => `volume ${volume}`),
      ];
      throw new UserError(
        `after ${duration(site.limits.drain)} the cluster still holds on to:\n  ${left.join("\n  ")}`,
      );
    }
    await clock.sleep(POLL_MILLISECONDS);
  }
}

/**
 * Deletes what a dead node had of every volume, one after the other. Each time it is asked anew which copies are the last
 * ones: since the plan, pods were let go for minutes, and a copy elsewhere may have failed.
 *
 * @param givenUp names of volumes that may be lost.
 * @throws UserError before it deletes the last copy of any other.
 */
async function deleteReplicas(site: Site, name: string, givenUp: ReadonlySet<string>): Promise<void> {
  // Longhorn's finalizer may keep one for a while.
  const deleted = new Set<string>();
  for (;;) {
    const { longhorn } = await site.cluster.facts(name);
    const lost = longhorn ? lostWithout(longhorn, name, givenUp) : [];
    if (lost.length > 0) {
      throw new UserError(
        `the only copy of these is now on the disks of ${name}; what is there of them was not deleted:
  ${lost.map(volumeName).join("\n  ")}
If a copy elsewhere comes back (kubectl -n longhorn-system get replicas.longhorn.io), run the command again. If the disks of
${name} will be in the new machine, say --keep-volumes; if these volumes are lost, --give-up-volumes.`,
      );
    }
    const replica = longhorn?.replicas.find((one) => one.node === name && !deleted.has(one.name));
    if (!replica) {
      return;
    }
    await site.cluster.deleteReplica(replica.name);
    deleted.add(replica.name);
    site.say(`  replica ${replica.name} of volume ${replica.volume} deleted`);
  }
}

/**
 * Longhorn refuses this until its manager has noticed that the Node is gone (webhook/resources/node/validator.go), and
 * then deletes the entry itself as a rule; so it is tried for a while.
 */
async function deleteLonghornNode(site: Site, name: string): Promise<void> {
  const clock = site.clock ?? realClock;
  const end = clock.now() + 120_000;
  for (;;) {
    try {
      await site.cluster.evictReplicas(name, true);
      await site.cluster.deleteLonghornNode(name);
      return;
    } catch (error) {
      if (clock.now() >= end) {
        throw error;
      }
      await clock.sleep(POLL_MILLISECONDS);
    }
  }
}

function sayPlan(site: Site, title: string, phases: readonly Phase[]): void {
  site.say(`${title}:`);
  phases.forEach(({ text, done }, index) => site.say(`  ${index + 1}. ${text}${done ? " (done)" : ""}`));
}

function sayScratch(site: Site, facts: ClusterFacts): void {
  const lost = lostScratch(facts);
  if (lost.length > 0) {
    site.say(`Goes with the pods, for it is in emptyDir volumes:\n  ${lost.join("\n  ")}`);
  }
}

function refuse(refusals: readonly Refusal[]): void {
  if (refusals.length > 0) {
    throw new UserError(
      [
        `Refused, and nothing was changed; ${refusals.length === 1 ? "one thing stands" : `${refusals.length} things stand`} in the way:`,
        ...refusals.map(({ what, why, wayOut }) => `\n  ${what}\n    why:     ${why}\n    way out: ${wayOut}`),
      ].join("\n"),
    );
  }
}

function mayGo(site: Site, go: Go, name: string, command: string): boolean {
  if (go.dryRun || go.confirmed === undefined) {
    site.say(`Nothing stands in the way. Nothing was done; to do it, add: --yes-${command} ${name}`);
    return false;
  }
  if (go.confirmed !== name) {
    throw new UserError(`--yes-${command} says '${go.confirmed}', the node is ${name}; nothing was touched.`);
  }
  return true;
}
