import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { STACK, type StackConfig } from "../../rehearse/config";
import { StateFile } from "../../rehearse/deploy/state";
import type { DeployEvent, Run } from "../../rehearse/deploy/steps";
import { ORDER_FILE, RECORD_FILE, STATE_FILE, type Order } from "../../rehearse/inside";
import { readRecord, type RunRecord } from "../../rehearse/report/record";
import { RehearsalFolder } from "../../rehearse/state";
import { finished, must, removeFolder, start, temporaryFolder, type Ran } from "../../sandbox/processes";
import { root } from "../support/home";
import type { Operation } from "./deploy";

const BIN = path.join(root, "bin", "rehearse.js");
const DEPLOY = path.join(__dirname, "deploy.ts");
/** How `npm run rehearse -- --keep` says that its machines are up, and stay so. */
const UP = "The machines are up.";

/** Disks and mirror of the rehearsal. */
const BYTES = 20e9;

/** When a run is killed: so long after the first event that is asked for. */
export interface Kill {
  at: (event: DeployEvent) => boolean;
  milliseconds: number;
}

/**
 * The house of a rehearsal that a person has started with `npm run rehearse -- --keep`: what its report says, its machines
 * by the script that enters them, and further runs of the stack.
 */
export class House {
  private constructor(
    private readonly rehearsal: ChildProcess | undefined,
    private readonly state: RehearsalFolder,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly ownFolder: string | undefined,
  ) {}

