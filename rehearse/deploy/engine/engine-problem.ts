import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** From this version on; as Pulumi.yaml requires. */
const LEAST: readonly [number, number] = [3, 229];

/** Plugins of the providers that the program uses; B2's has a stand-in, see workspace.ts. */
const PLUGINS = ["command", "kubernetes", "random"] as const;

/** Why Pulumi's CLI cannot be used here; undefined if it can. Plugins that it lacks it may fetch by itself. */
export function cliProblem(): string | undefined {
  const { error, stdout } = spawnSync("pulumi", ["version"], { encoding: "utf8" });
  if (error) {
    return "Pulumi's CLI is not on PATH";
  }
  const [major, minor] = stdout.trim().replace(/^v/, "").split(".").map(Number);
  return major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])
    ? `Pulumi ${LEAST.join(".")} or newer is needed, ${stdout.trim()} is on PATH`
    : undefined;
}

/** Why Pulumi's engine cannot be used here as it is, without fetching anything; undefined if it can. */
export function engineProblem(): string | undefined {
  const problem = cliProblem();
  if (problem !== undefined) {
    return problem;
  }
  const missing = PLUGINS.filter((plugin) => !hasPlugin(plugin));
  return missing.length === 0
    ? undefined
    : `Pulumi's CLI has no plugin for ${missing.join(", ")}; \`pulumi install\` in this folder fetches them`;
}

/** A plugin is on PATH, or in Pulumi's own folder (pulumi/pulumi sdk/go/common/workspace/plugins.go). */
function hasPlugin(plugin: string): boolean {
  const home = process.env.PULUMI_HOME ?? path.join(os.homedir(), ".pulumi");
  const installed = path.join(home, "plugins");
  return (
    (fs.existsSync(installed) && fs.readdirSync(installed).some((name) => name.startsWith(`resource-${plugin}-v`))) ||
    (process.env.PATH ?? "")
      .split(path.delimiter)
      .some((folder) => fs.existsSync(path.join(folder, `pulumi-resource-${plugin}`)))
  );
}
