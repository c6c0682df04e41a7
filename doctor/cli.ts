import { ConfigError } from "../config/issues";
import { UsageError } from "../plan/usage-error";
import { parseOptions, USAGE } from "./options";
import { textOf } from "./report";

/** Entry point of `npm run doctor`; ends the process. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (!options) {
      return end(USAGE, 0);
    }
    // Loaded once the words are right: it takes seconds.
    const { diagnose } = await import("./diagnose");
    const report = await diagnose(options);
    end(options.json ? JSON.stringify(report, null, 2) : textOf(report), report.exitStatus);
  } catch (error) {
    const known = error instanceof UsageError || error instanceof ConfigError;
    const text = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
    end(error instanceof UsageError ? `${text}\n\n${USAGE}` : text, known ? 3 : 70, process.stderr);
  }
}

/** Probes that missed their deadline may still hold sockets, so the process is ended once all is written. */
function end(text: string, status: number, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(`${text}\n`, () => process.exit(status));
}
