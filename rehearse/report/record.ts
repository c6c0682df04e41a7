import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "../../plan/user-error";
import type { Deployer } from "../deploy/deployer";
import type { Run, StepResult } from "../deploy/steps";

/** A run as it is kept for later ones to compare with. It holds no outputs, so no secret. */
export interface RunRecord {
  version: 1;
  /** ISO 8601. */
  at: string;
  stack: string;
  deployer: Deployer["kind"];
  ok: boolean;
  milliseconds: number;
  steps: StepResult[];
  errors: string[];
  leftBehind: string[];
  /** What stood in for what, whatever the step. */
  standIns: readonly string[];
  /** What was not rehearsed as a whole, so that no step says so. */
  leftOut: readonly string[];
}

export function recordOf(
  run: Run,
  about: Pick<RunRecord, "stack" | "deployer"> & { at: Date } & Partial<Pick<RunRecord, "standIns" | "leftOut">>,
): RunRecord {
  const { ok, milliseconds, steps, errors, leftBehind } = run;
  const { at, stack, deployer, standIns = [], leftOut = [] } = about;
  const outcome = { ok, milliseconds, steps, errors, leftBehind };
  return { version: 1, at: at.toISOString(), stack, deployer, ...outcome, standIns, leftOut };
}

export function writeRecord(file: string, record: RunRecord): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(record, undefined, 1)}\n`);
  fs.renameSync(`${file}.new`, file);
}

/** @throws UserError if it cannot be read or is no record of a run. */
export function readRecord(file: string): RunRecord {
  const refuse = (reason: string, cause?: unknown) =>
    new UserError(`${file} ${reason}; it should be what an earlier rehearsal wrote`, { cause });
  let record: Partial<RunRecord>;
  try {
    record = JSON.parse(fs.readFileSync(file, "utf8")) as Partial<RunRecord>;
  } catch (error) {
    throw refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (record.version !== 1 || !Array.isArray(record.steps)) {
    throw refuse("is no record of a run");
  }
  return record as RunRecord;
}
