import { graphOf, type Graph } from "../../plan/graph";
import { recordStack } from "../../plan/program";
import { isSecret, type RecordedResource, type Recording } from "../../plan/record";
import { homeConfig } from "./home";

/** The recorded program of a stack, with what invariants ask of it. */
export interface RecordedStack {
  recording: Recording;
  graph: Graph;
  resources: readonly RecordedResource[];
  /** Every resource whose type matches. */
  ofType(type: RegExp): RecordedResource[];
  /** The one resource whose type and name match; fails if it is none or several. */
  one(type: RegExp, name: RegExp): RecordedResource;
  /** True if the first cannot start before the second is done. */
  waitsFor(one: RecordedResource, other: RecordedResource): boolean;
  /** The resource and its parents, innermost first. */
  lineage(resource: RecordedResource): RecordedResource[];
}

const recorded = new Map<string, Promise<RecordedStack>>();

/** The whole home stack. */
export function recordedHome(): Promise<RecordedStack> {
  return recordedStack("home", homeConfig());
}

/** The whole program of a stack; recorded once for all tests, because it takes seconds. Do not change it. */
export function recordedStack(stack: string, config: Record<string, unknown>): Promise<RecordedStack> {
  const key = JSON.stringify([stack, config]);
  let found = recorded.get(key);
  if (!found) {
    found = recordAnew(stack, config);
    recorded.set(key, found);
  }
  return found;
}

/** As recordedStack, never from memory: for tests that two runs are the same. */
export async function recordAnew(stack: string, config: Record<string, unknown>): Promise<RecordedStack> {
  const recording = await recordStack(stack, config);
  const graph = graphOf(recording);
  const byUrn = new Map(recording.resources.map((resource) => [resource.urn, resource]));
  const needs = new Map(graph.steps.map((step) => [step.urn, step.needs]));

  const closure = new Map<string, Set<string>>();
  for (const step of graph.steps) {
    const all = new Set<string>();
    for (const need of step.needs) {
      all.add(need);
      closure.get(need)?.forEach((urn) => all.add(urn));
    }
    closure.set(step.urn, all);
  }
  const ofType = (type: RegExp) => recording.resources.filter((resource) => type.test(resource.type));
  return {
    recording,
    graph,
    resources: recording.resources,
    ofType,
    one(type, name) {
      const found = ofType(type).filter((resource) => name.test(resource.name));
      if (found.length !== 1) {
        throw new Error(`${type} ${name}: found ${found.map((resource) => resource.name).join(", ") || "none"}`);
      }
      return found[0];
    },
    waitsFor: (one, other) => {
      if (!needs.has(one.urn) || !needs.has(other.urn)) {
        throw new Error(`${one.name} or ${other.name} is not a step`);
      }
      return closure.get(one.urn)?.has(other.urn) ?? false;
    },
    lineage(resource) {
      const line = [resource];
      for (let parent = resource.parent; parent !== undefined; parent = line[line.length - 1].parent) {
        line.push(byUrn.get(parent) as RecordedResource);
      }
      return line;
    },
  };
}

/** The plain value behind a recorded secret, or the value itself. */
export function revealed(value: unknown): unknown {
  if (isSecret(value)) {
    return revealed(value.secret);
  }
  if (Array.isArray(value)) {
    return value.map(revealed);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, child]) => [key, revealed(child)]))
    : value;
}

/** Every text outside of secrets, with the path at which it stands. */
export function* openTexts(value: unknown, path = ""): Generator<{ path: string; text: string }> {
  if (typeof value === "string") {
    yield { path, text: value };
  } else if (!isSecret(value) && typeof value === "object" && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      yield* openTexts(child, `${path}.${key}`);
    }
  }
}
