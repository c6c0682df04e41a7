import { canonical } from "../../plan/canonical";

/** Paths (`.key.key`) at which two values are not the same; a list is one value. */
export function differingPaths(one: unknown, other: unknown, path = ""): string[] {
  if (canonical(one) === canonical(other)) {
    return [];
  }
  const both = [one, other];
  if (both.every((value) => typeof value === "object" && value !== null && !Array.isArray(value))) {
    const [left, right] = both as Record<string, unknown>[];
    return [...new Set([...Object.keys(left), ...Object.keys(right)])]
      .sort()
      .flatMap((key) => differingPaths(left[key], right[key], `${path}.${key}`));
  }
  return [path];
}
