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

/** A folder for this run, readable by root alone, deleted with the run. */
export function temporaryFolder(name: string): string {
  watch();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `homelab-sandbox-${name}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

function watch(): void {
  if (watching) {
    return;
  }
  watching = true;
  process.on("exit", cleanUp);
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
    process.once(signal, () => {
      cleanUp();
      process.kill(process.pid, signal);
    });
  }
}

function cleanUp(): void {
  children.forEach((child) => child.kill("SIGKILL"));
  [...folders].forEach(removeFolder);
}
