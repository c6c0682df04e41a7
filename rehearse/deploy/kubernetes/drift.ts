import { canonical } from "../digest";
import type { KubeObject } from "./api";

/** What the API server keeps of its own. */
const OWN_METADATA = new Set(["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"]);

/** Paths at which an object is another one than an apply would make it; its status is not compared. */
export function differencesOf(live: KubeObject, wanted: KubeObject): string[] {
  return paths(stripped(live), stripped(wanted), "");
}

function stripped({ metadata = {}, ...object }: KubeObject): KubeObject {
  const kept = Object.entries(metadata).filter(([key]) => !OWN_METADATA.has(key));
  return { ...object, status: undefined, metadata: Object.fromEntries(kept) };
}

function paths(one: unknown, other: unknown, path: string): string[] {
  if (canonical(one) === canonical(other)) {
    return [];
  }
  const both = [one, other];
  if (both.every((value) => typeof value === "object" && value !== null && !Array.isArray(value))) {
    const [left, right] = both as Record<string, unknown>[];
    return [...new Set([...Object.keys(left), ...Object.keys(right)])]
      .sort()
      .flatMap((key) => paths(left[key], right[key], `${path}.${key}`));
  }
  return [path];
}
