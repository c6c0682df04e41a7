import type { EngineEvent, OpType, StepEventMetadata } from "@pulumi/pulumi/automation";
import { differingPaths } from "../differing-paths";
import { phaseOf, type OnEvent, type Outcome, type StepResult } from "../steps";
import { standInChart, standInOf, type NotRehearsed } from "./stand-ins";

/** A resource as the engine's state has it (pulumi/pulumi sdk/go/common/apitype/core.go, ResourceV3). */
export interface StateResource {
  urn: string;
  type: string;
  custom?: boolean;
  parent?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
  /** `<urn>::<id>`. */
  provider?: string;
}

const OUTCOMES: Readonly<Partial<Record<OpType, Outcome>>> = {
  create: "created",
  "create-replacement": "created",
  import: "created",
  update: "updated",
  delete: "deleted",
  "delete-replaced": "deleted",
  discard: "deleted",
  same: "same",
  read: "same",
  refresh: "same",
};

/** Collects what the engine tells of its steps, in the words of a run. */
export class EngineSteps {
  private readonly began = new Map<string, number>();
  private readonly said = new Map<string, string[]>();
  private readonly ended: StepResult[] = [];
  /** Errors that are of no step. */
  public readonly errors: string[] = [];

  public constructor(
    private readonly onEvent: OnEvent,
    private readonly notRehearsed: NotRehearsed = {},
    /** What is done with the stack. A refresh tells no differences, only what was known and what was found. */
    private readonly operation: "refresh" | "other" = "other",
  ) {}

  /** @param at milliseconds since 1970; the engine's own times are whole seconds. */
  public take(event: EngineEvent, at: number): void {
    if (event.resourcePreEvent && isStep(event.resourcePreEvent.metadata)) {
      const { urn, type } = event.resourcePreEvent.metadata;
      this.began.set(urn, at);
      this.onEvent({ kind: "began", at, urn, type, name: nameOf(urn), phase: phaseOf(urn) });
    } else if (event.resOutputsEvent && isStep(event.resOutputsEvent.metadata)) {
      this.end(event.resOutputsEvent.metadata, at, false);
    } else if (event.resOpFailedEvent && isStep(event.resOpFailedEvent.metadata)) {
      this.end(event.resOpFailedEvent.metadata, at, true);
    } else if (event.diagnosticEvent) {
      const { urn = "", message, severity, ephemeral } = event.diagnosticEvent;
      const text = plain(message);
      if (severity === "error") {
        this.said.set(urn, [...(this.said.get(urn) ?? []), text]);
      } else if (urn !== "" && ephemeral === true && text !== "") {
        this.onEvent({ kind: "waiting", at, urn, on: text });
      }
    }
  }

  /** Every step, with what it waited for as the engine's state has it after the run. */
  public results(state: readonly StateResource[]): StepResult[] {
    const dependencies = dependenciesOf(state);
    const failed = new Set(this.ended.filter(({ outcome }) => outcome === "failed").map(({ urn }) => urn));
    for (const [urn, lines] of this.said) {
      // The program's own errors are said for the stack, which is no step; so is that the update failed.
      const texts = lines.filter((line) => !failed.has(urn) && !/^update failed$/.test(line));
      this.errors.push(...texts);
    }
    return this.ended.map((step) => ({
      ...step,
      dependencies: dependencies.get(step.urn) ?? [],
      message: step.outcome === "failed" ? (this.said.get(step.urn) ?? []).join("\n") : step.message,
    }));
  }

