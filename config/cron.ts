import { Cron } from "croner";

/**
 * Says what is wrong with a cron expression, or undefined if nothing is. Five fields only: K3s, Velero and Longhorn all
 * read robfig/cron's standard form, which has no seconds field.
 */
export function cronProblem(expression: string): string | undefined {
  if (expression.trim().split(/\s+/).length !== 5) {
    return "it does not have five fields";
  }
  try {
    const job = new Cron(expression, { timezone: "UTC" });
    return job.nextRun(new Date("2025-01-01T00:00:00Z")) === null ? "it never runs" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The longest gap in hours between two runs, over a year from a fixed day. Used for "backup too old" alerts. */
export function longestGapHours(expression: string): number {
  const job = new Cron(expression, { timezone: "UTC" });
  const runs = job.nextRuns(400, new Date("2025-01-01T00:00:00Z"));
  const gaps = runs.slice(1).map((run, index) => (run.getTime() - runs[index].getTime()) / 3_600_000);
  return gaps.length === 0 ? 24 * 366 : Math.max(...gaps);
}
