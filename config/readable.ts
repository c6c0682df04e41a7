/** Stands among the parts of a value for one that is wrong itself. */
export const WRONG = Symbol("wrong");

/** Thrown by whatever reads something wrong. Private, so that nothing but ifReadable can take it for an answer. */
class Unreadable extends Error {}

function refuse(): never {
  throw new Unreadable("this is wrong, and said to be so already: only ifReadable may get here");
}

/** What a rule finds; nothing if it had to read what is wrong itself, for of that nobody knows what it should have been. */
export function ifReadable<T>(rule: () => T[]): T[] {
  try {
    return rule();
  } catch (error) {
    if (error instanceof Unreadable) {
      return [];
    }
    throw error;
  }
}

/** The keys that are sure, of groups that cannot be asked for all of theirs. */
const listed = new WeakMap<object, readonly string[]>();

/**
 * A group of keys or a list of which some parts are wrong. It reads like plain data, without a way to change it; reading a
 * part that is wrong ends the rule that does it (see ifReadable), also where it is read by spreading or by Object.entries.
 *
 * @param parts what it is made of, WRONG in the place of what is wrong.
 * @param unsure whether it is open if there is a key; given, there are such: reading one, asking for it or listing the keys
 * ends the rule too.
 */
export function partlyReadable(
  parts: Readonly<Record<string, unknown>> | readonly unknown[],
  unsure?: (key: string) => boolean,
): object {
  const target: object = Array.isArray(parts) ? [] : {};
  for (const [key, value] of Object.entries<unknown>(parts)) {
    Object.defineProperty(target, key, { enumerable: true, ...(value === WRONG ? { get: refuse } : { value }) });
  }
  Object.freeze(target);
  if (!unsure) {
    return target;
  }
  const ask = (key: PropertyKey) => (typeof key === "string" && unsure(key) ? refuse() : key);
  const view = new Proxy(target, {
    get: (_, key) => Reflect.get(target, ask(key)) as unknown,
    has: (_, key) => Reflect.has(target, ask(key)),
    getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(target, ask(key)),
    ownKeys: refuse,
  });
  listed.set(view, Object.keys(target));
  return view;
}

/**
 * What a rule finds in the entries of a group or a list, each read by itself: one that cannot be read is passed over. Only
 * for rules to which a further entry can add issues and take none away; others list the entries by Object, all or none.
 */
export function ofEach<V, T>(
  entries: Readonly<Record<string, V>> | readonly V[],
  judge: (value: V, key: string) => T[],
): T[] {
  const keys = listed.get(entries) ?? Object.keys(entries);
  return keys.flatMap((key) => ifReadable(() => judge((entries as Readonly<Record<string, V>>)[key], key)));
}

/** What several rules find that have nothing to do with each other: one that reads what is wrong is left out alone. */
export function ofRules<T>(...rules: readonly (() => T[])[]): T[] {
  return rules.flatMap((rule) => ifReadable(rule));
}
