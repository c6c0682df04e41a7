import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as readline from "node:readline";
import { stringify } from "yaml";
import type { Report } from "../../doctor/report";
import type { Layer } from "../../doctor/finding";
import { edited, root } from "../support/home";
import type { Order } from "./worker";

/** First three numbers of the addresses on the LAN of the tests; nothing outside of its namespaces has one. */
export const NET = "10.77.0";
const DOMAIN = "fletcherlabs.net";

/** What stands at an address. */
export interface LanHost {
  /** Last number of the address. */
  last: number;
  /** `sshd`: a real one, with a machine of its own behind it. `mute`: accepts on port 22 and never speaks. `closed`: nothing listens. */
  kind: "sshd" | "mute" | "closed";
  hostname?: string;
  /** Content of /etc/machine-id. */
  machineId?: string;
  /** Whether sudo lets the user in; default true. */
  sudo?: boolean;
  /** Ports that accept, besides. */
  listen?: readonly number[];
  /** Commands before sshd, in the machine's own mount namespace. */
  prepare?: string;
}

/** Why no such LAN can be made here; undefined if it can. */
export function lanProblem(): string | undefined {
  if (process.getuid?.() !== 0) {
    return "needs root, for network namespaces";
  }
  const missing = ["ip", "unshare", "/usr/sbin/sshd", "dnsmasq", "sudo", "ping"].filter(
    (command) => spawnSync("bash", ["-c", `PATH=$PATH:/usr/sbin; command -v ${command}`]).status !== 0,
  );
  if (missing.length > 0) {
    return `not installed here: ${missing.join(", ")} (Debian: iproute2 openssh-server dnsmasq-base sudo iputils-ping)`;
  }
  const name = `hl-try-${process.pid}`;
  const { status, stderr } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  spawnSync("ip", ["netns", "delete", name]);
  return status === 0 ? undefined : `no network namespaces: ${stderr.trim()}`;
}

function must(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  }
  return stdout;
}

/**
 * A LAN of network namespaces: a switch, machines with real sshds and addresses of their own, a router with a resolver, and
 * the namespace of the person who asks. Nothing in it reaches anything outside.
 */
export class Lan {
  private readonly prefix = `hl${process.pid}`;
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-lan-"));
  private readonly children: ChildProcess[] = [];
  private readonly namespaces: string[] = [];
  private worker?: ReturnType<Lan["startWorker"]>;
  /** Public host keys by host. */
  public readonly hostKeys: Record<string, string> = {};
  public readonly keyFile = path.join(this.folder, "user");

  public static async start(hosts: Readonly<Record<string, LanHost>>): Promise<Lan> {
    const lan = new Lan();
    try {
      await lan.build(hosts);
    } catch (error) {
      await lan.stop();
      throw error;
    }
    return lan;
  }

  private async build(hosts: Readonly<Record<string, LanHost>>): Promise<void> {
    this.key("user");
    const bridge = this.namespace("switch");
    must("ip", "-n", bridge, "link", "add", "br0", "type", "bridge");
    must("ip", "-n", bridge, "link", "set", "br0", "up");
    this.plug("operator", 5);
    this.plug("router", 1);
    for (const [name, host] of Object.entries(hosts)) {
      this.plug(name, host.last);
    }
    const dns = ["--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root", "--pid-file="];
    this.inside("router", "dnsmasq", ...dns, `--address=/${DOMAIN}/${NET}.224`);
    this.listen("router", 179);
    for (const [name, host] of Object.entries(hosts)) {
      (host.listen ?? []).forEach((port) => this.listen(name, port));
      if (host.kind === "mute") {
        this.listen(name, 22);
      } else if (host.kind === "sshd") {
        this.sshd(name, host);
      }
    }
    const ports = Object.entries(hosts).flatMap(([name, { kind }]) => (kind === "closed" ? [] : [[name, 22] as const]));
    for (const [name, port] of [...ports, ["router", 53], ["router", 179]] as const) {
      await this.answers(name, port);
    }
  }

  /** One examination from the operator's place on the LAN; `timeout` in milliseconds. */
  public async examine(
    config: Record<string, unknown>,
    {
      only = [],
      layers = [],
      env = {},
      timeout = 9000,
    }: { only?: readonly string[]; layers?: readonly Layer[]; env?: NodeJS.ProcessEnv; timeout?: number } = {},
  ): Promise<Report> {
    this.worker ??= this.startWorker();
    const { child, answers } = this.worker;
    const order: Order = { config, only, layers, timeout, env: { ...this.env(), ...env } };
    child.stdin?.write(`${JSON.stringify(order)}\n`);
    const { value } = (await answers.next()) as { value?: string };
    const report = JSON.parse(value ?? '{"error":"the worker ended"}') as Report & { error?: string };
    if (report.error !== undefined) {
      throw new Error(report.error);
    }
    return report;
  }

