import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "mocha";
import { stringify } from "yaml";
import { goProblem, standInK3s } from "../../sandbox/k3s";
import { finished, start, temporaryFolder, type Ran } from "../../sandbox/processes";
import { skipBecause } from "../support/skip";

/** One node: its configuration, what it printed, and its process while it runs. */
export interface Node {
  kind: "server" | "agent";
  etc: string;
  log: string;
  process?: ChildProcess;
}

/** The stand-in for K3s as processes in a network of their own, without machines. */
export class StandIn {
  private constructor(
    public readonly binary: string,
    /** For whatever lies beside the nodes' files; it is deleted with the run. */
    public readonly folder: string,
    private readonly network: ChildProcess,
  ) {}

  /** Compiles it if need be, and makes the network; skips where that cannot be. */
  public static async start(context: Context, name: string, addresses: readonly string[]): Promise<StandIn> {
    if (process.getuid?.() !== 0) {
      skipBecause(context, "needs root, for a network namespace");
    }
    const problem = await goProblem();
    if (problem !== undefined) {
      skipBecause(context, problem);
    }
    const began = performance.now();
    const binary = await standInK3s();
    console.log(`      binary compiled or found: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    const folder = temporaryFolder(name, 2 ** 30);
    const ip = ["ip link set lo up", ...addresses.map((address) => `ip address add ${address}/32 dev lo`)];
    const network = start("unshare", ["--net", "sh", "-c", `${ip.join("; ")}; echo ready; exec sleep infinity`]);
    await new Promise((resolve) => network.stdout!.once("data", resolve));
    return new StandIn(binary, folder, network);
  }

  /** Starts a command in the network. */
  public inside(command: readonly string[]): ChildProcess {
    return start("nsenter", [`--net=/proc/${this.network.pid}/ns/net`, ...command]);
  }

  /** Writes a node's configuration, config.yaml as it is given. */
  public configure(kind: Node["kind"], name: string, config: object): Node {
    const etc = path.join(this.folder, `${name}-etc`);
    fs.mkdirSync(path.join(etc, "k3s"), { recursive: true });
    fs.writeFileSync(path.join(etc, "k3s/config.yaml"), stringify(config));
    return { kind, etc, log: "" };
  }

  /** Configures a first server on its own, at one of the network's addresses. */
  public configureServer(name: string, address: string, more: object = {}): Node {
    return this.configure("server", name, {
      "data-dir": path.join(this.folder, "data"),
      "node-name": name,
      "node-ip": address,
      "kubelet-arg": [`root-dir=${this.folder}/kubelet`],
      token: "serversecret",
      "cluster-init": true,
      ...more,
    });
  }

  public k3s(etc: string, args: readonly string[], input = ""): Promise<Ran> {
    return finished(this.inside(["env", `K3S_STANDIN_ETC=${etc}`, this.binary, ...args]), input);
  }

  /** @throws Error with what kubectl said. */
  public async kubectl({ etc }: Node, args: string, input = ""): Promise<string> {
    const ran = await this.k3s(etc, ["kubectl", ...args.split(" ")], input);
    if (ran.status !== 0) {
      throw new Error(`kubectl ${args}: ${ran.stderr}`);
    }
    return ran.stdout.trim();
  }

  public run(node: Node): Node {
    node.log = "";
    const process = this.inside(["env", `K3S_STANDIN_ETC=${node.etc}`, this.binary, node.kind]);
    process.stdout?.on("data", (data: Buffer) => (node.log += data.toString()));
    process.stderr?.on("data", (data: Buffer) => (node.log += data.toString()));
    node.process = process;
    return node;
  }

  /** @throws Error with the end of its log, if it ends or does not say so in time. */
  public async says(node: Node, text: string, seconds = 120): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !node.log.includes(text);) {
      const { exitCode } = node.process!;
      if (Date.now() > end || exitCode !== null) {
        throw new Error(`no '${text}' of the ${node.kind}, exit status ${exitCode}:\n${node.log.slice(-1500)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** Waits until it is up. */
  public up(node: Node): Promise<void> {
    return this.says(node, "up and running");
  }

  public async stop({ process }: Node): Promise<void> {
    if (process && process.exitCode === null && process.signalCode === null) {
      const ended = new Promise((resolve) => process.once("exit", resolve));
      process.kill("SIGTERM");
      await ended;
    }
  }

  /** Ends nodes, then the network. */
  public async end(nodes: readonly (Node | undefined)[]): Promise<void> {
    for (const node of nodes) {
      if (node) {
        await this.stop(node);
      }
    }
    this.network.kill("SIGKILL");
  }
}
