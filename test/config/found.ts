import { allChecks, type Check } from "../../config/checks";
import { ConfigError } from "../../config/issues";
import { parseHomelab } from "../../config/parse";

/** Paths of all that is wrong with a configuration, each once, sorted. */
export function pathsOf(config: unknown, checks: readonly Check[] = allChecks): string[] {
  try {
    parseHomelab(config, checks);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return [...new Set(error.issues.map(({ path }) => path))].sort();
    }
    throw error;
  }
}
