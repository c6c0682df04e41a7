import * as fs from "node:fs";
import { UserError } from "../../plan/user-error";
import { Engine, engineFolder } from "./engine/engine";
import { engineProblem } from "./engine/engine-problem";
import { Harness } from "./harness";
import type { KubeObject } from "./kubernetes/api";
import type { OnEvent, Run } from "./steps";

/** What is to be built, and where its state is kept. */
export interface Stack {
  name: string;
  /** Values by key, without the namespace; as in Pulumi.<name>.yaml. */
  config: Readonly<Record<string, unknown>>;
  /** File of the harness; the engine keeps its state in a folder beside it. */
  stateFile: string;
  /** What is a stand-in or absent here, by name, with the reason; see absentStep. */
  notRehearsed: Readonly<Record<string, string>>;
  /** Objects made beside those of a chart, by release, where its controllers would make them; by the harness only. */
  inControllersPlace?: Readonly<Record<string, readonly KubeObject[]>>;
  /** Phases that are carried out, of phaseOf; the others are not rehearsed. Default: all. */
  phases?: readonly string[];
  /** Folder of the program. Default: this one. */
  program?: string;
  /** Stops the run; its state stays good for the next one. */
  signal?: AbortSignal;
}

/** Carries out a stack: by Pulumi's engine where its CLI is at hand, by the harness otherwise. */
export interface Deployer {
  readonly kind: "engine" | "harness";
  /** Builds what is not there. A step's failure is told in the result; only what keeps the run from starting is thrown. */
  up(onEvent: OnEvent): Promise<Run>;
  /** What an `up` would change; with the engine only. */
  preview?(onEvent: OnEvent): Promise<Run>;
  /** What has drifted; with the engine only. */
  refresh?(onEvent: OnEvent): Promise<Run>;
  /** With the engine only: the harness never deletes. */
  destroy?(onEvent: OnEvent): Promise<Run>;
}

/** Whose state lies there; undefined if there is none. */
export function begunBy(stateFile: string): Deployer["kind"] | undefined {
  return fs.existsSync(stateFile) ? "harness" : fs.existsSync(engineFolder(stateFile)) ? "engine" : undefined;
}

function notForTheEngine({ phases, inControllersPlace = {} }: Stack): string | undefined {
  if (phases !== undefined) {
    return "it knows no phases, so it cannot do a part of a rebuild";
  }
  return Object.keys(inControllersPlace).length > 0
    ? "charts are real and their pods are not, and it makes nothing in their controllers' place"
    : undefined;
}

/**
 * Who has begun the stack; for a new one Pulumi's engine if it can be used here, otherwise the harness. Phases apart, and
 * real charts without real pods, are carried out by the harness only.
 *
 * @throws UserError if the engine has begun it and cannot be used now, or not for what is asked.
 */
export function deployer(stack: Stack): Promise<Deployer> {
  const begun = begunBy(stack.stateFile);
  const problem = notForTheEngine(stack) ?? engineProblem();
  if (begun === "engine" && problem !== undefined) {
    throw new UserError(
      `Pulumi's engine has begun this rehearsal, and cannot go on with it: ${problem}. --fresh begins anew`,
    );
  }
  return Promise.resolve(begun !== "harness" && problem === undefined ? new Engine(stack) : new Harness(stack));
}
