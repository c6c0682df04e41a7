import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { stringify } from "yaml";
import { freePort } from "../../support/sshd";

export type Labels = Readonly<Record<string, string>>;

/** One message, as the receiver got it. */
export interface Message {
  /** Name of the receiver. */
  receiver: string;
  alerts: readonly Labels[];
}

interface Webhook {
  receiver: string;
  alerts: { labels: Labels }[];
}

/** Of Debian, of upstream. */
const BINARIES = ["prometheus-alertmanager", "alertmanager"];

export function alertmanagerBinary(): string | undefined {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return BINARIES.find((name) => folders.some((folder) => fs.existsSync(path.join(folder, name))));
}

/**
 * The program's configuration in a real Alertmanager on loopback, with two changes: every receiver's address is a small
 * server of ours, because the files with the real ones are secrets of the house, and groups wait a second instead of 30.
 */
export class RunningAlertmanager {
  public readonly messages: Message[] = [];

  private constructor(
    private readonly process: ChildProcess,
    private readonly server: http.Server,
    private readonly folder: string,
    private readonly url: string,
  ) {}

  public static async start(config: Record<string, unknown>): Promise<RunningAlertmanager> {
    const got: Message[] = [];
    const server = http.createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { receiver, alerts } = JSON.parse(Buffer.concat(parts).toString()) as Webhook;
        got.push({ receiver, alerts: alerts.map(({ labels }) => labels) });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const receiver = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "alertmanager-test-"));
    const file = path.join(folder, "alertmanager.yml");
    fs.writeFileSync(
      file,
      stringify(config)
        .replace(/\burl_file: .*/g, `url: ${receiver}`)
        .replace("group_wait: 30s", "group_wait: 1s"),
    );
    const listen = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      alertmanagerBinary() ?? BINARIES[0],
      [
        `--config.file=${file}`,
        `--storage.path=${folder}`,
        `--web.listen-address=${listen}`,
        "--cluster.listen-address=",
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let log = "";
    child.stderr.on("data", (text: Buffer) => (log += text.toString()));
    const running = new RunningAlertmanager(child, server, folder, `http://${listen}`);
    try {
      await until(async () => {
        if (child.exitCode !== null) {
          throw new Error(`Alertmanager ended: ${log}`);
        }
        const answer = await fetch(`${running.url}/-/ready`).catch(() => undefined);
        return answer?.ok === true;
      });
    } catch (error) {
      await running.stop();
      throw error;
    }
    return Object.assign(running, { messages: got });
  }

  /** Fires these together, and returns what has been sent when every group of them has had its turn. */
  public async fire(alerts: readonly Labels[]): Promise<Message[]> {
    await this.post(alerts);
    // Later than they, in a group of its own, inhibited by nothing: when it is there, theirs have been flushed.
    const last = { alertname: "Sentinel", severity: "critical" };
    await wait(2_000);
    await this.post([last]);
    const isLast = ({ alerts: [first] }: Message) => first.alertname === last.alertname;
    await until(() => this.messages.some(isLast));
    return this.messages.filter((message) => !isLast(message));
  }

  public async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.process.kill("SIGKILL");
      await ended;
    }
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private async post(alerts: readonly Labels[]): Promise<void> {
    const answer = await fetch(`${this.url}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alerts.map((labels) => ({ labels, startsAt: new Date().toISOString() }))),
    });
    if (!answer.ok) {
      throw new Error(`Alertmanager took no alerts: ${answer.status} ${await answer.text()}`);
    }
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) {
      throw new Error("waited for 30 s in vain");
    }
    await wait(100);
  }
}
