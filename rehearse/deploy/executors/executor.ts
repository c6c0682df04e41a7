import type { KubeObject } from "../kubernetes/api";
import type { Registration } from "../registration";
import type { Outcome } from "../steps";
import type { Recorded } from "../state";

/** What an executor has made or found. */
export interface Done {
  outcome: Exclude<Outcome, "failed" | "deleted">;
  id: string;
  outputs: Record<string, unknown>;
  /** Kept for the next time. */
  memo?: Record<string, unknown>;
  message?: string;
  standIn?: string;
}

/** What an executor may ask of the run around it. */
export interface Context {
  /** Folder of the program. */
  folder: string;
  /** True if the inputs are those of the last run; then it only looks, and repairs what it finds changed. */
  unchanged: boolean;
  /** Ends what is under way. */
  signal: AbortSignal;
  /** Says what is waited for; repeated words are not said again. */
  waiting: (on: string) => void;
  /** Inputs and id of the resource behind `<urn>::<id>`. */
  provider(reference: string | undefined): { id: string; inputs: Record<string, unknown> } | undefined;
  /** Why a name, a kind or an API group is a stand-in or absent here; undefined if it is real. */
  notRehearsed(name: string): string | undefined;
  /** Objects that are made beside those of a chart's release, because its controllers are not here. */
  inControllersPlace(release: string): readonly KubeObject[];
  /** Records that it is being made, with what a later run needs to go on; done when it is on the disk. */
  begin(memo: Record<string, unknown>): Promise<void>;
  /** Carries out a resource that is a part of this one, as an object of a chart, with what that is a stand-in for. */
  part(registration: Registration, standIn: string | undefined): Promise<Done | undefined>;
}

/**
 * Makes resources of some types, as their provider does.
 *
 * @param old how the last run left it; undefined if there is none, or if it is to be replaced.
 * @throws Error with what to tell the person at the keyboard.
 */
export type Executor = (registration: Registration, old: Recorded | undefined, context: Context) => Promise<Done>;
