import type { Cluster } from "./actors/cluster";
import type { ClusterFacts, PodFacts } from "./facts";
import { planDrain, podName } from "./pods";
import { UserError } from "../plan/user-error";

/** Pauses; injected, so that nobody has to wait for a test of a time limit. */
export interface Clock {
  /** Milliseconds, from any beginning. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

const POLL_MILLISECONDS = 2000;

/**
 * Evicts every pod that a drain moves and waits until it has ended and nothing is attached any more. What a budget
 * holds back is asked for again until the time is over. Whatever an earlier run has done is simply found done.
 *
 * @throws UserError after the time limit, with every pod that is left and what holds it.
 */
export async function drain(
  cluster: Cluster,
  node: string,
  seconds: number,
  say: (line: string) => void,
  clock: Clock = realClock,
): Promise<void> {
  const end = clock.now() + seconds * 1000;
  const asked = new Set<string>();
  const told = new Set<string>();
  for (;;) {
    const facts = await cluster.facts(node);
    const { evict } = planDrain(facts.pods, facts.budgets);
    if (evict.length === 0 && facts.attached.length === 0) {
      return;
    }
    const blocked = new Map<string, string>();
    for (const pod of evict.filter(({ terminating, uid }) => !terminating && !asked.has(uid))) {
      const answer = await cluster.evict(pod);
      if (typeof answer === "object") {
        blocked.set(pod.uid, answer.blocked);
        tellOnce(told, say, `${podName(pod)} is held back, and is asked for again: ${answer.blocked}`);
      } else {
        asked.add(pod.uid);
        tellOnce(told, say, `${podName(pod)} evicted`);
      }
    }
    if (clock.now() >= end) {
      throw new UserError(leftOver(node, seconds, facts, evict, blocked));
    }
    await clock.sleep(POLL_MILLISECONDS);
  }
}

function leftOver(
  node: string,
  seconds: number,
  { attached }: ClusterFacts,
  pods: readonly PodFacts[],
  blocked: ReadonlyMap<string, string>,
): string {
  return [
    `${node} is not empty after ${seconds} s:`,
    ...pods.map(
      (pod) =>
        `  ${podName(pod)}: ${blocked.get(pod.uid) ?? (pod.terminating ? "it does not end; look: kubectl -n " + pod.namespace + " describe pod " + pod.name : "it has been asked to end")}`,
    ),
    ...attached.map((volume) => `  volume ${volume} is still attached`),
    "Give it more time with --timeout MINUTES, or remove what holds it, and run again: it goes on where it stopped.",
  ].join("\n");
}

function tellOnce(told: Set<string>, say: (line: string) => void, line: string): void {
  if (!told.has(line)) {
    told.add(line);
    say(`  ${line}`);
  }
}
