import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { engineConfig } from "../../plan/record";

export interface ProgramOptions {
  /** Folder of the Pulumi program. */
  folder: string;
  stack: string;
  project: string;
  /** Values by key, without the namespace. */
  config: Readonly<Record<string, unknown>>;
  /** Where the monitor answers, see serveMonitor. */
  monitor: string;
  /** Ends the program. */
  signal: AbortSignal;
  /** Told what the program prints. */
  print: (text: string) => void;
}

/**
 * Runs a program as Pulumi's language host does: by the SDK's own entry point, which tells the monitor of every resource
 * (pulumi/pulumi sdk/nodejs/cmd/pulumi-language-nodejs/main.go).
 *
 * @returns its exit status; undefined if it was ended.
 */
export async function runProgram(options: ProgramOptions): Promise<number | undefined> {
  const { folder, stack, project, monitor } = options;
  const config = engineConfig(options.config, project);
  const tsconfig = ["tsconfig.pulumi.json", "tsconfig.json"].find((name) => fs.existsSync(path.join(folder, name)));
  const flags = {
    organization: "organization",
    project,
    stack,
    "root-directory": folder,
    pwd: folder,
    parallel: "1024",
  };
  const child = spawn(
    process.execPath,
    [
      "--no-warnings",
      require.resolve("@pulumi/pulumi/cmd/run"),
      ...Object.entries({ ...flags, monitor, engine: monitor }).map(([name, value]) => `--${name}=${value}`),
      ".",
    ],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      // A Ctrl-C is for the harness, which ends the program once what is under way is in the state.
      detached: true,
      env: {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: "[]",
        PULUMI_NODEJS_TYPESCRIPT: "true",
        PULUMI_NODEJS_TRANSPILE_ONLY: "true",
        ...(tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
      },
    },
  );
  const end = () => child.kill("SIGKILL");
  options.signal.addEventListener("abort", end);
  // The program must not outlive a harness that ends without a word.
  process.once("exit", end);
  child.stdout.setEncoding("utf8").on("data", options.print);
  child.stderr.setEncoding("utf8").on("data", options.print);
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? undefined));
    });
  } finally {
    options.signal.removeEventListener("abort", end);
    process.removeListener("exit", end);
  }
}
