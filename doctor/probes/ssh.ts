import type * as net from "node:net";
import { Client, type ClientChannel } from "ssh2";
import type { Deadline } from "../deadline";
import type { Login, Sections } from "../facts";
import type { Target } from "../house";
import { CLOCK_PREFIX, PROBE_END } from "../probe";

export interface Credentials {
  /** In OpenSSH's form; left out: the agent's keys. */
  privateKey?: string;
  /** Path of the agent's socket. */
  agent?: string;
}

export interface Visit {
  login: Login;
  sections: Sections;
}

/**
 * Logs in once and asks a machine the given text, over a connection that is open already. Without a pinned host key, or
 * with another one, nobody logs in: only the key that was offered is reported. Never throws.
 *
 * @param texts what is asked as root, and what is asked if sudo refuses; both go over standard input.
 */
export function visit(
  socket: net.Socket,
  target: Target,
  credentials: Credentials,
  texts: { root: string; user: string },
  deadline: Deadline,
): Promise<Visit> {
  return new Promise((resolve) => {
    const client = new Client();
    let offered: string | undefined;
    const output = new ProbeOutput();
    let login: Login = { stage: "silent" };
    let ended = false;

    const end = () => {
      if (!ended) {
        ended = true;
        clearTimeout(timer);
        client.end();
        socket.destroy();
        resolve({
          login: {
            ...login,
            ...(offered === undefined ? {} : { offered }),
            ...(output.clock === undefined ? {} : { clock: output.clock }),
            ...(login.stage === "in" ? { complete: output.complete } : {}),
          },
          sections: output.sections,
        });
      }
    };
    const timer = setTimeout(() => {
      if (login.stage === "silent" && socket.bytesRead > 0) {
        login = { stage: "broken", problem: "the login took too long" };
      }
      end();
    }, deadline.left());

    client.on("error", (error: Error & { level?: string }) => {
      if (offered !== undefined && offered !== target.hostKey) {
        login = { stage: "key" };
      } else if (error.level === "client-authentication") {
        const without = credentials.privateKey === undefined && credentials.agent === undefined;
        login = {
          stage: "auth",
          problem: without ? "there is neither a key nor an SSH agent (SSH_AUTH_SOCK)" : "no key of ours was accepted",
        };
      } else if (login.stage !== "in") {
        login = socket.bytesRead === 0 ? { stage: "silent" } : { stage: "broken", problem: error.message };
      }
      end();
    });
    client.on("close", end);
    client.on("ready", () => {
      login = { stage: "in" };
      const seconds = Math.max(1, Math.ceil(deadline.left() / 1000));
      const plain = `timeout -k 1 ${seconds} bash`;
      ask(client, target.user === "root" ? plain : `sudo -n ${plain}`, texts.root, output, (status, stderr) => {
        if (target.user !== "root" && status !== 0 && !output.any && !ended) {
          login = { stage: "in", sudoRefused: stderr.trim().split("\n").pop() ?? "" };
          ask(client, plain, texts.user, output, end);
        } else {
          end();
        }
      });
    });
    try {
      client.connect({
        sock: socket,
        username: target.user,
        privateKey: credentials.privateKey,
        agent: credentials.privateKey === undefined ? credentials.agent : undefined,
        readyTimeout: 0,
        algorithms: { serverHostKey: ["ssh-ed25519"] },
        hostVerifier: (key: Buffer) => {
          offered = `ssh-ed25519 ${key.toString("base64")}`;
          return offered === target.hostKey;
        },
      });
    } catch (error) {
      // A private key that cannot be read, for example.
      login = { stage: "auth", problem: error instanceof Error ? error.message : String(error) };
      end();
    }
  });
}

/** Reads what a probe prints while it comes, so that a deadline loses only what was not said yet. */
export class ProbeOutput {
  public readonly sections: Record<string, Record<string, string>> = {};
  public clock?: { offset: number; uncertainty: number };
  public complete = false;
  /** Whether anything of ours came at all. */
  public any = false;
  private rest = "";
  private sent = Date.now();

  public begin(): void {
    this.sent = Date.now();
  }

  public add(text: string): void {
    const lines = `${this.rest}${text}`.split("\n");
    this.rest = lines.pop() ?? "";
    lines.forEach((line) => this.line(line));
  }

  private line(line: string): void {
    if (line.startsWith(CLOCK_PREFIX)) {
      const now = Date.now();
      // Its clock was read at some moment between sending and receiving.
      const uncertainty = (now - this.sent) / 2000;
      this.clock ??= {
        offset: Number(line.slice(CLOCK_PREFIX.length)) - (this.sent + now) / 2000,
        uncertainty,
      };
      this.any = true;
    } else if (line === PROBE_END) {
      this.complete = true;
    } else if (line.startsWith("{")) {
      try {
        const { section, ...facts } = JSON.parse(line) as Record<string, string>;
        this.sections[section] = facts;
      } catch {
        // Not ours: a login script of the machine may print what it likes.
      }
    }
  }
}

function ask(
  client: Client,
  command: string,
  text: string,
  output: ProbeOutput,
  done: (status: number | null, stderr: string) => void,
): void {
  client.exec(command, (error: Error | undefined, channel: ClientChannel) => {
    if (error) {
      done(null, error.message);
      return;
    }
    let stderr = "";
    channel.on("data", (data: Buffer) => output.add(data.toString("utf8")));
    channel.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
    channel.on("close", (status: number | null) => done(status, stderr));
    output.begin();
    channel.end(text);
  });
}
