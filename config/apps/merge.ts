import { catalog } from "./catalog";

type Plain = Record<string, unknown>;

/**
 * The apps of a stack as they are judged: what the catalog knows of an app, with the stack's own words over it. Objects are
 * merged key by key, everything else replaces. A key set to null takes the catalog's away.
 */
export function withCatalog(apps: unknown): unknown {
  if (!isPlain(apps)) {
    return apps;
  }
  return Object.fromEntries(
    Object.entries(apps).map(([name, own]) => {
      const known = Object.hasOwn(catalog, name) ? catalog[name] : undefined;
      // `name: {}` and a bare `name:` both take the app as the catalog has it.
      return [name, known && (own === null || isPlain(own)) ? merged(known, own ?? {}) : own];
    }),
  );
}

/** Exported for the plain fields of Kubernetes, which are merged in the same way. */
export function merged(base: Readonly<Plain>, over: Readonly<Plain>): Plain {
  const result: Plain = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    if (value === null) {
      delete result[key];
    } else {
      result[key] = isPlain(below) && isPlain(value) ? merged(below, value) : value;
    }
  }
  return result;
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
