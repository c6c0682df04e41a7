/** Keys and values by which the SDK marks special values on the wire (pulumi/pulumi sdk/nodejs/runtime/rpc.ts). */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";

/** Parts of a connection, which is secret as a whole for its key. */
const OPEN = new Set(["host", "user", "hostKey"]);

type Plain = Record<string, unknown>;

/** Inputs as plain data, with the places where something secret stood. */
export interface Unwrapped {
  inputs: Plain;
  /** Top-level keys that hold a secret at any depth. */
  secretKeys: string[];
  /** Every text that stood within a secret, and may not be shown. */
  secrets: string[];
}

/** Takes the marks off. A reference to a resource becomes its id, or its URN where it has none. */
export function unwrap(wire: Plain): Unwrapped {
  const secrets: string[] = [];
  const walk = (value: unknown, secret: boolean, name = ""): { value: unknown; secret: boolean } => {
    if (typeof value === "string" && secret && !OPEN.has(name)) {
      secrets.push(value);
    }
    if (typeof value !== "object" || value === null) {
      return { value, secret };
    }
    if (Array.isArray(value)) {
      const items = value.map((item) => walk(item, secret));
      return { value: items.map((item) => item.value), secret: secret || items.some((item) => item.secret) };
    }
    const object = value as Plain;
    if (object[SIGNATURE] === SECRET) {
      return { value: walk(object.value, true).value, secret: true };
    }
    if (object[SIGNATURE] === RESOURCE) {
      return { value: object.id ?? object.urn, secret };
    }
    const entries = Object.entries(object).map(([key, child]) => [key, walk(child, secret, key)] as const);
    return {
      value: Object.fromEntries(entries.map(([key, child]) => [key, child.value])),
      secret: secret || entries.some(([, child]) => child.secret),
    };
  };
  const walked = Object.entries(wire).map(([key, value]) => [key, walk(value, false)] as const);
  return {
    inputs: Object.fromEntries(walked.map(([key, { value }]) => [key, value])),
    secretKeys: walked.filter(([, { secret }]) => secret).map(([key]) => key),
    secrets,
  };
}

/** Marks top-level values as secret again, so that the program keeps them so. */
export function wrap(outputs: Plain, secretKeys: readonly string[]): Plain {
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, secretKeys.includes(key) ? { [SIGNATURE]: SECRET, value } : value]),
  );
}
