import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { UserError } from "../plan/user-error";
import { identityOf, removeFolder } from "../sandbox/processes";
import type { RehearsalIdentity } from "./identity";

/** Version of the folder's layout: one of another version is begun anew. */
const LAYOUT = 1;

/** What a rehearsal must remember to be resumed. */
export interface Remembered {
  layout: number;
  identity: RehearsalIdentity;
  /** What its machines and the mirror's artefacts were made of; others mean another rehearsal. */
  images: string;
}

/**
 * Folder of the rehearsal of this computer: disks, mirror, state. There is one at a time, and it outlives a run that fails
 * or is interrupted, so that the next one goes on from there.
 */
export class RehearsalFolder {
  private readonly lock: string;

  public constructor(public readonly folder = defaultFolder()) {
    this.lock = path.join(folder, "lock");
  }

  /**
   * Numbers of the last green rebuild from nothing, for the next one to compare with; they outlive the folder. With a
   * mirror they are others: real pods take longer.
   */
  public numbers(mirror: boolean): string {
    return `${this.folder}${mirror ? "-mirror" : ""}.json`;
  }

  public path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Who uses it now; undefined if nobody does. */
  public user(): string | undefined {
    const owners = fs.existsSync(this.lock) ? fs.readFileSync(this.lock, "utf8").split("\n") : [];
    const alive = (owner: string) => owner !== "" && identityOf(Number(owner.split(" ")[0])) === owner;
    return owners.find((owner) => alive(owner) && owner !== identityOf(process.pid))?.split(" ")[0];
  }

  /** @throws UserError if another run uses it. */
  public open(): void {
    fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const user = this.user();
    if (user !== undefined) {
      throw new UserError(`another rehearsal is under way, process ${user}; wait for its end, or end it with Ctrl-C`);
    }
    fs.writeFileSync(this.lock, `${identityOf(process.pid) ?? ""}\n`);
  }

  /** The folder is also used by a process that may outlive this one, if this one is killed. */
  public alsoUsedBy(pid: number): void {
    fs.appendFileSync(this.lock, `${identityOf(pid) ?? ""}\n`);
  }

  public close(): void {
    fs.rmSync(this.lock, { force: true });
  }

  /** What an earlier run has left to go on from; undefined if there is nothing. */
  public remembered(): Remembered | undefined {
    try {
      const found = JSON.parse(fs.readFileSync(this.path("rehearsal.json"), "utf8")) as Remembered;
      return found.layout === LAYOUT ? found : undefined;
    } catch {
      return undefined;
    }
  }

  public remember(remembered: Omit<Remembered, "layout">): void {
    const file = this.path("rehearsal.json");
    fs.writeFileSync(`${file}.new`, JSON.stringify({ layout: LAYOUT, ...remembered }), { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  }

  /**
   * Deletes everything of it.
   *
   * @throws Error if anything is mounted below it.
   */
  public clear(): void {
    removeFolder(this.folder);
  }
}

function defaultFolder(): string {
  const base = process.env.XDG_STATE_HOME || path.join(os.homedir(), ".local", "state");
  return path.join(base, "homelab-rehearsal");
}
