import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** What a command printed and how it ended. */
export interface Ran {
  /** Exit status; 128 + n is unknown here, so a command that was ended by a signal has -1. */
  status: number;
  stdout: string;
  stderr: string;
  /** Wall time in milliseconds. */
  milliseconds: number;
}

const children = new Set<ChildProcess>();
const folders = new Set<string>();
let watching = false;

/** Starts a process that ends with this one, even if this one is killed: the kernel sees to it (setpriv --pdeathsig). */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  watch();
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", command, ...args], options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Runs a command to its end. It fails by its status, never by an exception, unless it cannot be started at all. */
export async function run(command: string, args: readonly string[], input = ""): Promise<Ran> {
  return finished(start(command, args), input);
}

/** The same, and throws if the status is not 0; the message holds what the command printed last. */
export async function must(command: string, args: readonly string[], input = ""): Promise<Ran> {
  const ran = await run(command, args, input);
  if (ran.status !== 0) {
    const last = `${ran.stdout}\n${ran.stderr}`.trim().split("\n").slice(-25).join("\n");
    throw new Error(`${command} ended with status ${ran.status}:\n${last}`);
  }
  return ran;
}

/** Feeds a started process and waits for its end. */
export async function finished(child: ChildProcess, input = ""): Promise<Ran> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
    child.stderr?.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
    child.once("error", reject);
    child.once("close", (status) =>
      resolve({ status: status ?? -1, stdout, stderr, milliseconds: performance.now() - began }),
    );
    // A process that ends without reading its input breaks the pipe; its status says what happened.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/** Beginning of every temporary folder's name, and the file in it that says whose it is. */
const PREFIX = "homelab-sandbox-";
const OWNER = ".owner";

/**
 * A folder for this run, readable by root alone, deleted with the run. If the run is killed, the next one deletes it.
 *
 * @throws Error if less than `bytes` are free there.
 */
export function temporaryFolder(name: string, bytes = 0): string {
  watch();
  const { bavail, bsize } = fs.statfsSync(os.tmpdir());
  if (bavail * bsize < bytes) {
    const mib = (value: number) => `${Math.floor(value / 2 ** 20)} MiB`;
    throw new Error(
      `${os.tmpdir()} has ${mib(bavail * bsize)} free, ${name} needs ${mib(bytes)}: free some, or set TMPDIR`,
    );
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${name}-`));
  folders.add(folder);
  fs.writeFileSync(path.join(folder, OWNER), identityOf(process.pid) ?? "");
  return folder;
}

/** Tells one process from every other, also from a later one of the same number; undefined if there is none. */
export function identityOf(pid: number): string | undefined {
  try {
    // What follows the name in parentheses; the 20th word is when it started (proc(5)).
    const words = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()!.split(" ");
    const alive = !["Z", "X"].includes(words[0]);
    return alive ? [pid, words[19], ownNamespace()].join(" ") : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined for a file that is not ours to read, or just being made or deleted by its run. */
function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Tells this namespace of processes from others; a number means somebody else in each. */
function ownNamespace(): string {
  return fs.readlinkSync("/proc/self/ns/pid");
}

/** Deletes what killed runs have left; what it refuses is said, for a person to look at. A run in a container of its own, whose processes are not seen here, is left alone. */
function forgetKilledRuns(): void {
  for (const name of fs.readdirSync(os.tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = path.join(os.tmpdir(), name);
    const owner = readIfThere(path.join(folder, OWNER));
    const [pid, , namespace] = owner?.split(" ") ?? [];
    if (owner !== undefined && namespace === ownNamespace() && identityOf(Number(pid)) !== owner) {
      try {
        removeFolder(folder);
      } catch (error) {
        console.error((error as Error).message);
      }
    }
  }
}

/**
 * Deletes a folder with everything in it.
 *
 * @throws Error if anything is mounted below it: what is deleted there would be somebody else's.
 */
export function removeFolder(folder: string): void {
  const mounted = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const below = mounted.map((line) => unescaped(line.split(" ")[4] ?? "")).filter((at) => at.startsWith(`${folder}/`));
  if (below.length > 0) {
    throw new Error(
      `${folder} is not deleted, because ${below.join(", ")} is mounted in it; look, and run umount first`,
    );
  }
  fs.rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** The kernel writes blanks in paths as octal numbers. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function watch(): void {
  if (watching) {
    return;
  }
  watching = true;
  forgetKilledRuns();
  process.on("exit", cleanUp);
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
    process.once(signal, () => {
      // Who handles the signal ends in an order of its own, and then by "exit".
      if (process.listenerCount(signal) === 0) {
        cleanUp();
        process.kill(process.pid, signal);
      }
    });
  }
}

function cleanUp(): void {
  children.forEach((child) => child.kill("SIGKILL"));
  for (const folder of folders) {
    try {
      removeFolder(folder);
    } catch (error) {
      console.error((error as Error).message);
    }
  }
}
