import { INSIDE } from "./namespace";
import { UsageError } from "../plan/usage-error";
import { USAGE, parseOptions } from "./options";

/** Entry point of `npm run rehearse`, and of its half inside of the namespaces; ends the process. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    process.exit(await statusOf(args));
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${USAGE}`);
      process.exit(2);
    }
    const known = error instanceof Error && ["UserError", "ConfigError"].includes(error.name);
    console.error(error instanceof Error ? (known ? error.message : error.stack) : String(error));
    process.exit(1);
  }
}

/** The program is loaded once the words are right: it takes seconds. */
async function statusOf(args: readonly string[]): Promise<number> {
  if (args[0] === INSIDE) {
    const { rehearse } = await import("./inside");
    return rehearse(args[1]);
  }
  const options = parseOptions(args);
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  const { run } = await import("./run");
  return run(options);
}
