import { execFile } from "node:child_process";
import type { Deadline } from "../deadline";

/** What a command printed; a status of -1: it is not installed, -2: it was ended at the deadline. */
export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of this computer, without a shell and without standard input. */
export function run(
  command: string,
  args: readonly string[],
  deadline: Deadline,
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      { env, cwd, timeout: Math.max(1, Math.round(deadline.left())), killSignal: "SIGKILL", maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        const status =
          error === null
            ? 0
            : error.killed
              ? -2
              : error.code === undefined
                ? 1
                : Number.isInteger(error.code)
                  ? Number(error.code)
                  : -1;
        resolve({ status, stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}
