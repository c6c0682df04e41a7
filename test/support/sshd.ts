import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

const SSHD = "/usr/sbin/sshd";

/** Why no sshd of our own can run here; undefined if one can. */
export function sshdProblem(): string | undefined {
  if (process.getuid?.() !== 0) {
    return "needs root, because steps run as root";
  }
  return fs.existsSync(SSHD) ? undefined : `needs ${SSHD} (Debian package openssh-server)`;
}

/** A real OpenSSH server on loopback, for one test file. */
export interface TestSshd {
  port: number;
  /** Line of known_hosts' form: ssh-ed25519 AAAA... */
  hostKey: string;
  /** OpenSSH private key that may log in as root. */
  privateKey: string;
  /** How a dynamic provider logs in. */
  connection: { host: string; port: number; user: string; hostKey: string; privateKey: string };
  /** The same as the members of an object in a program's source, where `pulumi` is imported. */
  connectionSource: string;
  /** A key that it does not have. */
  otherHostKey: string;
  /** How many logins it has accepted. */
  logins(): number;
  /** Cuts every connection that is open, as a network does that goes away. */
  cut(): void;
  stop(): void;
}

export async function startSshd(): Promise<TestSshd> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-sshd-"));
  const keygen = (name: string) => {
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path.join(folder, name)]);
    return fs.readFileSync(path.join(folder, `${name}.pub`), "utf8").trim();
  };
  const hostKey = keygen("host");
  fs.writeFileSync(path.join(folder, "authorized_keys"), keygen("user"));
  const port = await freePort();
  const settings = [
    `Port=${port}`,
    "ListenAddress=127.0.0.1",
    `HostKey=${path.join(folder, "host")}`,
    `AuthorizedKeysFile=${path.join(folder, "authorized_keys")}`,
    `PidFile=${path.join(folder, "pid")}`,
    "StrictModes=no",
    "PermitRootLogin=prohibit-password",
    "PasswordAuthentication=no",
    "UsePAM=no",
  ];
  fs.mkdirSync("/run/sshd", { recursive: true });
  const server = spawn(SSHD, ["-D", "-e", "-f", "/dev/null", ...settings.flatMap((setting) => ["-o", setting])], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  server.stderr.on("data", (data: Buffer) => (said += data.toString("utf8")));
  await answers(port, server);
  const privateKey = fs.readFileSync(path.join(folder, "user"), "utf8");
  const place = { host: "127.0.0.1", port, user: "root", hostKey };
  return {
    port,
    hostKey,
    privateKey,
    connection: { ...place, privateKey },
    connectionSource: `...${JSON.stringify(place)}, privateKey: pulumi.secret(${JSON.stringify(privateKey)})`,
    otherHostKey: hostKey.replace(/.{8}$/, "AAAAAAAA"),
    logins: () => said.match(/Accepted publickey/g)?.length ?? 0,
    cut: () => {
      // Each connection is a child of the server.
      const children = fs.readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim();
      children
        .split(" ")
        .filter(Boolean)
        .forEach((pid) => process.kill(Number(pid), "SIGKILL"));
    },
    stop() {
      server.kill();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers(port: number, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (server.exitCode !== null) {
      throw new Error(`sshd ended with status ${server.exitCode}`);
    }
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (open) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("sshd does not answer");
}
