import { isPlain, merged } from "../plain";
import { catalog } from "./catalog";

/**
 * The apps of a stack as they are judged: what the catalog knows of an app, with the stack's own words over it. A key set
 * to null takes the catalog's away.
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
