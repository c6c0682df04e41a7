import type { ConfigIssue } from "../issues";
import type { RawHomelab } from "../schema";

/** A rule over more than one value, or one that needs arithmetic. */
export interface Check {
  /** The rule in a few words; names the check in tests. */
  name: string;
  /**
   * Finds what breaks the rule, in a configuration that may have mistakes of its own. Reading one of those ends the check,
   * or inside of ofEach and ofRules what is said of that entry or by that rule: nothing follows from what is wrong itself.
   */
  run(config: RawHomelab): ConfigIssue[];
}

/** An issue if there is a complaint, for rules that find at most one. */
export function issueIf(complaint: boolean, issue: () => ConfigIssue): ConfigIssue[] {
  return complaint ? [issue()] : [];
}

/** Every value that stands at a second place, with the place where it stood first. Values are compared exactly. */
export function repeated<T extends { path: string; value: string }>(entries: readonly T[]): (T & { first: string })[] {
  const seen = new Map<string, string>();
  return entries.flatMap((entry) => {
    const first = seen.get(entry.value);
    if (first === undefined) {
      seen.set(entry.value, entry.path);
      return [];
    }
    return [{ ...entry, first }];
  });
}