  /**
   * Rehearses from nothing; what that prints is printed. For whoever works on these tests:
   * HOMELAB_REHEARSAL_STATE, a folder for XDG_STATE_HOME, takes a rehearsal whose machines are up, or goes on from what lies
   * there, and leaves it.
   *
   * @throws Error if the rehearsal ends before its machines are up.
   */
  public static async start(): Promise<House> {
    const given = process.env.HOMELAB_REHEARSAL_STATE;
    const base = given ?? temporaryFolder("rehearsal", BYTES);
    const environment = { ...process.env, XDG_STATE_HOME: base };
    const state = new RehearsalFolder(path.join(base, "homelab-rehearsal"));
    if (state.user() !== undefined) {
      return new House(undefined, state, environment, undefined);
    }
    const rehearsal = start(process.execPath, [BIN, "--keep"], {
      env: environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const house = new House(rehearsal, state, environment, given === undefined ? base : undefined);
    await new Promise<void>((resolve, reject) => {
      let said = "";
      rehearsal.stdout?.setEncoding("utf8").on("data", (text: string) => {
        process.stdout.write(text);
        said = `${said}${text}`.slice(-4000);
        if (said.includes(UP)) {
          resolve();
        }
      });
      rehearsal.once("error", reject);
      rehearsal.once("exit", (code) => reject(new Error(`npm run rehearse -- --keep ended with status ${code}`)));
    });
    return house;
  }

  /** What the first run left for later ones to compare with. */
  public record(): RunRecord {
    return readRecord(this.state.path(RECORD_FILE));
  }

  /** The configuration that it was built from, keys and digests included. */
  public config(): StackConfig {
    return (JSON.parse(fs.readFileSync(this.state.path(ORDER_FILE), "utf8")) as Order).config;
  }

  /** Runs bash on a machine, as root; returns what it prints. */
  public async sh(machine: string, script: string): Promise<string> {
    const sudo = machine === "r730" ? [] : ["sudo"];
    const ran = await must(this.state.path("enter"), [machine, ...sudo, "bash", "-s"], `set -euo pipefail\n${script}`);
    return ran.stdout.trim();
  }

  /** kubectl on the control plane; returns what it prints. */
  public kubectl(command: string): Promise<string> {
    return this.sh("k3s-master1", `k3s kubectl ${command}`);
  }

  /**
   * Runs the stack again, from a process of its own.
   *
   * @param how.config default: as it is.
   * @param how.kill ends that process and what it has started, by SIGKILL; then there is no result.
   */
  public async up(how: { config?: StackConfig; kill?: Kill } = {}): Promise<Run | undefined> {
    return this.run("up", how);
  }

  /** What only the engine can do. */
  public async by(operation: Exclude<Operation, "up">, config?: StackConfig): Promise<Run> {
    return (await this.run(operation, { config }))!;
  }

  /**
   * `npm run node -- ...` as its owner runs it, with the house's configuration and the control plane's own kubeconfig.
   *
   * @throws Error with what it said if it does not end well.
   */
  public async node(...words: string[]): Promise<string> {
    const folder = temporaryFolder("node");
    try {
      const config = Object.fromEntries(Object.entries(this.config()).map(([key, value]) => [`homelab:${key}`, value]));
      // JSON is YAML.
      fs.writeFileSync(path.join(folder, `Pulumi.${STACK}.yaml`), JSON.stringify({ config }), { mode: 0o600 });
      const { address } = (this.config().machines as Record<string, { address: string }>)["k3s-master1"];
      const kubeconfig = await this.sh("k3s-master1", "cat /etc/rancher/k3s/k3s.yaml");
      fs.writeFileSync(path.join(folder, "kubeconfig"), kubeconfig.replace("127.0.0.1", address), { mode: 0o600 });
      const command = [process.execPath, path.join(root, "bin", "node.js"), ...words];
      const inside = [
        "env",
        "-C",
        folder,
        ...command,
        "--stack",
        STACK,
        "--kubeconfig",
        path.join(folder, "kubeconfig"),
      ];
      return (await must("nsenter", [...this.enter(), ...inside])).stdout;
    } finally {
      removeFolder(folder);
    }
  }

  /**
   * Forgets what a run of the harness no longer had in its program, as the engine does by itself; the harness deletes nothing,
   * and keeps it.
   */
  public async forget(urns: readonly string[]): Promise<void> {
    const state = StateFile.open(this.state.path(STATE_FILE), STACK);
    try {
      await Promise.all(urns.map((urn) => state.delete(urn)));
    } finally {
      state.close();
    }
  }

  /** Arguments of nsenter for the namespaces of the machines. */
  private enter(): string[] {
    const [, first] = /--target (\d+)/.exec(fs.readFileSync(this.state.path("enter"), "utf8"))!;
    return ["--target", first, "--net", "--mount", "--pid", "--"];
  }

  private async run(operation: Operation, how: { config?: StackConfig; kill?: Kill }): Promise<Run | undefined> {
    const configFile = this.state.path("again.json");
    fs.writeFileSync(configFile, JSON.stringify(how.config ?? this.config()), { mode: 0o600 });
    const node = [process.execPath, "--require", require.resolve("ts-node/register/transpile-only"), DEPLOY];
    const child = spawn("nsenter", [...this.enter(), ...node, this.state.folder, configFile, operation], {
      // A group of its own, which is killed as a whole.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...this.environment, TS_NODE_PROJECT: path.join(root, "tsconfig.json") },
    });
    const end = () => process.kill(-child.pid!, "SIGKILL");
    process.once("exit", end);
    let run: Run | undefined;
    let killing: Kill | undefined = how.kill;
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.map((one) => JSON.parse(one) as { event?: DeployEvent; run?: Run })) {
        run = line.run ?? run;
        if (line.event && killing?.at(line.event)) {
          setTimeout(end, killing.milliseconds);
          killing = undefined;
        }
      }
    });
    const ran: Ran = await finished(child);
    process.removeListener("exit", end);
    if (how.kill) {
      if (killing) {
        throw new Error(`the run ended before the event at which it was to be killed: ${ran.stderr}`);
      }
      return undefined;
    }
    if (!run) {
      throw new Error(`the run ended with status ${ran.status} and no result: ${ran.stderr}`);
    }
    return run;
  }

  /** Ctrl-C, and the folder is cleaned; says what is left of it. */
  public async stop(): Promise<{ status: number | null; left: boolean }> {
    const { rehearsal } = this;
    if (!rehearsal) {
      return { status: 0, left: false };
    }
    const ended = new Promise<number | null>((resolve) => rehearsal.once("exit", resolve));
    rehearsal.kill("SIGINT");
    const status = await ended;
    if (this.ownFolder === undefined) {
      return { status, left: false };
    }
    await finished(start(process.execPath, [BIN, "--clean"], { env: this.environment }));
    const left = fs.existsSync(this.state.folder);
    removeFolder(this.ownFolder);
    return { status, left };
  }
}
