import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const BIN = path.join(__dirname, "..", "bin", "rehearse.js");

/**
 * Bash as the first process of the namespaces: it takes the orphans. With it everything in them ends, whatever it is. A /run
 * of its own, so that nothing of what runs there is seen outside.
 */
const FIRST = `
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs /run
exec 3<&0
"$@" <&3 &
wait $!`;

/**
 * Starts the half of the rehearsal that has the machines, in network, mount and process namespaces of its own: the kernel
 * sees to it that nothing there reaches any house, or the internet. Its standard input is a pipe: when that ends, however
 * this process ends, so does the rehearsal, in order.
 */
export function startInside(folder: string): ChildProcess {
  return spawn(
    "unshare",
    [
      ...["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
      ...["bash", "-c", FIRST, "rehearsal", process.execPath, BIN, INSIDE, folder],
    ],
    // A session of its own: Ctrl-C goes to this process alone, which tells the other.
    { detached: true, stdio: ["pipe", "inherit", "inherit"] },
  );
}

/** Word by which bin/rehearse.js knows that it is inside. */
export const INSIDE = "inside";

/** Process id of the namespaces' first process, as this side sees it; undefined if it has ended. */
export function firstProcess(unshare: ChildProcess): number | undefined {
  try {
    const children = fs.readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8").trim();
    return children === "" ? undefined : Number(children.split(" ")[0]);
  } catch {
    return undefined;
  }
}
