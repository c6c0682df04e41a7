import type { Registration } from "./registration";

/**
 * Why a step is not carried out at all, by the list of what is a stand-in or absent.
 *
 * A name of that list is that of a chart; of a resource; of a step on a machine, which is both its command
 * (`<step>-apply`) and its state (`<step>-state`); of an API group, whose objects are applied where their kind is served
 * but not waited for by a condition of their own; or of a kind, as `v1/Service`, in the same way. Charts and kinds are
 * therefore not decided here: whether they can be had is only seen when they are asked for. A type of resources, as
 * `kubernetes:core/v1:Secret`, is all of them, those of charts included.
 */
export function absentStep(
  { name, type }: Pick<Registration, "name" | "type">,
  notRehearsed: Readonly<Record<string, string>>,
): string | undefined {
  if (type === "kubernetes:helm.sh/v4:Chart") {
    return undefined;
  }
  const step = name.replace(/-(apply|state)$/, "");
  // An object may have the name of the chart that it belongs to.
  const names = isHostStep(type) ? [name, step] : [`${type}::${name}`, type];
  return names.map((key) => reasonOf(key, notRehearsed)).find((reason) => reason !== undefined);
}

/** Whether a resource is a step on a machine: its command, or its state. */
export function isHostStep(type: string): boolean {
  return type === "command:remote:Command" || type.startsWith("pulumi-nodejs:dynamic");
}

/** A reason by its exact name; undefined if there is none. */
export function reasonOf(name: string, notRehearsed: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(notRehearsed, name) ? notRehearsed[name] : undefined;
}
