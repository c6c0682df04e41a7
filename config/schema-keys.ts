import { z } from "zod";

/** Takes defaults and the like off a schema. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** The kind of object, among those that a schema allows, that the author of a value must have meant; else the schema itself. */
export function meant(schema: z.ZodType, value: unknown): z.ZodType {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodUnion)) {
    return inner;
  }
  const key = inner instanceof z.ZodDiscriminatedUnion ? inner.def.discriminator : undefined;
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const fitting = (inner.options as z.ZodType[])
    .filter((option) => option instanceof z.ZodObject)
    .filter(({ shape }) =>
      key === undefined
        ? keys.every((name) => Object.hasOwn(shape, name))
        : (shape[key] as z.ZodType).safeParse(propertyOf(value, key)).success,
    );
  return fitting.length === 1 ? fitting[0] : inner;
}

/** The keys of an issue that no schema knows at its place; of a choice of kinds, those that none of them knows. */
export function unknownKeys(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys;
  }
  const [first = [], ...others] = (issue.code === "invalid_union" ? issue.errors : []).map((branch) =>
    branch.filter(({ path }) => path.length === 0).flatMap(unknownKeys),
  );
  return first.filter((key) => others.every((keys) => keys.includes(key)));
}

/** The kinds of object that a schema allows: one, or one per branch of a union. Empty for everything else. */
function objectsOf(schema: z.ZodType): z.ZodObject[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) {
    return (inner.options as z.ZodType[]).flatMap(objectsOf);
  }
  return inner instanceof z.ZodObject ? [inner] : [];
}

/**
 * Keys that are known at a place of the configuration. Where the schema offers several kinds of object, a key that
 * holds a fixed word (such as `role`) tells which is meant; as long as that is open, the keys of all kinds are named.
 *
 * @param path keys from the root to the place.
 * @param value what the configuration holds at the root.
 */
export function knownKeys(root: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  const kinds = objectsOf(root).filter((kind) => fits(kind, value));
  if (path.length === 0) {
    return [...new Set(kinds.flatMap((kind) => Object.keys(kind.shape)))];
  }
  const [key, ...rest] = path;
  const inner = unwrap(root);
  const children = [
    ...kinds.map((kind) => kind.shape[String(key)] as z.ZodType | undefined),
    inner instanceof z.ZodRecord ? (inner.valueType as z.ZodType) : undefined,
    inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined,
  ];
  const child = propertyOf(value, key);
  return [...new Set(children.flatMap((schema) => (schema ? knownKeys(schema, rest, child) : [])))];
}

/** Whether no fixed word of a kind contradicts the value. */
function fits(kind: z.ZodObject, value: unknown): boolean {
  return Object.entries(kind.shape).every(([key, schema]) => {
    const found = propertyOf(value, key);
    return found === undefined || !(schema instanceof z.ZodLiteral) || schema.values.has(found as string);
  });
}

/** The value of a key of an object or list; undefined if there is none. */
export function propertyOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
