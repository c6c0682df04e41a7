import { issueIf, type Check } from "../check";
import { gpuNodes, type GpuNode } from "./nodes";

function sharesOf(nodes: readonly GpuNode[]): number {
  return nodes.reduce((sum, { shares }) => sum + shares, 0);
}

/** Those that can run on some of these nodes and on no other. */
function within<T extends { nodes: readonly GpuNode[] }>(bound: readonly T[], nodes: readonly GpuNode[]): T[] {
  const names = nodes.map(({ name }) => name);
  return bound.filter((app) => app.nodes.length > 0 && app.nodes.every(({ name }) => names.includes(name)));
}

/** Every union of some of the sets, smallest first. */
function unions(sets: readonly (readonly GpuNode[])[]): (readonly GpuNode[])[] {
  const found = new Map<string, readonly GpuNode[]>();
  for (const set of sets) {
    for (const base of [[], ...found.values()]) {
      const union = [...base, ...set.filter(({ name }) => !base.some((node) => node.name === name))];
      const key = union.map(({ name }) => name).sort();
      found.set(key.join(), union);
    }
  }
  return [...found.values()].sort((one, other) => one.length - other.length);
}

/** Requests that a GPU's slices cannot meet leave pods waiting for ever, and nothing says why. */
const gpuShares: Check = {
  name: "GPU slices suffice",
  run(config) {
    return (["nvidia", "quicksync"] as const).flatMap((kind) => {
      const users = Object.entries(config.apps).filter(([, { gpu }]) => gpu === kind);
      const bound = users.map(([name, app]) => ({ name, nodes: gpuNodes(config.machines, app) }));
      // Every union of sets of nodes must carry the apps that can run nowhere else (Hall's theorem); the smallest that
      // does not is the one to name.
      const short = unions(bound.map(({ nodes }) => nodes)).find(
        (nodes) => nodes.length > 0 && within(bound, nodes).length > sharesOf(nodes),
      );
      return (short ? [short] : []).flatMap((offered) => {
        const inside = within(bound, offered);
        const shares = sharesOf(offered);
        return issueIf(inside.length > shares, () => ({
          path: "apps",
          found: `${inside.length} apps with gpu: ${kind} on ${offered.map(({ name }) => name).join(", ")}: ${inside.map(({ name }) => name).join(", ")}`,
          allowed: `at most ${shares}, the ${kind === "nvidia" ? "slices" : "shares"} there`,
          fix: `raise ${kind === "nvidia" ? "gpu.slices" : "quickSync.sharedBy"} of the machine, or take gpu from an app`,
        }));
      });
    });
  },
};

/** Whether the GPUs suffice. */
export const gpuChecks: readonly Check[] = [gpuShares];
