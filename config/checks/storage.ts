import { LOCAL_PATH_CLASS, LONGHORN_CLASS } from "../class-names";
import type { ConfigIssue } from "../issues";
import { ofEach } from "../readable";
import { disksOf, ofEachDisk } from "./disks";
import { issueIf, repeated, type Check } from "./check";

/** Classes that something else makes. */
const TAKEN_CLASSES: Readonly<Record<string, string>> = {
  [LOCAL_PATH_CLASS]: "the class of the nodes' own disks",
  "longhorn-static": "the class that Longhorn gives to volumes restored by hand",
};

const knownTiers: Check = {
  name: "disks serve tiers that exist",
  run({ machines, storage: { tiers } }) {
    return ofEachDisk(machines, (disk, path) =>
      issueIf(!Object.hasOwn(tiers, disk.tier), () => ({
        path: `${path}.tier`,
        found: disk.tier,
        allowed: Object.keys(tiers).join(", "),
        fix: "name a tier of storage.tiers, or add it there",
      })),
    );
  },
};

const enoughNodes: Check = {
  name: "every replica of a tier has a node of its own",
  run({ machines, storage: { tiers } }) {
    return ofEach(tiers, ({ replicas }, name): ConfigIssue[] => {
      const nodes = [...new Set(disksOf(machines).flatMap(({ node, disk }) => (disk.tier === name ? [node] : [])))];
      if (nodes.length === 0) {
        return [
          {
            path: `storage.tiers.${name}`,
            found: "a tier that no disk serves",
            allowed: "a tier with at least one disk: volumes of its class could never be placed",
            fix: `give a machine a disk with tier: ${name}, or remove the tier`,
          },
        ];
      }
      return issueIf(replicas > nodes.length, () => ({
        path: `storage.tiers.${name}.replicas`,
        found: `${replicas}, and ${nodes.join(", ")} ${nodes.length === 1 ? "carries" : "carry"} the tier`,
        allowed: `at most ${nodes.length}: two copies never share a node, so every volume would stay degraded`,
        fix: `write ${nodes.length}, or add a disk of the tier to another node`,
      }));
    });
  },
};

const classes: Check = {
  name: "every class has one owner",
  run({ storage: { tiers, defaultTier } }) {
    const entries = ofEach(tiers, ({ storageClass }, name) => [
      { name, path: `storage.tiers.${name}.storageClass`, value: storageClass },
    ]);
    if (!Object.hasOwn(tiers, defaultTier)) {
      return [
        {
          path: "storage.defaultTier",
          found: defaultTier,
          allowed: Object.keys(tiers).join(" or ") || "a tier of storage.tiers, and there is none",
          fix: "name the tier whose class Longhorn makes itself",
        },
      ];
    }
    return [
      ...entries.flatMap(({ name, path, value }): ConfigIssue[] => {
        if ((name === defaultTier) !== (value === LONGHORN_CLASS)) {
          return [
            {
              path,
              found: value,
              allowed: `${LONGHORN_CLASS} for the default tier and for no other: Longhorn makes that class itself`,
              fix: name === defaultTier ? `write ${LONGHORN_CLASS}` : `write for example longhorn-${name}`,
            },
          ];
        }
        return issueIf(Object.hasOwn(TAKEN_CLASSES, value), () => ({
          path,
          found: value,
          allowed: `another name: this is ${TAKEN_CLASSES[value]}`,
          fix: `write for example longhorn-${name}`,
        }));
      }),
      ...repeated(entries.filter(({ value }) => value !== LONGHORN_CLASS)).map(({ path, value, first }) => ({
        path,
        found: `${value}, which is also ${first}`,
        allowed: "a class name for each tier",
        fix: "rename one of them",
      })),
    ];
  },
};

const strictLocal: Check = {
  name: "strict-local has one replica",
  run({ storage: { tiers } }) {
    return ofEach(tiers, (tier, name) =>
      issueIf(tier.dataLocality === "strict-local" && tier.replicas !== 1, () => ({
        path: `storage.tiers.${name}.dataLocality`,
        found: `strict-local with ${tier.replicas} replicas`,
        allowed: "strict-local with 1 replica: Longhorn refuses such volumes otherwise",
        fix: "write best-effort, or replicas: 1",
      })),
    );
  },
};

const media: Check = {
  name: "the media export exists",
  run({ machines, storage }) {
    if (!storage.media) {
      return [];
    }
    const { server, export: name } = storage.media;
    const machine = Object.hasOwn(machines, server) ? machines[server] : undefined;
    if (machine?.role !== "hypervisor") {
      const hypervisors = Object.keys(machines).filter((key) => machines[key].role === "hypervisor");
      return [
        {
          path: "storage.media.server",
          found: server,
          allowed: hypervisors.join(" or ") || "a machine with role hypervisor, and there is none",
          fix: "name the machine that exports the media, or leave media out",
        },
      ];
    }
    return issueIf(!Object.hasOwn(machine.exports, name), () => ({
      path: "storage.media.export",
      found: name,
      allowed: Object.keys(machine.exports).join(" or ") || `an export of ${server}, and it has none`,
      fix: `name an export of machines.${server}.exports`,
    }));
  },
};

export const storageChecks: readonly Check[] = [knownTiers, enoughNodes, classes, strictLocal, media];
