import { spawnSync } from "node:child_process";
import type { Context } from "mocha";
import { skipBecause } from "../../support/skip";

/** Skips the test or suite if one of the commands is not on this machine. */
export function needTools(context: Context, ...commands: string[]): void {
  const missing = commands.filter((command) => spawnSync("bash", ["-c", `command -v ${command}`]).status !== 0);
  if (missing.length > 0) {
    skipBecause(context, `not installed here: ${missing.join(", ")}`);
  }
}

/** Skips the test or suite if private namespaces cannot be made here. */
export function needNamespaces(context: Context): void {
  if (spawnSync("unshare", ["-m", "-n", "-p", "-f", "--mount-proc", "true"]).status !== 0) {
    skipBecause(context, "needs root, and private mount, network and process namespaces");
  }
}
