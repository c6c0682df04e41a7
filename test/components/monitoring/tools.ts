import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** What a tool said, and whether it was content. */
export interface ToolRun {
  ok: boolean;
  output: string;
}

/** Why a tool of Prometheus cannot run here, or undefined. */
export function toolProblem(tool: "promtool" | "amtool"): string | undefined {
  if (spawnSync(tool, ["--version"]).error === undefined) {
    return undefined;
  }
  const debian = tool === "promtool" ? "prometheus" : "prometheus-alertmanager";
  return `no ${tool} on PATH (Debian package ${debian}; its service need not run)`;
}

/** Version of amtool as [major, minor]. */
export function amtoolVersion(): [number, number] {
  const { stdout, stderr } = spawnSync("amtool", ["--version"], { encoding: "utf8" });
  const match = /version (\d+)\.(\d+)/.exec(stdout + stderr);
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}

/** Runs a tool in a folder of its own that holds these files. */
export function runTool(tool: string, args: readonly string[], files: Readonly<Record<string, string>>): ToolRun {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "monitoring-test-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      fs.writeFileSync(path.join(folder, name), text);
    }
    const { status, stdout, stderr } = spawnSync(tool, [...args], { cwd: folder, encoding: "utf8" });
    return { ok: status === 0, output: `${stdout}${stderr}` };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
