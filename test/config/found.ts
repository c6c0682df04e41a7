import { allChecks, type Check } from "../../config/checks";
import { ConfigError, type ConfigIssue } from "../../config/issues";
import { parseHomelab } from "../../config/parse";

/** All that is wrong with a configuration. */
export function issuesOf(config: unknown, checks: readonly Check[] = allChecks): readonly ConfigIssue[] {
  try {
    parseHomelab(config, checks);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.issues;
    }
    throw error;
  }
}

/** Where something is wrong, each place once, sorted. */
export function pathsOf(config: unknown, checks?: readonly Check[]): string[] {
  return [...new Set(issuesOf(config, checks).map(({ path }) => path))].sort();
}
