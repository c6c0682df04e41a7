import type { RunRecord } from "./record";
import { criticalPath, makespan, phaseTimes } from "./timings";
import { duration } from "./text";

/** A step's time is worth a word if it changed by this share and by this many milliseconds. */
const SHARE = 0.2;
const LEAST = 2000;

/** What is different from an earlier run, one line each: the whole, phases, then steps, the largest change first. */
export function comparison(before: RunRecord, now: RunRecord): string[] {
  const was = new Map(before.steps.map((step) => [step.urn, step]));
  const is = new Map(now.steps.map((step) => [step.urn, step]));
  const steps = now.steps.flatMap((step) => {
    const old = was.get(step.urn);
    return old
      ? [{ name: `${step.name} (${step.phase})`, before: old.ended - old.began, now: step.ended - step.began }]
      : [];
  });
  const phases = new Map(phaseTimes(before.steps).map(({ phase, busy }) => [phase, busy]));
  const fresh = now.steps.filter(({ urn }) => !was.has(urn)).length;
  const gone = before.steps.filter(({ urn }) => !is.has(urn)).length;
  return [
    change("makespan", makespan(before.steps), makespan(now.steps)),
    change("critical path", criticalPath(before.steps).milliseconds, criticalPath(now.steps).milliseconds),
    ...worthAWord(
      phaseTimes(now.steps).map(({ phase, busy }) => ({
        name: `phase ${phase}`,
        before: phases.get(phase) ?? 0,
        now: busy,
      })),
    ),
    ...worthAWord(steps),
    ...(fresh + gone === 0 ? [] : [`${fresh} steps are new, ${gone} are gone`]),
  ];
}

interface Change {
  name: string;
  before: number;
  now: number;
}

function worthAWord(changes: readonly Change[]): string[] {
  return changes
    .map((each) => ({ ...each, by: Math.abs(each.now - each.before) }))
    .filter(({ before, by }) => by >= LEAST && by >= before * SHARE)
    .sort((one, other) => other.by - one.by)
    .map(({ name, before, now }) => change(name, before, now));
}

function change(name: string, before: number, now: number): string {
  const share = before === 0 ? "" : `, ${now >= before ? "+" : ""}${Math.round((now / before - 1) * 100)} %`;
  return `${name}: ${duration(before)} before, ${duration(now)} now${share}`;
}
