import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "../../plan/user-error";

/** A resource as the last run left it. */
export interface Recorded {
  type: string;
  id: string;
  /** digest() of its inputs. */
  inputs: string;
  outputs: Record<string, unknown>;
  /** True while it is being made: a run that ended then may or may not have made it. */
  pending?: boolean;
  /** What its executor needs to know the next time. */
  memo?: Record<string, unknown>;
}

interface Content {
  version: 1;
  stack: string;
  resources: Record<string, Recorded>;
}

/**
 * What the harness has made, URN to resource, in one file that only its owner may read: it holds every secret in clear.
 * Each change is in the file, and on the disk, before the program hears of it, so a run that is killed loses at most
 * what was under way. Changes that come together are written together.
 */
export class StateFile {
  private readonly lock: string;
  private waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  private writing = false;

  private constructor(
    private readonly file: string,
    private readonly content: Content,
  ) {
    this.lock = `${file}.lock`;
  }

  /**
   * Opens or begins a state, for one run at a time.
   *
   * @throws UserError if another run has it open, or if the file is not the state of this stack.
   */
  public static open(file: string, stack: string): StateFile {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    takeLock(`${file}.lock`);
    try {
      return new StateFile(file, read(file, stack));
    } catch (error) {
      fs.rmSync(`${file}.lock`, { force: true });
      throw error;
    }
  }

  public get(urn: string): Recorded | undefined {
    return this.content.resources[urn];
  }

  public urns(): string[] {
    return Object.keys(this.content.resources);
  }

  /** Records a resource; done when it is on the disk. */
  public set(urn: string, recorded: Recorded): Promise<void> {
    this.content.resources[urn] = recorded;
    return this.saved();
  }

  /** Forgets a resource; done when it is on the disk. */
  public delete(urn: string): Promise<void> {
    delete this.content.resources[urn];
    return this.saved();
  }

  public close(): void {
    fs.rmSync(this.lock, { force: true });
  }

  private saved(): Promise<void> {
    const saved = new Promise<void>((resolve, reject) => this.waiting.push({ resolve, reject }));
    if (!this.writing) {
      this.writing = true;
      // What else is recorded in this turn goes into the same write.
      setImmediate(() => void this.write());
    }
    return saved;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const waited = this.waiting;
      this.waiting = [];
      try {
        await replaceFile(this.file, `${JSON.stringify(this.content)}\n`);
        waited.forEach(({ resolve }) => resolve());
      } catch (error) {
        waited.forEach(({ reject }) => reject(error));
      }
    }
    this.writing = false;
  }
}

function read(file: string, stack: string): Content {
  if (!fs.existsSync(file)) {
    return { version: 1, stack, resources: {} };
  }
  const refuse = (reason: string) =>
    new UserError(`${file} ${reason}. Nothing was touched. Remove it to begin anew, or name another folder.`);
  let content: Partial<Content>;
  try {
    content = JSON.parse(fs.readFileSync(file, "utf8")) as Partial<Content>;
  } catch (error) {
    throw refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (content.version !== 1 || typeof content.resources !== "object" || typeof content.stack !== "string") {
    throw refuse("is not the state of a rehearsal");
  }
  if (content.stack !== stack) {
    throw refuse(`is the state of stack ${content.stack}, not of ${stack}`);
  }
  return content as Content;
}

/** Writes a file at once or not at all, also if the machine stops in between. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await fs.promises.open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.promises.rename(temporary, file);
}

/** A lock whose process is gone is taken over: a killed run must not need cleaning by hand. */
function takeLock(lock: string): void {
  for (;;) {
    try {
      fs.writeFileSync(lock, `${process.pid} ${startTime(process.pid)}`, { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
    }
    const [pid, started] = fs.existsSync(lock) ? fs.readFileSync(lock, "utf8").split(" ") : [];
    if (pid !== undefined && pid !== "" && startTime(Number(pid)) === started) {
      throw new UserError(
        `Another run (process ${pid}) has this state open; wait for it, or end it. Nothing was touched.`,
      );
    }
    fs.rmSync(lock, { force: true });
  }
}

/** When a process was started, in the kernel's ticks; a number used again by another process differs. */
function startTime(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
