import { z } from "zod";
import { isPlain, type Plain } from "./plain";
import { partlyReadable, WRONG } from "./readable";
import { meant, propertyOf } from "./schema-keys";
import { accepts, mayBeEntry, straysIn, type Strays } from "./strays";

/** Stands in the place of a record's entry whose name is what is wrong, though the schema takes it. */
export const MISNAMED = Symbol("misnamed");

/** What is parsed. */
interface Given<T = unknown> {
  value: T;
  /** As much of it as its author wrote. */
  own: unknown;
  /** Strays of the group around it. */
  above: Strays;
}

/**
 * A value as its schema makes it, as far as it is sound: whatever the schema refuses is unreadable, by the smallest part that
 * can be told from the others (see partlyReadable). What is sound is the schema's own result, defaults and all.
 *
 * What is missing is unreadable too where an unknown key may stand for it (see Strays), though there is a default.
 *
 * @param schema of strict objects, records and lists in each other; everything else is sound or wrong as a whole.
 * @param value what to parse; in a record, MISNAMED for entries whose names are wrong.
 * @param own as much of it as its author wrote, if something was added.
 * @returns WRONG if there is nothing that can be read.
 */
export function tolerant(schema: z.ZodType, value: unknown, own: unknown = value): unknown {
  return part(schema, { value, own, above: new Map() });
}

function part(schema: z.ZodType, given: Given): unknown {
  const { value, above } = given;
  const strict = schema.safeParse(value);
  if (strict.success && above.size === 0) {
    return strict.data;
  }
  const kind = meant(schema, value);
  const strays = strict.success ? above : new Map([...above, ...straysIn(strict.error, value)]);
  const asWhole = strict.success ? strict.data : WRONG;
  if (isRefined(kind)) {
    return asWhole;
  }
  if (kind instanceof z.ZodObject && isPlain(value)) {
    return partsOfObject(kind, { ...given, value }, strays);
  }
  // Other keys than texts are known beforehand, and all of them must be there.
  if (kind instanceof z.ZodRecord && kind.keyType instanceof z.ZodString && isPlain(value)) {
    return partsOfRecord(kind, { ...given, value }, strays);
  }
  const ofRightLength = strict.success || strict.error.issues.every(({ path }) => path.length > 0);
  if (kind instanceof z.ZodArray && Array.isArray(value) && ofRightLength) {
    return partlyReadable(value.map((_, index) => part(kind.element as z.ZodType, child(given, index, new Map()))));
  }
  return asWhole;
}

function partsOfObject({ shape }: z.ZodObject, given: Given<Plain>, strays: Strays): object {
  const { value, own } = given;
  const unknown = new Map(Object.entries(value).filter(([key]) => !Object.hasOwn(shape, key)));
  const isDoubtful = (key: string) => propertyOf(own, key) === undefined && (unknown.size > 0 || strays.has(key));
  const parts = Object.fromEntries(
    Object.entries(shape)
      .map(([key, schema]): [string, unknown] => [
        key,
        isDoubtful(key) ? WRONG : part(schema as z.ZodType, child(given, key, unknown)),
      ])
      .filter(([key, found]) => found !== undefined || Object.hasOwn(value, key)),
  );
  // Whether there is such a key is as much of an answer as its value.
  const wrong = Object.keys(parts).filter((key) => parts[key] === WRONG);
  return partlyReadable(parts, wrong.length > 0 ? (key) => wrong.includes(key) : undefined);
}

function partsOfRecord(record: z.ZodRecord, given: Given<Plain>, strays: Strays): object {
  const { value } = given;
  // The schema drops this name in silence.
  const names = Object.keys(value).filter((name) => name !== "__proto__");
  const misnamed = names.filter((name) => value[name] === MISNAMED || !accepts(record.keyType, name));
  const parts = (above: Strays): Plain =>
    Object.fromEntries(
      names
        .filter((name) => !misnamed.includes(name))
        .map((name) => [name, part(record.valueType as z.ZodType, child(given, name, above))]),
    );
  const alone = parts(new Map());
  // An entry that is none at all may belong into one beside it.
  const none = [...misnamed, ...names.filter((name) => alone[name] === WRONG)];
  const all = none.length > 0 ? parts(new Map(none.map((name) => [name, value[name]]))) : alone;
  const isOpen =
    misnamed.length > 0 ||
    [...strays].some(([name, stray]) => !Object.hasOwn(value, name) && mayBeEntry(record, name, stray));
  return partlyReadable(all, isOpen ? (name) => !Object.hasOwn(all, name) : undefined);
}

function child({ value, own }: Given, key: PropertyKey, above: Strays): Given {
  return { value: propertyOf(value, key), own: propertyOf(own, key), above };
}

/** Whether a schema has rules over several of its parts: what is left of something wrong may break them unseen. */
function isRefined({ def }: z.ZodType): boolean {
  return (def.checks ?? []).some(({ _zod }) => !/^(min|max)_length$|^length_equals$/.test(_zod.def.check));
}
