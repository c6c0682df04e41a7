import * as readline from "node:readline";
import { parseHomelab } from "../../config/parse";
import { report } from "../../doctor/diagnose";
import type { Layer } from "../../doctor/finding";

/** One examination, as a line of JSON on standard input; its report is a line on standard output. */
export interface Order {
  config: Record<string, unknown>;
  only: readonly string[];
  layers: readonly Layer[];
  /** In milliseconds. */
  timeout: number;
  env: NodeJS.ProcessEnv;
}

// Runs in a namespace of the LAN, where a process for each examination would load the program anew each time.
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { config, only, layers, timeout, env } = JSON.parse(line) as Order;
  report({ stack: "test", homelab: parseHomelab(config), only, timeout, env }, layers).then(
    (made) => console.log(JSON.stringify(made)),
    (error: Error) => console.log(JSON.stringify({ error: error.stack })),
  );
});
