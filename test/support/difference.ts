import type { RecordedResource } from "../../plan/record";
import { revealed, type RecordedStack } from "./stack";

/** Everything of a resource that the engine would compare. */
function compared(resource: RecordedResource): string {
  return JSON.stringify(revealed(resource.inputs));
}

/** How two plans differ, by names of resources. */
export interface Difference {
  added: string[];
  removed: string[];
  /** Resources of both whose inputs differ. */
  changed: string[];
}

export function difference(before: RecordedStack, after: RecordedStack): Difference {
  const map = (stack: RecordedStack) => new Map(stack.resources.map((resource) => [resource.urn, resource]));
  const [old, now] = [map(before), map(after)];
  const names = (resources: RecordedResource[]) => [...new Set(resources.map(({ name }) => name))].sort();
  return {
    added: names([...now.values()].filter(({ urn }) => !old.has(urn))),
    removed: names([...old.values()].filter(({ urn }) => !now.has(urn))),
    changed: names(
      [...now.values()].filter((resource) => {
        const other = old.get(resource.urn);
        return other !== undefined && compared(other) !== compared(resource);
      }),
    ),
  };
}
