import type { StepResult } from "../deploy/steps";

/** What of a step decides on time. */
export type Timed = Pick<StepResult, "urn" | "name" | "phase" | "began" | "ended" | "dependencies" | "partOf">;

/** One phase, as it took place; phases overlap. */
export interface PhaseTime {
  phase: string;
  steps: number;
  /** Milliseconds after the first step of the run. */
  from: number;
  to: number;
  /** Milliseconds in which at least one of its steps was under way. */
  busy: number;
}

export interface CriticalPath {
  /** Milliseconds that its steps took; the run cannot be shorter, however much goes on at once. */
  milliseconds: number;
  /** First to last. */
  steps: Timed[];
}

/** From the first step's begin to the last one's end, in milliseconds. */
export function makespan(steps: readonly Timed[]): number {
  return steps.length === 0 ? 0 : lastEnd(steps) - firstBegin(steps);
}

/** Every phase, in the order in which they began. */
export function phaseTimes(steps: readonly Timed[]): PhaseTime[] {
  const start = firstBegin(steps);
  const byPhase = new Map<string, Timed[]>();
  for (const step of steps) {
    byPhase.set(step.phase, [...(byPhase.get(step.phase) ?? []), step]);
  }
  return [...byPhase]
    .map(([phase, members]) => ({
      phase,
      steps: members.length,
      from: firstBegin(members) - start,
      to: lastEnd(members) - start,
      busy: covered(members),
    }))
    .sort((one, other) => one.from - other.from || one.to - other.to);
}

/**
 * The chain of steps that decided how long the run took, by what each waits for and how long each really took. A step's
 * parts are within it. A step that was not begun is in no chain.
 */
export function criticalPath(steps: readonly Timed[]): CriticalPath {
  const byUrn = new Map(steps.map((step) => [step.urn, step]));
  const whole = (urn: string): Timed | undefined => {
    const step = byUrn.get(urn);
    return step?.partOf !== undefined && byUrn.has(step.partOf) ? whole(step.partOf) : step;
  };
  const best = new Map<string, { milliseconds: number; before?: Timed }>();
  // By their begin: what a step waits for has ended before it began.
  const inOrder = steps.filter((step) => whole(step.urn) === step).sort((one, other) => one.began - other.began);
  for (const step of inOrder) {
    let before: Timed | undefined;
    let length = 0;
    for (const urn of step.dependencies) {
      const need = whole(urn);
      const chain = need === undefined ? undefined : best.get(need.urn);
      if (chain && chain.milliseconds > length) {
        before = need;
        length = chain.milliseconds;
      }
    }
    best.set(step.urn, { milliseconds: length + step.ended - step.began, before });
  }
  const last = inOrder.reduce<Timed | undefined>(
    (longest, step) => (longest && lengthOf(best, longest) >= lengthOf(best, step) ? longest : step),
    undefined,
  );
  const chain: Timed[] = [];
  for (let step = last; step; step = best.get(step.urn)?.before) {
    chain.unshift(step);
  }
  return { milliseconds: last ? lengthOf(best, last) : 0, steps: chain };
}

function lengthOf(best: ReadonlyMap<string, { milliseconds: number }>, { urn }: Timed): number {
  return best.get(urn)?.milliseconds ?? 0;
}

function firstBegin(steps: readonly Timed[]): number {
  return Math.min(...steps.map(({ began }) => began));
}

function lastEnd(steps: readonly Timed[]): number {
  return Math.max(...steps.map(({ ended }) => ended));
}

/** Length of the union of the steps' times. */
function covered(steps: readonly Timed[]): number {
  let sum = 0;
  let reached = -Infinity;
  for (const { began, ended } of [...steps].sort((one, other) => one.began - other.began)) {
    sum += Math.max(0, ended - Math.max(began, reached));
    reached = Math.max(reached, ended);
  }
  return sum;
}
