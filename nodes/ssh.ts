import type { Client } from "ssh2";

/** A machine as a dynamic provider sees it: everything is known by then. */
export interface SshTarget {
  /** Shown in messages. */
  machine: string;
  connection: { host: string; port?: number; user?: string; hostKey: string; privateKey?: string };
}

/**
 * Runs what comes over standard input, which bash alone would read byte by byte, because others may read from it as well:
 * for a step of 40 kB a second of a slow processor.
 */
export const BASH_FROM_STDIN = `bash -c 'text=$(cat) || exit; eval "$text"'`;

/**
 * Why there is no connection: it shows another host key than the pinned one; it shows the right one and does not let us
 * in; or nothing there speaks SSH (yet).
 */
export type SshRefusal = "other-key" | "no-login" | "silent";

/** What a rejected connection carries beside its message. */
export interface SshError extends Error {
  refusal?: SshRefusal;
}

export interface ConnectOptions {
  /** Seconds in which the machine must have let us in. */
  seconds: number;
  /** Told when the connection is of no use any more, also if it never was. */
  closed?: () => void;
}

/**
 * Logs in with the host key pinned. The code is serialized into the state with the dynamic providers that use it: raise
 * their PROVIDER_VERSION when it changes.
 *
 * @throws SshError with the bare reason; the caller says which machine it is. Without a `refusal` the reason lies here, as
 * with a private key that cannot be read.
 */
export function connect({ connection }: SshTarget, { seconds, closed }: ConnectOptions): Promise<Client> {
  // Required inside, because a module captured by value would not work after serialization.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const ssh2 = require("ssh2") as typeof import("ssh2");
  const { host, port = 22, user = "root", hostKey, privateKey } = connection;
  const wanted = hostKey.split(" ")[1];
  return new Promise<Client>((resolve, reject) => {
    const client = new ssh2.Client();
    let offered = "";
    const fail = (reason: string, refusal: SshRefusal) => reject(Object.assign(new Error(reason), { refusal }));
    const other = "it shows another host key than the pinned one";
    client.on("error", (error: Error & { level?: string }) => {
      closed?.();
      client.end();
      if (offered !== "" && offered !== wanted) {
        fail(`${other}: ssh-ed25519 ${offered}`, "other-key");
      } else if (error.message.includes("no matching host key format")) {
        fail(`${other}: none of kind ssh-ed25519`, "other-key");
      } else {
        const login = error.level === "client-authentication" || error.level === "agent";
        fail(error.message, login ? "no-login" : "silent");
      }
    });
    client.on("close", () => {
      closed?.();
      fail(
        `it ${offered === wanted ? "shows the pinned host key and " : ""}closes the connection before a login`,
        "silent",
      );
    });
    client.on("ready", () => resolve(client));
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      agent: privateKey === undefined ? process.env.SSH_AUTH_SOCK : undefined,
      readyTimeout: seconds * 1000,
      keepaliveInterval: 10_000,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        offered = key.toString("base64");
        return offered === wanted;
      },
    });
  });
}
