import { estimateSeconds } from "./durations";
import type { RecordedResource, Recording } from "./record";

/** Something the engine does: a resource of a provider, or a chart. Components only group steps. */
export interface Step {
  urn: string;
  name: string;
  type: string;
  /** URN of the component that is shown for it. */
  component: string;
  /** Rough guess of how long it takes. */
  seconds: number;
  /** URNs of the steps that must be done before. */
  needs: ReadonlySet<string>;
  /** Earliest start and end in seconds, with unlimited parallelism. */
  start: number;
  end: number;
}

/** A component as it is shown, with what it waits for. */
export interface Component {
  urn: string;
  name: string;
  type: string;
  parent?: string;
  /** Steps in it, those of components below it not counted. */
  steps: Step[];
  /** URNs of the components that it waits for directly: without those it already waits for through another. */
  waitsFor: string[];
  start: number;
  end: number;
}

export interface Graph {
  /** In an order in which everything comes after what it needs; ties by name, so that it is always the same. */
  steps: Step[];
  /** By their start, then by URN: the program registers in an order that timing decides. */
  components: Component[];
  /** The chain of steps that decides how long the rebuild takes, first to last. */
  criticalPath: Step[];
  /** End of the last step, in seconds. */
  seconds: number;
}

const STACK = "pulumi:pulumi:Stack";
/** Components that are details of the one around them. */
const FOLDED = new Set(["homelab:nodes:HostStep"]);

/** Turns a recording into the graph of the rebuild. */
export function graphOf(recording: Recording): Graph {
  const byUrn = new Map(recording.resources.map((resource) => [resource.urn, resource]));
  const isStep = (resource: RecordedResource) => resource.custom || resource.remote;
  const children = childrenOf(recording);

  const descendants = (urn: string): string[] => {
    const resource = byUrn.get(urn);
    if (!resource || isStep(resource)) {
      return resource ? [urn] : [];
    }
    return (children.get(urn) ?? []).flatMap((child) => descendants(child.urn));
  };
  const needs = (resource: RecordedResource): Set<string> => {
    const provider = resource.provider?.replace(/::[^:]*$/, "");
    const direct = [...resource.dependencies, ...(provider === undefined ? [] : [provider])];
    const found = new Set(direct.flatMap(descendants));
    found.delete(resource.urn);
    return found;
  };
  const shownComponent = (resource: RecordedResource): string => {
    const parent = resource.parent === undefined ? undefined : byUrn.get(resource.parent);
    return parent === undefined ? resource.urn : FOLDED.has(parent.type) ? shownComponent(parent) : parent.urn;
  };

  const unordered = recording.resources.filter(isStep).map((resource) => ({
    urn: resource.urn,
    name: resource.name,
    type: resource.type,
    component: shownComponent(resource),
    seconds: estimateSeconds(resource),
    needs: needs(resource),
    start: 0,
    end: 0,
  }));
  const steps = schedule(unordered);
  return {
    steps,
    components: componentsOf(recording, steps),
    criticalPath: criticalPathOf(steps),
    seconds: Math.max(0, ...steps.map(({ end }) => end)),
  };
}

function childrenOf(recording: Recording): Map<string, RecordedResource[]> {
  const children = new Map<string, RecordedResource[]>();
  for (const resource of recording.resources) {
    if (resource.parent !== undefined) {
      children.set(resource.parent, [...(children.get(resource.parent) ?? []), resource]);
    }
  }
  return children;
}

