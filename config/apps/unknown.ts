import type { ConfigIssue } from "../issues";
import { nearestAll } from "../nearest";
import { catalog } from "./catalog";

/** What only an app of the catalog can leave out. */
const NEEDED = ["namespace", "image"] as const;

export function isNeeded(key: PropertyKey): boolean {
  return (NEEDED as readonly PropertyKey[]).includes(key);
}

/**
 * Apps that say neither where nor what they are, as only one of the catalog may: most likely its name is misspelt. By name,
 * with the issue that stands for all that the schema would say of what is missing.
 */
export function unknownApps(apps: unknown): Map<string, ConfigIssue> {
  const entries = typeof apps === "object" && apps !== null && !Array.isArray(apps) ? Object.entries(apps) : [];
  return new Map(
    entries.flatMap(([name, own]: [string, unknown]): [string, ConfigIssue][] => {
      const bare = own === null || (typeof own === "object" && !NEEDED.some((key) => Object.hasOwn(own, key)));
      if (!bare || Object.hasOwn(catalog, name)) {
        return [];
      }
      const known = Object.keys(catalog);
      const near = nearestAll(name, known);
      return [
        [
          name,
          {
            path: `apps.${name}`,
            found: `an app that the catalog does not know, without ${NEEDED.join(" and ")}`,
            allowed: `${known.join(", ")}; or any other, written in full`,
            fix:
              near.length > 0
                ? `did you mean ${near.map((each) => `'${each}'`).join(" or ")}?`
                : `add ${NEEDED.join(" and ")}; Pulumi.yaml describes them`,
          },
        ],
      ];
    }),
  );
}
