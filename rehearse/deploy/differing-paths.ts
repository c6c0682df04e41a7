import { isPlain } from "../../config/plain";
import { canonical } from "../../plan/canonical";

/** Paths (`.key.key`) at which two values are not the same; a list is one value. */
export function differingPaths(one: unknown, other: unknown, path = ""): string[] {
  if (canonical(one) === canonical(other)) {
    return [];
  }
  const both = [one, other];
  if (both.every(isPlain)) {
    const [left, right] = both;
    return [...new Set([...Object.keys(left), ...Object.keys(right)])]
      .sort()
      .flatMap((key) => differingPaths(left[key], right[key], `${path}.${key}`));
  }
  return [path];
}
