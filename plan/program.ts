import * as path from "node:path";
import { record, type Recording, type RecordOptions } from "./record";

const PROGRAM = path.join(__dirname, "..", "index.ts");

/**
 * Runs the real program, index.ts, for a stack and returns what it registers.
 *
 * @param config values of the stack by key, without the namespace.
 */
export function recordStack(
  stack: string,
  config: Readonly<Record<string, unknown>>,
  options: Pick<RecordOptions, "preview" | "answer"> = {},
): Promise<Recording> {
  return record(
    () => {
      // index.ts is the only module that does anything when it is loaded, so it alone must be loaded anew.
      delete require.cache[require.resolve(PROGRAM)];
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- a program is run by loading it
      return require(PROGRAM) as unknown;
    },
    { ...options, stack, config },
  );
}
