import type { ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { BASH_FROM_STDIN } from "../nodes/ssh";
import { ed25519HostKey, type HostKey } from "../nodes/hypervisor/host-key";
import { chooseAccelerator, type Accelerator } from "./accelerator";
import { identityFiles, smbiosString } from "./credentials";
import { USER, debianImage } from "./image";
import { startPackageProxy, type PackageProxy } from "./package-proxy";
import { finished, must, removeFolder, run, start, temporaryFolder, type Ran } from "./processes";
import { byId, qemuArguments, type DiskSpec, type QemuSpec } from "./qemu";
import { Qmp, type QemuEvent } from "./qmp";

export interface MachineSpec {
  /** Shown in messages. */
  name: string;
  /** Default: 1024. */
  memoryMib?: number;
  /** Default: 1. */
  processors?: number;
  /** Root disk, to which the file system grows at boot, in GiB. Default: as large as the image, 6. */
  rootGib?: number;
  /** Packages besides those of a plain server; installed when its image is built. */
  packages?: readonly string[];
  /** Blank disks, by name. */
  disks?: Readonly<Record<string, DiskSpec>>;
  /** A place on a LAN, in this process's network namespace. Default: alone, reached by a loopback port. */
  network?: MachineNetwork;
  /** Its host key and the key of who logs in. Default: new ones. */
  keys?: MachineKeys;
  /** Default: a new one. */
  identity?: MachineIdentity;
  /**
   * Folder for its files, which then outlive it: a machine made there again goes on from the disks that it finds, as after
   * a power cut. Default: a temporary one, deleted at the latest when this process ends.
   */
  folder?: string;
}

/** What the firmware says of a machine. */
export interface MachineIdentity {
  /** DMI UUID. */
  uuid: string;
  /** DMI serial number. */
  serial: string;
}

export interface MachineNetwork {
  /** Existing bridge. */
  bridge: string;
  mac: string;
  /** IPv4 address that the LAN's DHCP server gives to the MAC address. */
  address: string;
}

export interface MachineKeys {
  host: HostKey;
  user: HostKey;
}

/** Milliseconds until a greeting counts as one that does not come; more with each time, for a slow machine. */
const FIRST_PATIENCE = 2000;
const MOST_PATIENCE = 30_000;

/** Longest boots that were seen: 60 s in software emulation beside a busy core, 8 s with KVM. */
const BOOT_SECONDS: Readonly<Record<Accelerator, number>> = { tcg: 400, kvm: 90 };

/**
 * A disposable Debian 12 machine: real kernel, systemd as PID 1, real sshd and udev. It reaches nothing but a Debian
 * mirror, and only this machine reaches it. It and its files end with this process, however that ends.
 */
export class Machine {
  /** Disks by name: their stable paths inside the machine. */
  public readonly disks: Readonly<Record<string, string>>;
  public readonly user = USER;
  /** What the configuration of a real machine states about it. */
  public readonly identity: { readonly kind: "product-serial"; readonly value: string };
  /** Private key in OpenSSH's format, for root and for the user. */
  public readonly privateKey: string;
  /** Line of `ssh-ed25519 AAAA...`. */
  public readonly hostKey: string;

  private process?: ChildProcess;
  private qmp?: Qmp;
  /** A login of root that stays, for `sh`. */
  private session?: ChildProcess;
  /** Why its power went without anybody's asking. */
  private broken?: string;
  private readonly watchers: ((reason: string) => void)[] = [];

  private constructor(
    public readonly name: string,
    /** How it runs. */
    public readonly accelerator: Accelerator,
    private readonly folder: string,
    private readonly qemu: QemuSpec,
    /** Where its sshd is reached. */
    private readonly reached: { host: string; port: number },
    private readonly proxy: PackageProxy | undefined,
    private readonly kept: boolean,
    keys: MachineKeys,
    disks: Readonly<Record<string, DiskSpec>>,
  ) {
    this.disks = Object.fromEntries(Object.entries(disks).map(([disk, spec]) => [disk, byId(spec)]));
    this.identity = { kind: "product-serial", value: qemu.serial };
    this.privateKey = keys.user.privateKey;
    this.hostKey = keys.host.publicKey;
  }

  /** Makes the machine's files; builds the image if there is none yet. */
  public static async create({
    name,
    memoryMib = 1024,
    processors = 1,
    rootGib,
    packages,
    disks = {},
    network,
    keys = { host: newKey(`${name}-host`), user: newKey(`${name}-user`) },
    identity = { uuid: randomUUID(), serial: `SANDBOX${randomBytes(4).toString("hex").toUpperCase()}` },
    folder: given,
  }: MachineSpec): Promise<Machine> {
    const image = await debianImage(packages);
    const accelerator = await chooseAccelerator(image);
    // The root disk's changes, and two checkpoints of the memory.
    const folder = given ?? temporaryFolder(name, 2 ** 30 + 2 * memoryMib * 2 ** 20);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = (last: string) => path.join(folder, last);
    const proxy = network ? undefined : await startPackageProxy();
    const reached = network ? { host: network.address, port: 22 } : { host: "127.0.0.1", port: await freePort() };

    fs.writeFileSync(file("key"), keys.user.privateKey, { mode: 0o600 });
    fs.writeFileSync(file("known_hosts"), `${knownHost(reached)} ${keys.host.publicKey}\n`);
    fs.writeFileSync(file("credentials"), smbiosString(identityFiles(keys.host, keys.user.publicKey)), { mode: 0o600 });
    // One stream of the guest arrives as standard input and output of a process of its own.
    fs.writeFileSync(file("relay"), 'exec 3<>"/dev/tcp/127.0.0.1/$1"\ncat <&3 &\ncat >&3\nkill $! 2>/dev/null\n');

    await makeDisk(
      file("root.qcow2"),
      ["-b", image.root, "-F", "raw"],
      rootGib === undefined ? undefined : rootGib * 2 ** 30,
    );
    const attached = Object.entries(disks).map(([disk, spec]) => ({ ...spec, file: file(`${disk}.qcow2`) }));
    for (const disk of attached) {
      await makeDisk(disk.file, [], disk.bytes);
    }
    const qemu: QemuSpec = {
      name,
      accelerator,
      image,
      memoryMib,
      processors,
      ...identity,
      credentials: file("credentials"),
      overlay: file("root.qcow2"),
      disks: attached,
      network: network
        ? { kind: "tap", device: await tap(network), mac: network.mac }
        : { kind: "user", sshPort: reached.port, proxyRelay: ["/bin/bash", file("relay"), String(proxy?.port)] },
      control: file("control"),
      console: file("console.log"),
    };
    return new Machine(name, accelerator, folder, qemu, reached, proxy, given !== undefined, keys, disks);
  }

  /** Arguments of an SSH connection, as the program's own resources take them. */
  public connection(user: string = this.user) {
    return { ...this.reached, user, hostKey: this.hostKey, privateKey: this.privateKey };
  }

  /**
   * Switches the machine on and waits until one can log in.
   *
   * @param seconds until it counts as one that does not boot.
   * @throws Error with the last lines of the machine's console.
   */
  public async boot(seconds = BOOT_SECONDS[this.accelerator]): Promise<void> {
    if (this.process) {
      throw new Error(`${this.name} is on already`);
    }
    fs.rmSync(this.qemu.control, { force: true });
    const child = start("qemu-system-x86_64", qemuArguments(this.qemu), { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.on("data", (data: Buffer) => (said += data.toString("utf8")));
    // What QEMU has to say is read, but does not keep the program running.
    (child.stderr as net.Socket | null)?.unref();
    child.unref();
    this.process = child;
    this.broken = undefined;
    child.once("exit", (status, signal) => {
      // Whoever takes its power away has forgotten the process before; one that never came up is told by boot.
      const lost = this.process === child && this.qmp !== undefined;
      this.qmp = undefined;
      this.process = this.process === child ? undefined : this.process;
      if (lost) {
        this.broken ??= `QEMU ended by ${signal ?? `status ${status}`}${said.trim() && `: ${said.trim()}`}`;
        this.watchers.forEach((tell) => tell(`${this.name} has stopped: ${this.broken}`));
      }
    });
    // From the first moment on: a taken port, a missing file and a full disk are told at once, not as a login that fails.
    this.qmp = await this.untilControl(() => said.trim());
    await this.untilLogin(seconds, () =>
      this.process === undefined ? (this.broken ?? "its power was taken away") : undefined,
    );
  }

  /** Tells whenever its power goes without anybody's asking, and why: QEMU was ended, or this computer's disk is full. */
  public onLost(tell: (reason: string) => void): void {
    this.watchers.push(tell);
  }

  private async untilControl(said: () => string): Promise<Qmp> {
    const end = performance.now() + 30_000;
    for (;;) {
      try {
        return await Qmp.connect(this.qemu.control, (event) => this.noticed(event));
      } catch {
        // Not listening yet.
      }
      if (!this.process) {
        const taken = said().includes("host forwarding rule")
          ? `port ${this.reached.port} of ${this.reached.host} is taken by somebody else: `
          : "";
        throw new Error(`${this.name} does not start: ${taken}QEMU ended: ${said()}`);
      }
      if (performance.now() > end) {
        await this.kill();
        throw new Error(`${this.name} does not start: QEMU does not answer. ${said()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** QEMU stops a machine whose write fails because this computer's disk is full; nobody would ever know why it hangs. */
  private noticed({ event, data }: QemuEvent): void {
    if (event === "BLOCK_IO_ERROR" && data?.action === "stop") {
      const why = data.nospace === true ? "the disk of this computer is full" : String(data.reason);
      this.broken = `a write to the files in ${this.folder} failed: ${why}`;
      this.process?.kill("SIGKILL");
    }
  }

  /** Waits until one can log in, for example after a reboot from inside. */
  public async untilLogin(
    seconds = BOOT_SECONDS[this.accelerator],
    problem: () => string | undefined = () => undefined,
  ): Promise<void> {
    const end = performance.now() + seconds * 1000;
    let patience = FIRST_PATIENCE;
    for (;;) {
      // The forward accepts before anybody listens behind it, so only a login tells.
      const greeting = await this.greets(patience);
      if (greeting === "hello" && (await this.login())) {
        return;
      }
      patience = greeting === "silence" ? Math.min(patience * 1.2, MOST_PATIENCE) : patience;
      const reason = problem() ?? (performance.now() > end ? `no login within ${seconds} s` : undefined);
      if (reason !== undefined) {
        throw new Error(`${this.name} does not boot: ${reason}. Its console's last lines:\n${this.consoleTail()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /**
   * Whether an SSH server says hello within the time. What the forward took before the machine had its network is asked
   * again ever more seldom, by TCP's own rules: a new connection comes through sooner than that one.
   */
  private greets(milliseconds: number): Promise<"hello" | "silence" | "refusal"> {
    return new Promise((resolve) => {
      const socket = net.connect(this.reached);
      const end = (answer: "hello" | "silence" | "refusal") => {
        socket.destroy();
        resolve(answer);
      };
      socket.setTimeout(milliseconds, () => end("silence"));
      socket.once("error", () => end("refusal"));
      socket.once("close", () => end("refusal"));
      socket.once("data", (data) => end(data.toString("latin1").startsWith("SSH-") ? "hello" : "refusal"));
    });
  }

  /** Runs a command over SSH with the real OpenSSH client and the pinned host key. */
  public async ssh(command: string, input = "", user: string = this.user): Promise<Ran> {
    return finished(this.startSsh(command, user), input);
  }

  /** The same, to be cut off or watched. */
  public startSsh(command: string, user: string = this.user): ChildProcess {
    return this.openSsh(command, user);
  }

  /** Logs root in for `sh`, anew; false if that does not work yet. */
  private async login(): Promise<boolean> {
    this.logout();
    const master = shared(this.sharedLogin, "yes");
    if (master.length === 0) {
      return (await this.ssh("true", "", "root")).status === 0;
    }
    // Without a command: what waits on the machine would cost there.
    const session = this.openSsh(undefined, "root", [...master, "-N"]);
    let ended = false;
    session.once("error", () => (ended = true));
    session.once("exit", () => {
      ended = true;
      this.session = this.session === session ? undefined : this.session;
    });
    // It goes on as long as the machine does, and keeps nobody waiting.
    session.unref();
    [session.stdin, session.stdout, session.stderr].forEach((stream) => (stream as net.Socket | null)?.unref());
    while (!fs.existsSync(this.sharedLogin)) {
      if (ended) {
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.session = session;
    return true;
  }

  private logout(): void {
    this.session?.kill("SIGKILL");
    this.session = undefined;
    fs.rmSync(this.sharedLogin, { force: true });
  }

  private get sharedLogin(): string {
    return path.join(this.folder, "login");
  }

  private openSsh(command: string | undefined, user: string, further: readonly string[] = []): ChildProcess {
    const options = [
      "BatchMode=yes",
      "ConnectTimeout=30",
      "HostKeyAlgorithms=ssh-ed25519",
      "IdentitiesOnly=yes",
      "LogLevel=ERROR",
      "ServerAliveInterval=10",
      "ServerAliveCountMax=12",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${path.join(this.folder, "known_hosts")}`,
    ].flatMap((option) => ["-o", option]);
    return start("ssh", [
      ...["-F", "/dev/null", "-T", "-i", path.join(this.folder, "key"), "-p", String(this.reached.port)],
      ...[...options, ...further, `${user}@${this.reached.host}`, ...(command === undefined ? [] : [command])],
    ]);
  }

  /**
   * Runs bash text as root; throws if it fails. Returns what it prints, without the last line break. It shares one login with
   * all others: in software emulation a login takes a second, and a question a fraction of it.
   */
  public async sh(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.shell(`set -eu -o pipefail\n${script}`);
    if (status !== 0) {
      if (this.broken !== undefined) {
        throw new Error(`${this.name} has stopped: ${this.broken}`);
      }
      throw new Error(
        `on ${this.name}, status ${status}: ${stderr.trim()}\n${last(stdout)}\nof: ${script.trim().slice(0, 300)}`,
      );
    }
    return stdout.replace(/\n$/, "");
  }

  /** The same for what may fail: its status and all that it prints. */
  public async shell(script: string): Promise<Ran> {
    const further = this.session ? shared(this.sharedLogin, "no") : [];
    return finished(this.openSsh(BASH_FROM_STDIN, "root", further), script);
  }

  /** Remembers memory and all disks as they are now, under a name; what is written by then survives a power cut after it. */
  public async checkpoint(name: string): Promise<void> {
    const control = this.control();
    await this.sh("sync");
    await control.human(`savevm ${name}`);
  }

  /** Memory and all disks as they were at the checkpoint, within seconds; only the clock goes on. */
  public async revert(name: string): Promise<void> {
    await this.control().human(`loadvm ${name}`);
    // Its server has been listening for long.
    if (!(await this.login())) {
      await this.untilLogin();
    }
    await this.sh(`date --utc --set=@${Math.floor(Date.now() / 1000)} >/dev/null`);
  }

  /** Its processor stands still, and takes nothing of this computer's. */
  public async pause(): Promise<void> {
    await this.control().human("stop");
  }

  public async resume(): Promise<void> {
    await this.control().human("cont");
  }

  /** Takes the power away: nothing is shut down or written back. */
  public async kill(): Promise<void> {
    this.logout();
    const child = this.process;
    this.process = undefined;
    if (child) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
  }

  /** Takes the power away and deletes everything of the machine, but for a folder that was given to it. */
  public async destroy(): Promise<void> {
    await this.kill();
    this.proxy?.stop();
    if (this.qemu.network.kind === "tap") {
      await run("ip", ["link", "delete", this.qemu.network.device]);
    }
    if (!this.kept) {
      removeFolder(this.folder);
    }
  }

  /** What the machine last said on its console. */
  public consoleTail(lines = 30): string {
    const { console } = this.qemu;
    return fs.existsSync(console) ? last(fs.readFileSync(console, "utf8"), lines) : "";
  }

  private control(): Qmp {
    if (!this.qmp) {
      throw new Error(`${this.name} is not on${this.broken === undefined ? "" : `: ${this.broken}`}`);
    }
    return this.qmp;
  }
}

/** As known_hosts names a server: brackets only where the port is another one than 22 (sshd(8)). */
function knownHost({ host, port }: { host: string; port: number }): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The kernel takes 107 bytes for the path of a socket (unix(7)), of which OpenSSH needs 17 while it makes one. */
const SOCKET_PATH_BYTES = 107 - 17;

/** Options of a connection that others go through (`yes`), or that goes through another one; none if the path is too long. */
function shared(socket: string, master: "yes" | "no"): string[] {
  return Buffer.byteLength(socket) > SOCKET_PATH_BYTES
    ? []
    : ["-o", `ControlPath=${socket.replaceAll("%", "%%")}`, "-o", `ControlMaster=${master}`];
}

/** The last lines of what a command printed. */
function last(text: string, lines = 20): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

function newKey(comment: string): HostKey {
  return ed25519HostKey(randomBytes(32).toString("base64"), comment);
}

/** An empty disk, or one over another file; a disk that is there stays as it is. */
async function makeDisk(file: string, backing: readonly string[], bytes?: number): Promise<void> {
  if (!fs.existsSync(file)) {
    const unfinished = `${file}.new`;
    const size = bytes === undefined ? [] : [String(bytes)];
    await must("qemu-img", ["create", "-q", "-f", "qcow2", ...backing, unfinished, ...size]);
    fs.renameSync(unfinished, file);
  }
}

/** Makes a tap device on the bridge, named after the end of the MAC address: names have 15 characters at most. */
async function tap({ bridge, mac }: MachineNetwork): Promise<string> {
  const device = `tap${mac.replaceAll(":", "").slice(-8)}`;
  await must("ip", ["tuntap", "add", "dev", device, "mode", "tap"]);
  await must("ip", ["link", "set", device, "master", bridge, "up"]);
  return device;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
