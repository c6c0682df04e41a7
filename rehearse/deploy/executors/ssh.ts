import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "ssh2";
import { connect, type SshError } from "../../../nodes/ssh";

/** A connection as @pulumi/command takes it. */
export interface SshConnection {
  host: string;
  port?: number;
  user?: string;
  /** Line of known_hosts' form without the host: `ssh-ed25519 AAAA...`. */
  hostKey?: string;
  privateKey?: string;
  /** How many dials may fail; -1 is any number. Default 10. */
  dialErrorLimit?: number;
  /** Seconds for one dial. Default 15. */
  perDialTimeout?: number;
}

export interface Finished {
  /** Undefined if the connection broke before the command said how it ended. */
  status?: number;
  stdout: string;
  stderr: string;
  /** Both as they came. */
  said: string;
}

export interface RunOptions {
  stdin?: string;
  environment?: Readonly<Record<string, string>>;
  signal: AbortSignal;
  waiting: (on: string) => void;
}

/** Text for messages: user@host:port. */
export function address({ host, port = 22, user = "root" }: SshConnection): string {
  return `${user}@${host}${port === 22 ? "" : `:${port}`}`;
}

/** What somebody types to get onto the machine. */
export function sshCommand({ host, port = 22, user = "root" }: SshConnection): string {
  return `ssh ${port === 22 ? "" : `-p ${port} `}${user}@${host}`;
}

/**
 * Runs a command over SSH. A machine that does not answer is dialled again, as servers take minutes to boot; one that
 * shows another host key than the pinned one is refused at once.
 *
 * @throws Error that says why the machine cannot be reached.
 */
export async function runOverSsh(connection: SshConnection, command: string, options: RunOptions): Promise<Finished> {
  const client = await dial(connection, options);
  options.waiting(`the command on ${address(connection)}`);
  try {
    return await exec(client, command, options);
  } finally {
    client.end();
  }
}

async function dial(connection: SshConnection, { signal, waiting }: RunOptions): Promise<Client> {
  const { dialErrorLimit = 10, perDialTimeout = 15, hostKey } = connection;
  const machine = address(connection);
  if (hostKey === undefined) {
    throw new Error(`${machine} cannot be reached: its host key is not pinned`);
  }
  for (let failed = 1; ; failed++) {
    signal.throwIfAborted();
    try {
      return await connect({ machine, connection: { ...connection, hostKey } }, { seconds: perDialTimeout });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if ((error as SshError).refusal === "other-key" || (dialErrorLimit >= 0 && failed >= dialErrorLimit)) {
        const dials = failed === 1 ? "" : `, after ${failed} dials`;
        throw new Error(`${machine} cannot be reached${dials}: ${reason}`, { cause: error });
      }
      waiting(`${machine} to answer (${reason})`);
      await sleep(Math.min(5000, 500 * failed), undefined, { signal });
    }
  }
}

function exec(client: Client, command: string, { stdin, environment, signal }: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const finished: Finished = { stdout: "", stderr: "", said: "" };
    const cut = () => client.end();
    signal.addEventListener("abort", cut);
    const done = () => {
      signal.removeEventListener("abort", cut);
      resolve(finished);
    };
    client.once("close", done);
    client.exec(command, { env: environment }, (error, channel) => {
      if (error) {
        reject(error);
        return;
      }
      const take = (stream: "stdout" | "stderr") => (data: Buffer) => {
        finished[stream] += data.toString("utf8");
        finished.said += data.toString("utf8");
      };
      channel.on("data", take("stdout"));
      channel.stderr.on("data", take("stderr"));
      channel.on("exit", (code: number | null) => (finished.status = code ?? 255));
      channel.on("close", done);
      // A command that ends without reading all of its input is no error by itself.
      channel.on("error", () => undefined);
      channel.end(stdin ?? "");
    });
  });
}
