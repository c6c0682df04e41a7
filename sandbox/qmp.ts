import * as net from "node:net";

interface Answer {
  return?: unknown;
  error?: { desc: string };
}

/** What QEMU says by itself. */
export interface QemuEvent {
  event: string;
  data?: Record<string, unknown>;
}

/** QEMU's machine protocol over its socket: one request at a time. */
export class Qmp {
  private rest = "";
  private waiting: ((answer: Answer) => void)[] = [];

  private constructor(
    private readonly socket: net.Socket,
    tell: (event: QemuEvent) => void,
  ) {
    // The machine's process keeps the program running, not its control socket.
    socket.unref();
    socket.on("error", () => undefined);
    socket.on("close", () =>
      this.waiting.splice(0).forEach((give) => give({ error: { desc: "the machine has ended" } })),
    );
    socket.on("data", (data: Buffer) => {
      const lines = (this.rest + data.toString("utf8")).split("\n");
      this.rest = lines.pop() ?? "";
      for (const line of lines.filter((text) => text.trim() !== "")) {
        const answer = JSON.parse(line) as Answer | QemuEvent;
        if ("event" in answer) {
          tell(answer);
        } else if ("return" in answer || "error" in answer) {
          this.waiting.shift()?.(answer);
        }
      }
    });
  }

  /** @param tell called for each event. */
  public static async connect(file: string, tell: (event: QemuEvent) => void = () => undefined): Promise<Qmp> {
    const socket = await new Promise<net.Socket>((resolve, reject) => {
      const made = net.connect(file, () => resolve(made));
      made.once("error", reject);
    });
    const qmp = new Qmp(socket, tell);
    await qmp.request("qmp_capabilities");
    return qmp;
  }

  public async request(execute: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.push(resolve);
      this.socket.ref();
      this.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
    this.socket.unref();
    if (answer.error) {
      throw new Error(`QEMU refuses ${execute}: ${answer.error.desc}`);
    }
    return answer.return;
  }

  /** A command for which QMP has no simple form of its own. Such commands print what went wrong, or nothing. */
  public async human(command: string): Promise<void> {
    const printed = await this.request("human-monitor-command", { "command-line": command });
    if (typeof printed === "string" && printed.trim() !== "") {
      throw new Error(`QEMU refuses ${command}: ${printed.trim()}`);
    }
  }
}
