import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { root } from "./home";

/** What a program in TypeScript needs beside itself; its types have been checked here already. */
export const PROGRAM_FILES = {
  "package.json": "{}",
  "tsconfig.json": JSON.stringify({
    compilerOptions: { target: "ES2022", module: "commonjs", moduleResolution: "node10", noCheck: true },
  }),
} as const;

/** A project in a folder of its own, with a state of its own; nothing of it outlives the test. */
export class EngineProject {
  public readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-engine-"));

  public constructor(files: Readonly<Record<string, string>> | "this program") {
    if (files === "this program") {
      const left = new Set(["node_modules", ".git", "out", ".cache", "test"]);
      fs.cpSync(root, this.folder, { recursive: true, filter: (source) => !left.has(path.relative(root, source)) });
    } else {
      for (const [name, text] of Object.entries(files)) {
        fs.writeFileSync(path.join(this.folder, name), text);
      }
    }
    fs.symlinkSync(path.join(root, "node_modules"), path.join(this.folder, "node_modules"));
    fs.mkdirSync(path.join(this.folder, "state"));
  }

  /** A program of a test's own, with a stack of the project's name. */
  public static of(name: string, program: string): EngineProject {
    const project = new EngineProject({
      ...PROGRAM_FILES,
      "Pulumi.yaml": `name: ${name}\nruntime: nodejs\n`,
      "index.ts": program,
    });
    const { status, stderr } = project.run("stack", "init", name);
    if (status !== 0) {
      project.remove();
      throw new Error(`pulumi stack init ended with status ${status}: ${stderr}`);
    }
    return project;
  }

  public run(...args: string[]): SpawnSyncReturns<string> {
    return spawnSync("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: this.folder,
      encoding: "utf8",
      timeout: 240_000,
      maxBuffer: 64 * 1024 * 1024,
      env: {
        ...process.env,
        PULUMI_BACKEND_URL: `file://${path.join(this.folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    });
  }

  public remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
