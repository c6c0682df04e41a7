import { Client } from "ssh2";
import type { Worker } from "../../config/homelab";
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

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Why there was no login; `key` is what the machine has offered, if it came that far. */
interface NoLogin {
  readonly error: Error & { level?: string; code?: string };
  readonly rightKey?: boolean;
}

/** Seconds until a machine that does not answer is given up; a dead one never does. */
const CONNECT_SECONDS = 15;

/**
 * Looks whether the machine at a worker's address is that worker: host key, login, and identity. Writes nothing.
 */
export async function lookAtHost(worker: Worker, login: Login): Promise<HostFinding> {
  const { kind, value } = worker.identity;
  const text = [
    "set -euo pipefail",
    readScript("identity.sh"),
    `require_identity ${quote(kind)} ${quote(value)}`,
    "cat /etc/machine-id",
    "",
  ].join("\n");
  const ran = await runBash(worker, login, text, 30);
  if ("error" in ran) {
    return findingOf(ran);
  }
  if (ran.status === 77) {
    // sudo may have complained first, for example about a name that it cannot resolve.
    const lines = ran.stderr.trim().split("\n");
    return { kind: "other", detail: lines.find((line) => line.startsWith("This is another machine")) ?? lines[0] };
  }
  return ran.status === 0
    ? { kind: "itself", machineId: ran.stdout.trim() }
    : { kind: "locked", detail: `${ran.stderr.trim() || ran.stdout.trim()} (status ${ran.status})` };
}

/**
 * What a failed login says about the machine. Only silence is silence: a refused connection or one without SSH comes from
 * a running kernel, below which pods may still write.
 */
export function findingOf({ error, rightKey }: NoLogin): HostFinding {
  if (rightKey === true) {
    return { kind: "locked", detail: error.message };
  }
  if (rightKey === false) {
    return { kind: "other", detail: "it shows another SSH host key than the pinned one" };
  }
  const { code = "" } = error;
  if (["ECONNREFUSED", "ECONNRESET"].includes(code)) {
    return { kind: "locked", detail: `it is up, but SSH is not (${error.message})` };
  }
  if (["ETIMEDOUT", "EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH"].includes(code)) {
    return { kind: "silent", detail: error.message };
  }
  return error.level === "client-timeout"
    ? { kind: "silent", detail: `no answer in ${CONNECT_SECONDS} s` }
    : { kind: "other", detail: error.message };
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
function runBash(worker: Worker, login: Login, text: string, seconds: number): Promise<Ran | NoLogin> {
  const { address, ssh } = worker;
  const wanted = ssh.hostKey?.split(" ")[1];
  return new Promise((resolve) => {
    const client = new Client();
    let rightKey: boolean | undefined;
    client.on("error", (error: NoLogin["error"]) => {
      client.end();
      resolve({ error, rightKey });
    });
    client.on("ready", () => {
      client.exec(commandLine(ssh.user, seconds), (error, channel) => {
        if (error) {
          client.end();
          resolve({ error, rightKey });
          return;
        }
        let stdout = "";
        let stderr = "";
        channel.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
        channel.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
        channel.on("close", (code: number | null) => {
          client.end();
          resolve({ status: code ?? -1, stdout, stderr });
        });
        channel.end(text);
      });
    });
    client.connect({
      host: address,
      port: ssh.port,
      username: ssh.user,
      ...login,
      readyTimeout: CONNECT_SECONDS * 1000,
      keepaliveInterval: 10_000,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        rightKey = key.toString("base64") === wanted;
        return rightKey;
      },
    });
  });
}
