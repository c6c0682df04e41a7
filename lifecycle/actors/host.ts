import * as net from "node:net";
import { Client } from "ssh2";
import type { Identity, Worker } from "../../config/homelab";
import { quote, readScript, renderRun, type HostScript } from "../../nodes/host-script";
import { commandLine } from "../../nodes/host-step";
import { paths } from "../../nodes/k3s/paths";
import { unitName } from "../../nodes/k3s/unit";
import { UserError } from "../../plan/user-error";
import type { HostFinding } from "../preflight";

/** How to log in: a private key, or the agent's socket. */
export interface Login {
  readonly privateKey?: string;
  readonly agent?: string;
}

/** What bash has left behind. */
export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Why there was no login. */
export interface NoLogin {
  readonly error: Error & { code?: string };
  /** A TCP connection was accepted. */
  readonly connected: boolean;
  /** Whether the machine has offered the pinned host key, if it came that far. */
  readonly rightKey?: boolean;
}

/** Seconds until a machine that does not answer is given up; a dead one never does. */
const CONNECT_SECONDS = 15;

/** Of the kubelet. No firewall is on a node (os/bootstrap.sh), so a kernel that lives answers there, if only to refuse. */
const SECOND_PORT = 10250;

/** How a connection fails to which nobody has answered: no packet came back, or the network says there is no such host. */
const SILENCE = ["ETIMEDOUT", "EHOSTUNREACH", "EHOSTDOWN"];

/**
 * Looks whether the machine at a worker's address is that worker: host key, login, and identity. Writes nothing.
 *
 * @param connectSeconds until a machine that does not answer TCP, or then SSH, is given up. Default: 15.
 */
export async function lookAtHost(worker: Worker, login: Login, connectSeconds = CONNECT_SECONDS): Promise<HostFinding> {
  const { kind, value } = worker.identity;
  const text = [
    "set -euo pipefail",
    readScript("identity.sh"),
    `require_identity ${quote(kind)} ${quote(value)}`,
    "cat /etc/machine-id",
    "",
  ].join("\n");
  const ran = await runBash(worker, login, text, 30, connectSeconds);
  if ("error" in ran) {
    const found = findingOf(ran);
    return found.kind === "silent" && (await answers(worker.address, SECOND_PORT, connectSeconds))
      ? { kind: "locked", detail: `TCP ${worker.ssh.port} is silent, but TCP ${SECOND_PORT} answers` }
      : found;
  }
  return answerOf(kind, ran);
}

/** What a machine has said of itself, asked for an identity of this kind. */
export function answerOf(kind: Identity["kind"], ran: Ran): HostFinding {
  // sudo may have complained first, for example about a name that it cannot resolve.
  const stranger = ran.stderr.split("\n").find((line) => line.startsWith("This is another machine"));
  // A machine that cannot read its own identity has shown nothing.
  if (ran.status === 77 && stranger !== undefined && !stranger.includes(`its ${kind} is ''`)) {
    return { kind: "other", detail: stranger };
  }
  return ran.status === 0
    ? { kind: "itself", machineId: ran.stdout.trim() }
    : { kind: "locked", detail: `${ran.stderr.trim() || ran.stdout.trim()} (status ${ran.status})` };
}

/**
 * What a failed login says about the machine. Only silence is silence: a connection that was refused, or accepted and then
 * left alone, comes from a running kernel, below which pods may still write. Only another host key shows another machine.
 */
export function findingOf({ error, connected, rightKey }: NoLogin): HostFinding {
  if (rightKey === false) {
    return { kind: "other", detail: "it shows another SSH host key than the pinned one" };
  }
  if (rightKey === true) {
    return { kind: "locked", detail: error.message };
  }
  if (!connected && SILENCE.includes(error.code ?? "")) {
    return { kind: "silent", detail: error.message };
  }
  return error.code === "ECONNREFUSED" || connected
    ? { kind: "locked", detail: `it is up, but SSH is not (${error.message})` }
    : { kind: "locked", detail: `nobody can tell from this computer (${error.message})` };
}

/**
 * The step that takes K3s off a machine for good, by the guarded teardown that its own K3s step has installed there.
 */
