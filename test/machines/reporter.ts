import * as fs from "node:fs";
import * as path from "node:path";
import { reporters, type MochaOptions, type Runnable, type Runner } from "mocha";
import { root } from "../support/home";

/**
 * Mocha's own report, and, where the environment names a file, lines for whoever runs what failed once more, without the hour
 * of all others: `failed FILE`, or `failed ?` for what belongs to no suite, and at the end `ended`. A lane without that line
 * has been cut short.
 */
class MachinesReporter extends reporters.Spec {
  public constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const report = process.env.HOMELAB_MACHINE_TESTS_REPORT;
    if (report === undefined) {
      return;
    }
    const say = (line: string) => fs.appendFileSync(report, `${line}\n`);
    runner.on("fail", (failed: Runnable) => {
      const file = failed.file ?? failed.parent?.file;
      say(`failed ${file === undefined ? "?" : path.relative(root, file)}`);
    });
    runner.on("end", () => say("ended"));
  }
}

export = MachinesReporter;
