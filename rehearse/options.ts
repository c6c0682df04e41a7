import { UsageError, wordsOf } from "../plan/usage-error";

export const USAGE = `usage: npm run rehearse -- [--only nodes] [--keep] [--fresh] [--clean] [--dry-run]

  --only nodes   machines and K3s, nothing in the cluster
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
      keep: { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
      clean: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { only, keep, fresh, clean, "dry-run": dryRun, help } = values;
  if (help) {
    return undefined;
  }
  if (only !== undefined && only !== "nodes") {
    throw new UsageError(`--only: '${only}' is none of the parts; there is one: nodes`);
  }
  if (clean && (keep || fresh || dryRun || only !== undefined)) {
    throw new UsageError("--clean goes with nothing else");
  }
  return { only, keep, fresh, clean, dryRun };
}
