import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { finished, removeFolder, start, temporaryFolder, type Ran } from "../processes";
import { missingPackages } from "../requirements";

/** lab.sh FOLDER GUEST SCENARIO: a scenario beside a real libvirtd. */
export const LAB_SCRIPT = path.join(__dirname, "lab.sh");

/** Why no libvirtd can be run here, and what to do about it; undefined if one can. */
export function libvirtProblem(): string | undefined {
  return missingPackages({
    libvirtd: "libvirt-daemon-system",
    virsh: "libvirt-clients",
    genisoimage: "genisoimage",
    xmllint: "libxml2-utils",
    ping: "iputils-ping",
    python3: "python3",
    ip: "iproute2",
  });
}

/**
 * A hypervisor in namespaces of its own: a real libvirtd with a bridge br0, whose guests are real machines by software
 * emulation. Only what runs inside reaches them. It ends, with its guests, when this program does.
 */
export class LibvirtLab {
  private constructor(
    /** Files that both sides see. */
    public readonly folder: string,
    private readonly holder: ChildProcess,
    private readonly inside: number,
  ) {}

  /** @throws Error with what libvirtd said, if it does not answer. */
  public static async start(): Promise<LibvirtLab> {
    const folder = temporaryFolder("libvirt");
    const scenario = path.join(folder, "wait");
    // Bash stays the first process, which takes the orphans: libvirt waits for its daemons to be gone, zombies included.
    fs.writeFileSync(scenario, "echo ready\nsleep infinity &\nwait\n");
    const holder = start(LAB_SCRIPT, [folder, "real", scenario], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const listen = (data: Buffer) => {
        said += data.toString("utf8");
        if (/^ready$/m.test(said)) {
          resolve();
        }
      };
      holder.stdout?.on("data", listen);
      holder.stderr?.on("data", listen);
      holder.once("exit", (status) => reject(new Error(`libvirtd does not start (status ${status}): ${said.trim()}`)));
    });
    const [inside] = fs.readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim().split(" ");
    return new LibvirtLab(folder, holder, Number(inside));
  }

  /** Runs bash text inside, as root. */
  public async run(text: string): Promise<Ran> {
    const enter = ["--target", String(this.inside), "--mount", "--net", "--pid", `--wd=${this.folder}`];
    return finished(start("nsenter", [...enter, "bash"]), text);
  }

  /** The same, and throws if it fails. Returns what it prints, without the last line break. */
  public async sh(text: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(`set -euo pipefail\n${text}`);
    if (status !== 0) {
      throw new Error(`on the hypervisor, status ${status}: ${stderr.trim()}\n${stdout.slice(-2000)}`);
    }
    return stdout.replace(/\n$/, "");
  }

  /** Takes the power away from the hypervisor and its guests, and deletes everything of them. */
  public async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.holder.once("exit", resolve));
    this.holder.kill("SIGKILL");
    await ended;
    removeFolder(this.folder);
  }
}
