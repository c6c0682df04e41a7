import * as path from "node:path";
import { UsageError, wordsOf } from "../plan/usage-error";

export const USAGE = `usage: npm run rehearse -- [--only nodes] [--mirror DIR [--stack NAME]] [--keep] [--fresh]
                              [--clean] [--dry-run]

  --only nodes   machines and K3s, nothing in the cluster
  --mirror DIR   takes from DIR, which npm run mirror has filled, what it holds as it was recorded: K3s, charts, CRDs, images
  --stack NAME   stack that DIR was filled for, whose pins and digests count; default home
  --keep         leaves the machines up at the end, and says how to enter them; Ctrl-C ends them
  --fresh        begins anew, where an earlier run would be gone on with
  --clean        deletes what earlier runs have left, and does nothing else
  --dry-run      says what is in the way on this computer, and does nothing else

Rebuilds the homelab of Pulumi.rehearsal.yaml on this computer: the same program and scripts, real virtual machines, a real
Kubernetes API; and reports what worked, how long it took, and what was a stand-in. It needs root and reaches nothing
outside of namespaces of its own, but for packages from which images are made, once. Ctrl-C and failures leave a state from
which the next run goes on.
Exit status: 0 green; 1 something failed, or this computer cannot do it; 2 a mistake in these words; 130 interrupted.`;

export interface Options {
  only?: "nodes";
  /** Folder that real artefacts are taken from, as an absolute path, and the stack that pins them. */
  mirror?: { folder: string; stack: string };
  keep: boolean;
  fresh: boolean;
  clean: boolean;
  dryRun: boolean;
}

/**
 * @returns undefined if help is asked for.
 * @throws UsageError for anything that is not in USAGE.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = wordsOf({
    args: [...args],
    options: {
      only: { type: "string" },
      mirror: { type: "string" },
      stack: { type: "string" },
      keep: { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
      clean: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { only, mirror, stack, keep, fresh, clean, "dry-run": dryRun, help } = values;
  if (help) {
    return undefined;
  }
  if (only !== undefined && only !== "nodes") {
    throw new UsageError(`--only: '${only}' is none of the parts; there is one: nodes`);
  }
  if (stack !== undefined && mirror === undefined) {
    throw new UsageError("--stack says whose pins a mirror was filled for: it goes with --mirror DIR");
  }
  if (mirror === "") {
    throw new UsageError("--mirror: there is no folder without a name");
  }
  if (stack !== undefined && !/^[A-Za-z0-9_.-]+$/.test(stack)) {
    throw new UsageError(`--stack: '${stack}' is no name of a stack: letters, digits, '-', '_' and '.'`);
  }
  if (clean && (keep || fresh || dryRun || only !== undefined || mirror !== undefined)) {
    throw new UsageError("--clean goes with nothing else");
  }
  return {
    only,
    ...(mirror === undefined ? {} : { mirror: { folder: path.resolve(mirror), stack: stack ?? "home" } }),
    ...{ keep, fresh, clean, dryRun },
  };
}
