import type { DeployEvent } from "../deploy/steps";
import { duration, indented } from "./text";

/** A step that is under way. */
interface UnderWay {
  name: string;
  phase: string;
  began: number;
  /** What it waits for, and since when. */
  on?: { what: string; since: number };
}

/** Steps named in one line; the others are counted. */
const NAMED = 3;

/**
 * Tells what goes on, line by line: phases as they begin, what failed, drifted or cannot be rehearsed, and, when
 * asked, what is being waited for and since when. It holds no clock: times are those of the events.
 */
export class Progress {
  private readonly underWay = new Map<string, UnderWay>();
  private readonly phases = new Set<string>();
  private done = 0;
  private start?: number;

  /** Takes an event; what is to be printed for it, if anything. */
  public take(event: DeployEvent): string[] {
    this.start ??= event.at;
    switch (event.kind) {
      case "began":
        return this.began(event);
      case "waiting": {
        const step = this.underWay.get(event.urn);
        if (step) {
          step.on = { what: event.on, since: event.at };
        }
        return [];
      }
      case "ended":
        return this.ended(event);
      case "said":
        return [this.line(event.at, event.text)];
    }
  }

  /** What is under way at this moment, the oldest first; undefined if nothing is. */
  public status(now: number): string | undefined {
    if (this.underWay.size === 0) {
      return undefined;
    }
    const steps = [...this.underWay.values()].sort((one, other) => one.began - other.began);
    const named = steps.slice(0, NAMED).map(({ name, began, on }) => {
      const waits = on
        ? `: waits for ${on.what}${on.since - began < 1000 ? "" : ` since ${duration(now - on.since)}`}`
        : "";
      return `${name} ${duration(now - began)}${waits}`;
    });
    const more = steps.length > NAMED ? [`and ${steps.length - NAMED} more`] : [];
    return this.line(now, `${this.done} done, under way: ${[...named, ...more].join("; ")}`);
  }

  private began({ at, urn, name, phase }: DeployEvent & { kind: "began" }): string[] {
    this.underWay.set(urn, { name, phase, began: at });
    const known = this.phases.has(phase);
    this.phases.add(phase);
    return known ? [] : [this.line(at, `${phase} begins`)];
  }

  private ended({ at, step }: DeployEvent & { kind: "ended" }): string[] {
    this.underWay.delete(step.urn);
    this.done += 1;
    const { name, outcome, message = "" } = step;
    const took = duration(step.ended - step.began);
    if (outcome === "failed") {
      return [this.line(at, `FAILED ${name} after ${took}: ${indented(message, "          ")}`)];
    }
    if (outcome === "not rehearsed") {
      return [this.line(at, `not rehearsed: ${name}, because ${message}`)];
    }
    if (outcome === "updated") {
      return [this.line(at, `${name} updated in ${took}${message === "" ? "" : `; ${message}`}`)];
    }
    // What takes its time is worth a line; hundreds of objects are not.
    return step.ended - step.began >= 5000 ? [this.line(at, `${name} done in ${took}`)] : [];
  }

  private line(at: number, text: string): string {
    const seconds = Math.max(0, Math.floor((at - (this.start ?? at)) / 1000));
    return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, "0")}  ${text}`;
  }
}

/** Milliseconds between two lines that say what is under way. */
const EVERY = 15_000;

/**
 * Prints progress as it comes, and every 15 s what is under way.
 *
 * @returns where the events go, and how to end.
 */
export function printProgress(
  print: (line: string) => void,
  every = EVERY,
): { take(event: DeployEvent): void; end(): void } {
  const progress = new Progress();
  const timer = setInterval(() => {
    const line = progress.status(Date.now());
    if (line !== undefined) {
      print(line);
    }
  }, every);
  return { take: (event) => progress.take(event).forEach(print), end: () => clearInterval(timer) };
}