  private end(metadata: StepEventMetadata, at: number, failed: boolean): void {
    const { urn, type, op } = metadata;
    const began = this.began.get(urn) ?? at;
    const refresh = this.operation === "refresh";
    const told = metadata.detailedDiff ? Object.keys(metadata.detailedDiff) : (metadata.diffs ?? []);
    const changed = refresh ? drifted(metadata) : told;
    // It calls whatever was asked an update, providers too.
    const looked = refresh && op !== "delete" && op !== "discard";
    const outcome = failed ? "failed" : looked ? (changed.length > 0 ? "updated" : "same") : OUTCOMES[op];
    // What only belongs to a replacement has its own steps.
    if (outcome === undefined) {
      return;
    }
    const name = nameOf(urn);
    const instead = standInOf({ type, name }, this.notRehearsed);
    const nothing = instead !== undefined && instead.kind !== "not awaited" && !failed;
    const message = outcome === "updated" && changed.length > 0 ? `changed: ${changed.join(", ")}` : undefined;
    const step: StepResult = {
      urn,
      type,
      name,
      phase: phaseOf(urn),
      began,
      ended: at,
      outcome: nothing ? "not rehearsed" : outcome,
      message: nothing ? instead.reason : message,
      standIn: nothing ? undefined : (standInChart(urn, this.notRehearsed) ?? instead?.reason),
      dependencies: [],
    };
    this.ended.push(step);
    this.onEvent({
      kind: "ended",
      at,
      step: { ...step, message: failed ? this.said.get(urn)?.join("\n") : step.message },
    });
  }
}

/** For each resource of a provider, those that it waits for; components stand for all that is in them. */
export function dependenciesOf(state: readonly StateResource[]): Map<string, string[]> {
  const byUrn = new Map(state.map((resource) => [resource.urn, resource]));
  const children = new Map<string, string[]>();
  for (const { urn, parent } of state) {
    if (parent !== undefined) {
      children.set(parent, [...(children.get(parent) ?? []), urn]);
    }
  }
  const steps = (urn: string): string[] =>
    byUrn.get(urn)?.custom === true ? [urn] : (children.get(urn) ?? []).flatMap(steps);
  // An object of a chart waits for what the chart waits for.
  const own = ({ dependencies = [], propertyDependencies = {}, provider }: StateResource): string[] => [
    ...dependencies,
    ...Object.values(propertyDependencies).flatMap((urns) => urns ?? []),
    ...(provider === undefined ? [] : [provider.slice(0, provider.lastIndexOf("::"))]),
  ];
  const inherited = (parent: string | undefined): string[] => {
    const resource = parent === undefined ? undefined : byUrn.get(parent);
    return resource && resource.custom !== true ? [...own(resource), ...inherited(resource.parent)] : [];
  };
  return new Map(
    state
      .filter(({ custom }) => custom === true)
      .map((resource) => {
        const urns = new Set([...own(resource), ...inherited(resource.parent)].flatMap(steps));
        urns.delete(resource.urn);
        return [resource.urn, [...urns].sort()];
      }),
  );
}

/** Types that only group others. The engine says of a resource that it is custom, and of others nothing. */
const GROUPS = /^(homelab:|pulumi:pulumi:Stack$|kubernetes:helm\.sh\/v4:Chart$)/;

function isStep({ urn, new: now, old, type }: StepEventMetadata): boolean {
  return (now ?? old)?.custom ?? (urn !== "" && !GROUPS.test(type));
}

/** Where what a refresh found is not what was known. */
function drifted({ type, old, new: now }: StepEventMetadata): string[] {
  // A provider is asked nothing: it has the configuration of this run, where the run before may have had another.
  if (type.startsWith("pulumi:providers:")) {
    return [];
  }
  return differingPaths(asked(old?.outputs), asked(now?.outputs)).map((path) => path.replace(/^\./, ""));
}

/**
 * Of an object in the cluster, what the program has asked for, as it was found: controllers write into the rest as they
 * please (pulumi/pulumi-kubernetes provider/pkg/provider/provider.go, checkpointObject).
 */
function asked(outputs: Readonly<Record<string, unknown>> | undefined): unknown {
  return outputs?.__inputs ?? outputs;
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** Without the engine's marks of colour. */
function plain(message: string): string {
  return message.replaceAll(/<\{%.*?%\}>/g, "").trim();
}
