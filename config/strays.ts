import { z } from "zod";
import { meant, propertyOf, unknownKeys } from "./schema-keys";

/**
 * What stands under a name that nobody knows there, or is wrong somewhere inside, by that name. It may be misspelt, or in the
 * wrong place after an indentation that went wrong: so what seems to be missing along the line may be just this.
 */
export type Strays = ReadonlyMap<string, unknown>;

/** The strays in what a schema refuses: groups that are wrong, and unknown keys. */
export function straysIn({ issues }: z.ZodError, value: unknown): Strays {
  const at = (path: readonly PropertyKey[]): [string, unknown] => [String(path.at(-1)), path.reduce(propertyOf, value)];
  return new Map(
    issues.flatMap((issue) => [
      ...issue.path.map((_, index) => at(issue.path.slice(0, index + 1))).filter(([, found]) => isGroup(found)),
      ...unknownKeys(issue).map((key) => at([...issue.path, key])),
    ]),
  );
}

/**
 * Whether a stray may be what a record misses: an entry of the right form, even if it is not complete. Of a record that takes
 * anything there is no such form.
 */
export function mayBeEntry(record: z.ZodRecord, name: string, value: unknown): boolean {
  const kind = meant(record.valueType as z.ZodType, value);
  if (kind instanceof z.ZodUnknown) {
    return false;
  }
  const keys = isGroup(value) ? Object.keys(value) : [];
  const hasForm = kind instanceof z.ZodObject && keys.length > 0 && keys.every((key) => Object.hasOwn(kind.shape, key));
  return accepts(record.keyType, name) && (hasForm || accepts(kind, value));
}

export function accepts(schema: z.core.$ZodType, value: unknown): boolean {
  return (schema as z.ZodType).safeParse(value).success;
}

function isGroup(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
