import * as fs from "node:fs";
import * as path from "node:path";
import { Machine } from "../../../sandbox/machine";
import { must } from "../../../sandbox/processes";
import { failure } from "../../support/failure";

/** A line of JSON that is printed. */
export interface FullDisk {
  /** What the boot was refused with. */
  said: string;
  /** What those were told who watch the machine. */
  told: string[];
  /** After so long. */
  seconds: number;
  /** In the folder when the machine is gone. */
  left: string[];
}

/** Boots a machine whose files lie on a disk that is full, TMPDIR; the packages of its image are the arguments. */
async function main(packages: string[]): Promise<void> {
  const small = process.env.TMPDIR!;
  const machine = await Machine.create({ name: "full", packages });
  const told: string[] = [];
  machine.onLost((reason) => told.push(reason));
  const { bavail, bsize } = fs.statfsSync(small);
  // The first writes of a boot, those of the root file system's journal, find no space.
  const others = path.join(small, "somebody's");
  await must("fallocate", ["-l", String(bavail * bsize - 2 ** 16), others]);
  const began = performance.now();
  const said = await failure(machine.boot());
  const seconds = (performance.now() - began) / 1000;
  await machine.destroy();
  fs.rmSync(others);
  const left = fs.readdirSync(small).filter((name) => name.startsWith("homelab-sandbox"));
  console.log(JSON.stringify({ said, told, seconds, left } satisfies FullDisk));
}

if (require.main === module) {
  void main(process.argv.slice(2));
}