/** Orders the steps and sets each one's earliest start and end. */
function schedule(unordered: Step[]): Step[] {
  const byUrn = new Map(unordered.map((step) => [step.urn, step]));
  const waiting = new Map(unordered.map((step) => [step.urn, [...step.needs].filter((urn) => byUrn.has(urn)).length]));
  const neededBy = new Map<string, Step[]>();
  for (const step of unordered) {
    for (const need of step.needs) {
      neededBy.set(need, [...(neededBy.get(need) ?? []), step]);
    }
  }
  const ready = unordered.filter(({ urn }) => waiting.get(urn) === 0);
  const ordered: Step[] = [];
  while (ready.length > 0) {
    ready.sort(byStartThenName);
    const step = ready.shift() as Step;
    step.end = step.start + step.seconds;
    ordered.push(step);
    for (const next of neededBy.get(step.urn) ?? []) {
      next.start = Math.max(next.start, step.end);
      const left = (waiting.get(next.urn) ?? 0) - 1;
      waiting.set(next.urn, left);
      if (left === 0) {
        ready.push(next);
      }
    }
  }
  if (ordered.length < unordered.length) {
    const stuck = unordered.filter((step) => !ordered.includes(step)).map(({ name }) => name);
    throw new Error(`these resources wait for each other: ${stuck.join(", ")}`);
  }
  return ordered;
}

function byStartThenName(one: Step, other: Step): number {
  return one.start - other.start || compareText(one.name, other.name) || compareText(one.urn, other.urn);
}

/** Plain code unit order: independent of the machine's locale. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function criticalPathOf(steps: Step[]): Step[] {
  const byUrn = new Map(steps.map((step) => [step.urn, step]));
  const path: Step[] = [];
  let current = steps.reduce<Step | undefined>((last, step) => (last && last.end >= step.end ? last : step), undefined);
  while (current) {
    path.unshift(current);
    const { start, needs } = current;
    const before: Step[] = [...needs].flatMap((urn) => byUrn.get(urn) ?? []).filter(({ end }) => end === start);
    current = start === 0 ? undefined : before.sort(byStartThenName)[0];
  }
  return path;
}

function componentsOf(recording: Recording, steps: Step[]): Component[] {
  const owner = new Map(steps.map((step) => [step.urn, step.component]));
  const grouped = new Map<string, Step[]>();
  for (const step of steps) {
    grouped.set(step.component, [...(grouped.get(step.component) ?? []), step]);
  }
  const waits = new Map<string, Set<string>>();
  for (const [urn, members] of grouped) {
    const others = members.flatMap((step) => [...step.needs].flatMap((need) => owner.get(need) ?? []));
    waits.set(urn, new Set(others.filter((other) => other !== urn)));
  }
  const reduced = reduce(waits);
  return recording.resources
    .filter((resource) => !resource.custom && !resource.remote && !FOLDED.has(resource.type))
    .map((resource) => {
      const members = grouped.get(resource.urn) ?? [];
      return {
        urn: resource.urn,
        name: resource.type === STACK ? "stack" : resource.name,
        type: resource.type,
        parent: resource.parent,
        steps: members,
        waitsFor: [...(reduced.get(resource.urn) ?? [])].sort(compareText),
        start: members.length > 0 ? Math.min(...members.map(({ start }) => start)) : 0,
        end: Math.max(0, ...members.map(({ end }) => end)),
      };
    })
    .sort((one, other) => one.start - other.start || compareText(one.urn, other.urn));
}

/** Transitive reduction; an edge within a cycle of components is kept. */
function reduce(edges: Map<string, Set<string>>): Map<string, Set<string>> {
  const reach = new Map<string, Set<string>>();
  const reachable = (from: string, visiting: Set<string>): Set<string> => {
    const known = reach.get(from);
    if (known) {
      return known;
    }
    const found = new Set<string>();
    visiting.add(from);
    for (const next of edges.get(from) ?? []) {
      found.add(next);
      if (!visiting.has(next)) {
        reachable(next, visiting).forEach((urn) => found.add(urn));
      }
    }
    visiting.delete(from);
    reach.set(from, found);
    return found;
  };
  return new Map(
    [...edges].map(([from, targets]) => [
      from,
      new Set(
        [...targets].filter(
          (target) =>
            reachable(target, new Set()).has(from) ||
            ![...targets].some((other) => other !== target && reachable(other, new Set()).has(target)),
        ),
      ),
    ]),
  );
}
