import { withCatalog } from "./apps/merge";
import { isNeeded, unknownApps } from "./apps/unknown";
import { allChecks, type Check } from "./checks";
import { describe, unknownKey } from "./describe";
import { homelab, type Homelab } from "./homelab";
import { ConfigError, show, type ConfigIssue } from "./issues";
import { ifReadable } from "./readable";
import { configKeys, homelabSchema, type RawHomelab } from "./schema";
import { MISNAMED, tolerant } from "./tolerant";

/**
 * Turns the stack's plain configuration into the one validated, frozen object the program works with.
 *
 * @param input values of the stack by key, without the namespace.
 * @param checks the cross-checks; tests leave some out to see what they are good for.
 * @throws ConfigError with every mistake at once: the schema's, and those of the cross-checks, each as far as what it reads is
 * not among the schema's.
 */
export function parseHomelab(input: unknown, checks: readonly Check[] = allChecks): Homelab {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new ConfigError([
      {
        path: "homelab",
        found: show(input),
        allowed: configKeys.join(", "),
        fix: "copy the sections of Pulumi.home.yaml",
      },
    ]);
  }
  const raw = input as Record<string, unknown>;
  const sections: Partial<RawHomelab> = {};
  const issues: ConfigIssue[] = [];

  for (const key of configKeys) {
    const result = homelabSchema.shape[key].safeParse(key === "apps" ? withCatalog(raw[key]) : raw[key]);
    if (result.success) {
      Object.assign(sections, { [key]: result.data });
    } else {
      const unknown = key === "apps" ? unknownApps(raw[key]) : new Map<string, ConfigIssue>();
      issues.push(...unknown.values());
      // One line says what the missing keys of a misspelt name would say in many.
      const others = result.error.issues.filter(
        ({ path: [name, part] }) => !unknown.has(String(name)) || (part !== undefined && !isNeeded(part)),
      );
      issues.push(...others.flatMap((issue) => describe(issue, [key], raw)));
    }
  }
  for (const key of Object.keys(raw).filter((name) => !Object.hasOwn(homelabSchema.shape, name))) {
    issues.push(unknownKey([], key, raw));
  }
  const config = issues.length === 0 ? (sections as RawHomelab) : soundParts(raw);
  for (const check of checks) {
    issues.push(...ifReadable(() => check.run(config)));
  }
  if (issues.length > 0) {
    throw new ConfigError(issues);
  }
  return homelab(sections as RawHomelab);
}

/** What can be judged of a configuration in which the schema has found mistakes. */
function soundParts(raw: Readonly<Record<string, unknown>>): RawHomelab {
  const misspelt = Object.fromEntries([...unknownApps(raw.apps).keys()].map((name) => [name, MISNAMED] as const));
  const apps = withCatalog(raw.apps);
  const named = Object.keys(misspelt).length > 0 ? { ...(apps as object), ...misspelt } : apps;
  return tolerant(homelabSchema, { ...raw, apps: named }, raw) as RawHomelab;
}
