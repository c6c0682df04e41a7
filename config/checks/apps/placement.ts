import { nearest } from "../../nearest";
import { ofEach, ofRules } from "../../readable";
import { issueIf, type Check } from "../check";
import { each } from "./check";
import { clusterMachines, gpuNodes, openNodes } from "./nodes";

const volumes: Check = each("volumes of apps have their tier", (app, key, { storage }) =>
  ofEach(app.volumes, ({ tier }, volume) => {
    const known = Object.keys(storage.tiers);
    return issueIf(tier !== undefined && !known.includes(tier), () => ({
      path: `apps.${key}.volumes.${volume}.tier`,
      found: String(tier),
      allowed: `keys of storage.tiers: ${known.join(", ")}`,
      fix: nearest(String(tier), known)
        ? `did you mean '${nearest(String(tier), known)}'?`
        : "take tier away for the default",
    }));
  }),
);

const placement: Check = each("apps can run where they should", (app, key, config) => {
  const { machines } = config;
  const nodes = clusterMachines(machines);
  const known = nodes.map(([name]) => name);
  const carriers = (tier: string) =>
    nodes.flatMap(([name, machine]) =>
      "disks" in machine && Object.values(machine.disks).some((disk) => disk.tier === tier) ? [name] : [],
    );
  const isStrange = (name: string) => !known.includes(name);
  return ofRules(
    () =>
      ofEach(app.nodes ?? [], (name) =>
        issueIf(isStrange(name), () => ({
          path: `apps.${key}.nodes`,
          found: name,
          allowed: `machines that run K3s: ${known.join(", ")}`,
          fix: nearest(name, known) ? `did you mean '${nearest(name, known)}'?` : "name one of them",
        })),
      ),
    () =>
      issueIf(app.gpu !== undefined && !app.nodes?.some(isStrange) && gpuNodes(machines, app).length === 0, () => ({
        path: `apps.${key}.gpu`,
        found: `${app.gpu}, and no machine ${app.nodes ? `among ${app.nodes.join(", ")} ` : ""}has it`,
        allowed: app.gpu === "nvidia" ? "nvidia where a worker has gpu" : "quicksync where a worker has quickSync",
        fix: "take gpu away, or say on the machine that it has one",
      })),
    // A strict-local volume has its one copy where the pod is, so the pod must be where the disks are.
    () =>
      ofEach(app.volumes, ({ tier = config.storage.defaultTier }, volume) => {
        const { storage } = config;
        const local = Object.hasOwn(storage.tiers, tier) && storage.tiers[tier].dataLocality === "strict-local";
        const able = carriers(tier).filter((name) => app.nodes?.includes(name) ?? true);
        const others = (app.nodes ?? openNodes(machines)).filter((name) => !able.includes(name));
        return issueIf(local && others.length > 0, () => ({
          path: `apps.${key}.volumes.${volume}.tier`,
          found: `${tier}, which is strict-local, and the app may run on ${others.join(", ")} without such a disk`,
          allowed: `nodes with disks of ${tier} and no others: ${carriers(tier).join(", ") || "none"}`,
          fix: "name them in nodes, or choose another tier",
        }));
      }),
  );
});

/** Where an app and its volumes can be. */
export const placementChecks: readonly Check[] = [volumes, placement];
