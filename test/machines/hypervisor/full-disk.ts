import * as fs from "node:fs";
import * as path from "node:path";
import { Machine } from "../../../sandbox/machine";
import { must } from "../../../sandbox/processes";

/**
 * Boots a machine whose files lie on a disk that is full, TMPDIR; the packages of its image are the arguments. Prints a line of
 * JSON: what the boot was refused with, after how many seconds, and what is left in the folder when the machine is gone.
 */
async function main(packages: string[]): Promise<void> {
  const small = process.env.TMPDIR!;
  const machine = await Machine.create({ name: "full", packages });
  const { bavail, bsize } = fs.statfsSync(small);
  // The first writes of a boot, those of the root file system's journal, find no space.
  const others = path.join(small, "somebody's");
  await must("fallocate", ["-l", String(bavail * bsize - 2 ** 16), others]);
  const began = performance.now();
  const said = await machine.boot().then(
    () => "not refused",
    (error: Error) => error.message,
  );
  const seconds = (performance.now() - began) / 1000;
  await machine.destroy();
  fs.rmSync(others);
  const left = fs.readdirSync(small).filter((name) => name.startsWith("homelab-sandbox"));
  console.log(JSON.stringify({ said, seconds, left }));
}

void main(process.argv.slice(2));
