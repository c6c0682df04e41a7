import type { StepResult } from "../deploy/steps";
import { comparison } from "./compare";
import type { RunRecord } from "./record";
import { duration, indented, table } from "./text";
import { criticalPath, makespan, phaseTimes } from "./timings";

const SLOWEST = 10;

/** The report of a run: what worked, how long it took, what of it was real. */
export function reportOf(record: RunRecord, before?: RunRecord): string {
  const { steps } = record;
  return [
    headline(record),
    ...section("Failed:", failures(record)),
    ...section("Phases, from the first step on; they overlap:", phaseLines(steps)),
    ...section("Time:", timeLines(record)),
    ...section("Changed or repaired:", repairs(steps)),
    ...section("What was real:", realLines(record)),
    ...section("Slowest steps:", slowestLines(steps)),
    ...(record.leftBehind.length === 0
      ? []
      : section("In the state, no longer in the program, and left as they are:", record.leftBehind)),
    ...(before ? section(`Against the run of ${before.at}:`, comparison(before, record)) : []),
  ].join("\n");
}

function headline({ ok, stack, deployer, milliseconds, steps }: RunRecord): string {
  const count = (outcome: StepResult["outcome"]) => steps.filter((step) => step.outcome === outcome).length;
  const counts = (["created", "updated", "same", "deleted", "failed", "not rehearsed"] as const)
    .map((outcome) => [count(outcome), outcome] as const)
    .filter(([number]) => number > 0)
    .map(([number, outcome]) => `${number} ${outcome}`);
  const by = deployer === "engine" ? "Pulumi's engine" : "the harness, without Pulumi's CLI";
  return `Stack ${stack}, carried out by ${by}: ${ok ? "green" : "FAILED"} after ${duration(milliseconds)}; ${counts.join(", ") || "no step was begun"}.`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${indented(line, "  ")}`)];
}

function failures({ steps, errors }: RunRecord): string[] {
  const failed = steps.filter(({ outcome }) => outcome === "failed");
  // A chart fails with its objects; they say why.
  return [
    ...failed.map(({ name, phase, message = "" }) => `${name} (${phase}): ${indented(message, "  ")}`),
    ...errors,
  ];
}

function phaseLines(steps: readonly StepResult[]): string[] {
  const lines = phaseTimes(steps).map(({ phase, steps: count, from, to, busy }) => [
    phase,
    String(count),
    duration(from),
    duration(to),
    duration(busy),
  ]);
  return lines.length === 0
    ? []
    : table([["phase", "steps", "from", "to", "at work"], ...lines], new Set([1, 2, 3, 4]));
}

function timeLines({ steps, milliseconds }: RunRecord): string[] {
  if (steps.length === 0) {
    return [];
  }
  const span = makespan(steps);
  const path = criticalPath(steps);
  const ratio = path.milliseconds === 0 ? 1 : span / path.milliseconds;
  return [
    `makespan ${duration(span)}, critical path ${duration(path.milliseconds)}: ratio ${ratio.toFixed(2)}`,
    `before the first step and after the last ${duration(milliseconds - span)}`,
    "critical path:",
    ...path.steps
      .filter(({ began, ended }) => ended - began >= path.milliseconds / 100)
      .map(({ name, phase, began, ended }) => `  ${duration(ended - began).padStart(9)}  ${name} (${phase})`),
  ];
}

function repairs(steps: readonly StepResult[]): string[] {
  return steps
    .filter(({ outcome, message }) => outcome === "updated" && message !== undefined)
    .map(({ name, phase, message = "" }) => `${name} (${phase}): ${message}`);
}

function realLines({ steps, standIns, leftOut, deployer }: RunRecord): string[] {
  const done = steps.filter(({ outcome }) => outcome !== "not rehearsed" && outcome !== "failed");
  const real = done.filter(({ standIn }) => standIn === undefined);
  return [
    `${real.length} of ${steps.length} steps were carried out as they are in the house`,
    ...standIns.map((line) => `a stand-in: ${line}`),
    ...byReason(
      done.filter(({ standIn }) => standIn !== undefined),
      ({ standIn = "" }) => standIn,
    ).map((line) => `on a stand-in: ${line}`),
    ...byReason(
      steps.filter(({ outcome }) => outcome === "not rehearsed"),
      ({ message = "no reason given" }) => message,
    ).map((line) => `not rehearsed: ${line}`),
    ...leftOut.map((line) => `not rehearsed: ${line}`),
    deployer === "engine"
      ? "not rehearsed: preview, refresh and destroy; npm run test:rehearsal does them, too"
      : "not rehearsed: preview, refresh and destroy, which need Pulumi's CLI on PATH",
  ];
}

/** One line a reason, with the names that it is of; the most frequent first. */
function byReason(steps: readonly StepResult[], reason: (step: StepResult) => string): string[] {
  const groups = new Map<string, string[]>();
  for (const step of steps) {
    groups.set(reason(step), [...(groups.get(reason(step)) ?? []), step.name]);
  }
  return [...groups]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([why, names]) => {
      const shown = names.slice(0, 6).join(", ");
      return `${names.length} because ${why}: ${shown}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;
    });
}

function slowestLines(steps: readonly StepResult[]): string[] {
  return [...steps]
    .sort((one, other) => other.ended - other.began - (one.ended - one.began))
    .slice(0, SLOWEST)
    .filter(({ began, ended }) => ended - began >= 1000)
    .map(({ name, phase, began, ended }) => `${duration(ended - began).padStart(9)}  ${name} (${phase})`);
}
