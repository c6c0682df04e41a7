import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "ssh2";

/** A connection as @pulumi/command takes it. */
export interface SshConnection {
  host: string;
  port?: number;
  user?: string;
  /** Line of known_hosts' form without the host: `ssh-ed25519 AAAA...`. */
  hostKey?: string;
  privateKey?: string;
  privateKeyPassword?: string;
  password?: string;
  agentSocketPath?: string;
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
  const { dialErrorLimit = 10 } = connection;
  for (let failed = 1; ; failed++) {
    signal.throwIfAborted();
    try {
      return await connect(connection);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof WrongHostKey || (dialErrorLimit >= 0 && failed >= dialErrorLimit)) {
        const dials = failed === 1 ? "" : `, after ${failed} dials`;
        throw new Error(`${address(connection)} cannot be reached${dials}: ${reason}`, { cause: error });
      }
      waiting(`${address(connection)} to answer (${reason})`);
      await sleep(Math.min(5000, 500 * failed), undefined, { signal });
    }
  }
}

class WrongHostKey extends Error {
  public override readonly name = "WrongHostKey";
}

function connect(connection: SshConnection): Promise<Client> {
  const { host, port = 22, user = "root", hostKey, privateKey, privateKeyPassword, password } = connection;
  const [kind, wanted] = (hostKey ?? "").trim().split(/\s+/);
  if (wanted === undefined) {
    throw new WrongHostKey("its host key is not pinned");
  }
  return new Promise((resolve, reject) => {
    const client = new Client();
    let offered: string | undefined;
    const fail = (reason: string) => {
      client.end();
      reject(
        offered !== undefined && offered !== wanted
          ? new WrongHostKey(`it shows another host key (${kind} ${offered}) than the pinned one (${kind} ${wanted})`)
          : new Error(reason),
      );
    };
    client.on("error", (error) => fail(error.message));
    client.on("close", () => fail("it closed the connection before a login"));
    client.on("ready", () => resolve(client));
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      passphrase: privateKeyPassword,
      password,
      agent: privateKey === undefined ? (connection.agentSocketPath ?? process.env.SSH_AUTH_SOCK) : undefined,
      readyTimeout: (connection.perDialTimeout ?? 15) * 1000,
      keepaliveInterval: 10_000,
      algorithms: { serverHostKey: [kind as "ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        offered = key.toString("base64");
        return offered === wanted;
      },
    });
  });
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