  private startWorker() {
    const words = ["-r", "ts-node/register/transpile-only", path.join(__dirname, "worker.ts")];
    const child = spawn("ip", ["netns", "exec", this.namespaceOf("operator"), process.execPath, ...words], {
      cwd: root,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.children.push(child);
    return { child, answers: readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  }

  private env(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, HOMELAB_SSH_KEY: this.keyFile };
  }

  /** Runs the doctor's own process from the operator's place on the LAN, with a stack file that is gone afterwards. */
  public async doctor(
    config: Record<string, unknown>,
    args: readonly string[] = [],
  ): Promise<{ status: number; stdout: string; stderr: string; milliseconds: number; report: Report }> {
    const stack = `doctor-test-${process.pid}`;
    const file = path.join(root, `Pulumi.${stack}.yaml`);
    const keys = Object.entries(config).map(([key, value]) => [`homelab:${key}`, value]);
    fs.writeFileSync(file, stringify({ config: Object.fromEntries(keys) as Record<string, unknown> }));
    const began = performance.now();
    try {
      const words = [
        "netns",
        "exec",
        this.namespaceOf("operator"),
        process.execPath,
        "bin/doctor.js",
        "--stack",
        stack,
      ];
      const child = spawn("ip", [...words, ...args], {
        cwd: root,
        env: this.env(),
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
      child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
      const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
      const report = (args.includes("--json") && stdout !== "" ? JSON.parse(stdout) : undefined) as Report;
      return { status, stdout, stderr, milliseconds: performance.now() - began, report };
    } finally {
      fs.rmSync(file);
    }
  }

  /** Runs bash text in a machine's network namespace. */
  public sh(name: string, script: string): string {
    return must("ip", "netns", "exec", this.namespaceOf(name), "bash", "-euc", script);
  }

  public async stop(): Promise<void> {
    await Promise.all(
      this.children.map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) {
              resolve();
            } else {
              child.once("exit", () => resolve());
              child.kill("SIGKILL");
            }
          }),
      ),
    );
    for (const name of this.namespaces) {
      // A session of sshd outlives its parent for a moment.
      for (const pid of spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" }).stdout.split("\n")) {
        if (pid !== "") {
          process.kill(Number(pid), "SIGKILL");
        }
      }
      must("ip", "netns", "delete", name);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private namespaceOf(name: string): string {
    return `${this.prefix}-${name}`;
  }

  private namespace(name: string): string {
    const namespace = this.namespaceOf(name);
    must("ip", "netns", "add", namespace);
    this.namespaces.push(namespace);
    must("ip", "-n", namespace, "link", "set", "lo", "up");
    return namespace;
  }

  /** Makes a namespace with one cable to the switch. */
  private plug(name: string, last: number): void {
    const namespace = this.namespace(name);
    const [bridge, port] = [this.namespaceOf("switch"), `p${last}`];
    must("ip", "-n", bridge, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    must("ip", "-n", bridge, "link", "set", port, "master", "br0", "up");
    must("ip", "-n", namespace, "address", "add", `${NET}.${last}/24`, "dev", "eth0");
    must("ip", "-n", namespace, "link", "set", "eth0", "up");
  }

  private inside(name: string, ...words: string[]): void {
    const log = fs.openSync(path.join(this.folder, `${name}.log`), "a");
    const child = spawn("ip", ["netns", "exec", this.namespaceOf(name), ...words], { stdio: ["ignore", log, log] });
    fs.closeSync(log);
    this.children.push(child);
  }

  private listen(name: string, port: number): void {
    this.inside(name, process.execPath, "-e", `require("net").createServer(() => {}).listen(${port})`);
  }

  private key(name: string): string {
    must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path.join(this.folder, name));
    return fs.readFileSync(path.join(this.folder, `${name}.pub`), "utf8").trim();
  }

  /** A real sshd with a name, a machine-id, and users of its own. */
  private sshd(name: string, host: LanHost): void {
    this.hostKeys[name] = this.key(`host-${name}`);
    const file = (last: string) => path.join(this.folder, `${name}-${last}`);
    fs.writeFileSync(file("machine-id"), `${host.machineId ?? "0".repeat(32)}\n`);
    fs.writeFileSync(file("sudoers"), host.sudo === false ? "" : "homelab ALL=(ALL) NOPASSWD:ALL\n", { mode: 0o440 });
    const options = [
      "ListenAddress=0.0.0.0",
      `HostKey=${path.join(this.folder, `host-${name}`)}`,
      `AuthorizedKeysFile=${path.join(this.folder, "user.pub")}`,
      "PidFile=none",
      "StrictModes=no",
      "PermitRootLogin=prohibit-password",
      "PasswordAuthentication=no",
      "UsePAM=no",
    ].flatMap((option) => ["-o", option]);
    fs.mkdirSync("/run/sshd", { recursive: true });
    fs.chmodSync(this.folder, 0o755);
    const script = `
      mount --make-rprivate /
      hostname ${host.hostname ?? name}
      mount --bind ${file("machine-id")} /etc/machine-id
      for name in passwd shadow; do cp -p /etc/$name ${file("$name")}; mount --bind ${file("$name")} /etc/$name; done
      grep -q '^homelab:' /etc/passwd || echo 'homelab:x:4242:4242::/:/bin/bash' >>/etc/passwd
      grep -q '^homelab:' /etc/shadow || echo 'homelab:*:19000:0:99999:7:::' >>/etc/shadow
      mount -t tmpfs -o mode=0750 tmpfs /etc/sudoers.d
      cp ${file("sudoers")} /etc/sudoers.d/homelab; chmod 0440 /etc/sudoers.d/homelab
      ${host.prepare ?? ""}
      exec /usr/sbin/sshd -D -e -f /dev/null ${options.map((option) => `'${option}'`).join(" ")}`;
    this.inside(name, "unshare", "--uts", "--mount", "bash", "-euc", script);
  }

  private async answers(name: string, port: number): Promise<void> {
    const [last] = this.sh(name, "hostname -I").trim().split(" ");
    for (let attempt = 0; attempt < 200; attempt++) {
      const dial = `exec 3<>/dev/tcp/${last}/${port}`;
      const { status } = spawnSync("ip", ["netns", "exec", this.namespaceOf("operator"), "bash", "-c", dial]);
      if (status === 0) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(
      `${name} does not listen on ${port}: ${fs.readFileSync(path.join(this.folder, `${name}.log`), "utf8")}`,
    );
  }
}

/** The home stack as it would be on this LAN, every value filled in. `edit` gets it afterwards. */
export function lanConfig(hostKeys: Readonly<Record<string, string>>, edit: (config: any) => void = () => undefined) {
  return edited((config) => {
    const digest = "a".repeat(64);
    config.network.lan = { ...config.network.lan, cidr: `${NET}.0/24`, router: `${NET}.1`, dns: [`${NET}.1`] };
    config.network.gateway.ip = `${NET}.224`;
    config.network.pool = `${NET}.224/28`;
    config.network.bgp.peerAddress = `${NET}.1`;
    config.network.certificates.email = "owner@example.org";
    config.authorizedKeys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBbTn1Ux4p1c0h1nNf6xS1b6f6f9Qv7QmQ1uT3h2s4Zx"];
    config.versions.k3s.sha256 = digest;
    config.apps.automatic1111.image.digest = `sha256:${digest}`;
    config.identity.admin.email = "owner@example.org";
    config.secrets = {
      b2ApplicationKeyId: "id",
      b2ApplicationKey: "key",
      deadMansSwitch: "https://watch.example.org/ping-of-a-test",
      alerts: { phone: "topic-of-a-test" },
    };
    const lasts: Record<string, number> = { r730: 100, "k3s-master1": 30, k3s1: 21, k3s2: 23, k3s3: 31 };
    for (const [name, last] of Object.entries(lasts)) {
      const machine = config.machines[name];
      machine.address = `${NET}.${last}`;
      if (!machine.vm) {
        const unknown = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5${"A".repeat(44)}${String(last).padStart(4, "A")}`;
        machine.ssh.hostKey = hostKeys[name] ?? unknown;
        machine.identity = { kind: "machine-id", value: machineIdOf(name) };
      }
    }
    Object.values(config.machines.k3s3.disks).forEach((disk: any, index) => {
      disk.id = `/dev/disk/by-id/ata-TEST_${index}`;
    });
    edit(config);
  });
}

/** A machine-id for each name. */
export function machineIdOf(name: string): string {
  return Buffer.from(name).toString("hex").padEnd(32, "0");
}
