/** How a step ended. "not rehearsed" is never a success: nothing was done, and the message says why. */
export type Outcome = "created" | "same" | "updated" | "deleted" | "failed" | "not rehearsed";

/** One resource of a provider, or a chart, as it was carried out. Components are no steps: they only group them. */
export interface StepResult {
  urn: string;
  type: string;
  name: string;
  /** Part of the rebuild that it belongs to; see phaseOf. */
  phase: string;
  /** Milliseconds since 1970. It began when everything that it waits for was done. */
  began: number;
  ended: number;
  outcome: Outcome;
  /** Why it failed, what had drifted, why it was not rehearsed, or what the API server warned of. */
  message?: string;
  /** What it really used was a stand-in, and why. */
  standIn?: string;
  /** URNs of the steps that it waited for. */
  dependencies: string[];
  /** URN of the step whose part it is: an object of a chart. Its time is within that step's. */
  partOf?: string;
}

/** A whole run. */
export interface Run {
  /** Every step is done or named as not rehearsed, and the program itself ended well. */
  ok: boolean;
  steps: StepResult[];
  /** From the start of the program to the end of the last step. */
  milliseconds: number;
  /** What the program itself said, beside the failures of steps: bad configuration, an exception. */
  errors: string[];
  /** Outputs of the stack, secrets in clear; empty if the program did not end. */
  outputs: Record<string, unknown>;
  /** URNs of the state that the program no longer registers; they are left as they are. */
  leftBehind: string[];
}

/** What happens while a run goes on. Times in milliseconds since 1970. */
export type DeployEvent =
  | {
      kind: "began";
      at: number;
      urn: string;
      type: string;
      name: string;
      phase: string;
    }
  | {
      /** A step waits for something outside of it: a machine that does not answer, a rollout. Said when it changes. */
      kind: "waiting";
      at: number;
      urn: string;
      on: string;
    }
  | { kind: "ended"; at: number; step: StepResult }
  | { kind: "said"; at: number; text: string };

export type OnEvent = (event: DeployEvent) => void;

/** Components around everything of one kind, which name no phase themselves. */
const WRAPPERS = new Set(["homelab:cluster:Platform"]);
/** Components that are phases of their own within their area. */
const OWN_PHASES: Readonly<Record<string, string>> = {
  "homelab:nodes:Machines": "machines",
  "homelab:nodes:K3sCluster": "k3s",
};

/**
 * The phase of a resource, told from its URN: the area of the outermost component around it, which is its folder below
 * components/ (`homelab:storage:Longhorn` is of `storage`); machines and K3s, both of nodes/, apart. What stands in no
 * component, and providers, are of `stack`.
 */
export function phaseOf(urn: string): string {
  const types = (urn.split("::")[2] ?? "").split("$");
  const component = types.slice(0, -1).find((type) => type.startsWith("homelab:") && !WRAPPERS.has(type));
  return component === undefined ? "stack" : (OWN_PHASES[component] ?? component.split(":")[1]);
}