export function teardownStep(worker: Worker): HostScript {
  return {
    name: "k3s-remove",
    source: "k3s/remove.sh",
    libraries: ["k3s/inspect.sh", "k3s/common.sh"],
    variables: {
      NODE: worker.name,
      TEARDOWN_COMMAND: paths.teardownCommand,
      DATA_DIR: paths.data,
      UNITS: Object.values(unitName),
    },
    timeoutSeconds: 1800,
  };
}

/**
 * @returns what it has changed, a line each.
 * @throws UserError with what the machine said. It checks the machine's identity before its first write.
 */
export async function tearDown(worker: Worker, login: Login): Promise<string[]> {
  const script = teardownStep(worker);
  const ran = await runBash(worker, login, renderRun(script, worker.identity, ""), script.timeoutSeconds);
  if ("error" in ran) {
    throw new UserError(`${worker.name} (${worker.address}) cannot be reached any more: ${ran.error.message}`);
  }
  if (ran.status !== 0) {
    throw new UserError(`the teardown on ${worker.name} has stopped:\n${ran.stderr.trim() || ran.stdout.trim()}`);
  }
  return ran.stdout.split("\n").filter((line) => line.startsWith("changed: "));
}

/** Runs bash text as root. The host key is pinned; the text goes over standard input. */
async function runBash(
  worker: Worker,
  login: Login,
  text: string,
  seconds: number,
  connectSeconds = CONNECT_SECONDS,
): Promise<Ran | NoLogin> {
  const { address, ssh } = worker;
  const wanted = ssh.hostKey?.split(" ")[1];
  // Dialled before SSH: its own time limit would not tell a machine that is off from one whose sshd hangs.
  const sock = await dial(address, ssh.port, connectSeconds);
  if (sock instanceof Error) {
    return { error: sock, connected: false };
  }
  return await new Promise((resolve, reject) => {
    const client = new Client();
    let rightKey: boolean | undefined;
    let limit: NodeJS.Timeout | undefined;
    const finish = (result: Ran | Error) => {
      clearTimeout(limit);
      client.end();
      if (result instanceof Error) {
        // Somebody who hangs would not close it.
        sock.destroy();
        resolve({ error: result, connected: true, rightKey });
      } else {
        resolve(result);
      }
    };
    client.on("error", finish);
    // ssh2 calls this no error once the other side has said its version.
    client.on("close", () => finish(new Error("the connection was closed")));
    client.on("ready", () => {
      // The command's own limit (commandLine) speaks first, unless the machine hangs.
      const most = seconds + 120;
      limit = setTimeout(() => {
        finish(new Error(`logged in, and then no answer in ${most} s`));
      }, most * 1000);
      client.exec(commandLine(ssh.user, seconds), (error, channel) => {
        if (error) {
          finish(error);
          return;
        }
        let stdout = "";
        let stderr = "";
        channel.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
        channel.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
        channel.on("close", (code: number | null) => finish({ status: code ?? -1, stdout, stderr }));
        channel.end(text);
      });
    });
    try {
      client.connect({
        sock,
        username: ssh.user,
        ...login,
        readyTimeout: connectSeconds * 1000,
        keepaliveInterval: 10_000,
        algorithms: { serverHostKey: ["ssh-ed25519"] },
        hostVerifier: (key: Buffer) => {
          rightKey = key.toString("base64") === wanted;
          return rightKey;
        },
      });
    } catch (error) {
      // A private key that cannot be read, for example.
      sock.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Whether anything comes back from a port, if only a refusal. */
async function answers(address: string, port: number, seconds: number): Promise<boolean> {
  const sock = await dial(address, port, seconds);
  if (sock instanceof Error) {
    return !SILENCE.includes(sock.code ?? "");
  }
  sock.destroy();
  return true;
}

/** A TCP connection, or why there is none. */
function dial(address: string, port: number, seconds: number): Promise<net.Socket | (Error & { code?: string })> {
  return new Promise((resolve) => {
    const sock = net.connect({ host: address, port });
    const timer = setTimeout(() => {
      sock.destroy();
      resolve(Object.assign(new Error(`no answer in ${seconds} s`), { code: "ETIMEDOUT" }));
    }, seconds * 1000);
    sock.once("connect", () => {
      clearTimeout(timer);
      resolve(sock);
    });
    // Stays: an error without a listener would end the process.
    sock.on("error", (error) => {
      clearTimeout(timer);
      resolve(error);
    });
  });
}
