import { parseArgs, type ParseArgsConfig } from "node:util";

/** A mistake in the words of a command line; shown with the command's usage. */
export class UsageError extends Error {
  public override readonly name = "UsageError";
}

/**
 * The words of a command line, by node's own rules.
 *
 * @throws UsageError for one that is not among them.
 */
export function wordsOf<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
