/**
 * Values that only the owner of the house can know (host keys, disk ids, checksums of a first download) stand in the
 * stack file as `FILL_ME: <what goes here and how to find it>`. `plan` and `preview` accept them, `up` refuses them.
 */
const PLACEHOLDER_PREFIX = "FILL_ME";

export function isPlaceholder(value: unknown): value is `${typeof PLACEHOLDER_PREFIX}${string}` {
  return typeof value === "string" && value.startsWith(PLACEHOLDER_PREFIX);
}

/** Stands for a value that is encrypted in the stack file, where nobody can decrypt it (`npm run plan`). */
export const ENCRYPTED = "[encrypted]";

/** Whether a secret's own text is at hand, so that its form can be judged. */
export function isReadable(secret: string): boolean {
  return secret !== ENCRYPTED && !isPlaceholder(secret);
}

/** A value that still has to be filled in. */
export interface Placeholder {
  /** Key path below the project's namespace. */
  path: string;
  /** The hint that follows the marker. */
  hint: string;
}

/** Finds every placeholder of a configuration, in the order of the file. */
export function findPlaceholders(value: unknown, path = ""): Placeholder[] {
  if (isPlaceholder(value)) {
    return [{ path, hint: value.slice(PLACEHOLDER_PREFIX.length).replace(/^:\s*/, "") }];
  }
  if (value === null || typeof value !== "object") {
    return [];
  }
  return Object.entries(value).flatMap(([key, child]) => {
    const childPath = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    return findPlaceholders(child, childPath);
  });
}
