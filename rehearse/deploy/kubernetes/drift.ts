import { differingPaths } from "../differing-paths";
import type { KubeObject } from "./api";

/** What the API server keeps of its own. */
const OWN_METADATA = new Set(["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"]);

/** Paths at which an object is another one than an apply would make it; its status is not compared. */
export function differencesOf(live: KubeObject, wanted: KubeObject): string[] {
  return differingPaths(stripped(live), stripped(wanted));
}

function stripped({ metadata = {}, ...object }: KubeObject): KubeObject {
  const kept = Object.entries(metadata).filter(([key]) => !OWN_METADATA.has(key));
  return { ...object, status: undefined, metadata: Object.fromEntries(kept) };
}
