import * as fs from "node:fs";
import * as path from "node:path";
import { reporters, type MochaOptions, type Runnable, type Runner } from "mocha";
import { root } from "../support/home";

/**
 * Mocha's own report, and, where the environment names a file, the suites that have failed, one a line: a person or CI can
 * run these once more without the hour of all others.
 */
class MachinesReporter extends reporters.Spec {
  public constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const list = process.env.HOMELAB_FAILED_SUITES;
    const known = new Set<string>();
    runner.on("fail", (failed: Runnable) => {
      const file = failed.file ?? failed.parent?.file;
      if (list !== undefined && file !== undefined && !known.has(file)) {
        known.add(file);
        fs.appendFileSync(list, `${path.relative(root, file)}\n`);
      }
    });
  }
}

export = MachinesReporter;
