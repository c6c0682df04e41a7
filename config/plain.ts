/** A group of keys, as YAML and JSON have it. */
export type Plain = Readonly<Record<string, unknown>>;

export function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Groups are merged key by key, everything else replaces. A key set to null takes what is below it away. */
export function merged(base: Plain, over: Plain): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    if (value === null) {
      delete result[key];
    } else {
      result[key] = isPlain(below) && isPlain(value) ? merged(below, value) : value;
    }
  }
  return result;
}
