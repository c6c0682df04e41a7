import { spawnSync } from "node:child_process";

/** Skips the test, with the reason in the report, if one of the commands is not on this machine. */
export function missingTool(test: Mocha.Context, ...commands: string[]): boolean {
  const missing = commands.filter((command) => spawnSync("bash", ["-c", `command -v ${command}`]).status !== 0);
  if (missing.length === 0) {
    return false;
  }
  console.log(`      skipped: ${missing.join(", ")} not on this machine`);
  test.skip();
}

/** Skips the test, with the reason in the report, if private namespaces cannot be made here. */
export function noNamespaces(test: Mocha.Context): boolean {
  if (spawnSync("unshare", ["-m", "-n", "-p", "-f", "--mount-proc", "true"]).status === 0) {
    return false;
  }
  console.log("      skipped: needs root and private mount, network and process namespaces");
  test.skip();
}
