import { z } from "zod";
import { allChecks } from "./checks";
import { ConfigError, show, type ConfigIssue } from "./issues";
import { homelab, type Homelab } from "./homelab";
import { homelabSchema, type RawHomelab } from "./schema";
import { RULE_SEPARATOR } from "./schema/scalars";

/**
 * Turns the stack's plain configuration into the one validated, frozen object the program works with.
 *
 * @throws ConfigError with every mistake at once: the schema's, and those of all cross-checks whose sections are sound.
 */
export function parseHomelab(input: unknown): Homelab {
  const raw: Record<string, unknown> = isRecord(input) ? input : {};
  const sections: Partial<RawHomelab> = {};
  const issues: ConfigIssue[] = [];

  for (const key of Object.keys(homelabSchema.shape) as (keyof RawHomelab)[]) {
    const result = homelabSchema.shape[key].safeParse(raw[key]);
    if (result.success) {
      Object.assign(sections, { [key]: result.data });
    } else {
      issues.push(...result.error.issues.flatMap((issue) => describe(issue, [key], raw)));
    }
  }
  for (const key of Object.keys(raw).filter((name) => !(name in homelabSchema.shape))) {
    issues.push(unknownKey(key, key, Object.keys(homelabSchema.shape)));
  }
  for (const check of allChecks) {
    if (check.needs.every((section) => section in sections)) {
      issues.push(...check.run(sections as RawHomelab));
    }
  }
  if (issues.length > 0) {
    throw new ConfigError(issues);
  }
  return homelab(sections as RawHomelab);
}

type ZodIssue = z.core.$ZodIssue;

/** One schema issue as one or more of ours. */
function describe(issue: ZodIssue, prefix: PropertyKey[], raw: unknown): ConfigIssue[] {
  const keys = [...prefix, ...issue.path];
  const path = formatPath(keys);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(`${path}.${key}`, key, allowedKeys(keys)));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const closest = issue.errors.reduce((best, branch) => (depth(branch) > depth(best) ? branch : best));
    return closest.flatMap((nested) => describe(nested, keys, raw));
  }
  const [allowed, fix] = issue.message.split(RULE_SEPARATOR);
  const value = valueAt(raw, keys);
  const missing = value === undefined;
  return [
    {
      path,
      found: keys[0] === "secrets" && !missing ? "a secret value (not shown)" : show(value),
      allowed: expected(issue) ?? allowed,
      fix: missing
        ? `add the key${fix ? `; ${fix}` : "; Pulumi.yaml describes it"}`
        : (fix ?? "correct the value; Pulumi.yaml describes the key"),
    },
  ];
}

/** How far a union's branch got: the branch whose complaints are deepest and fewest is what the author meant. */
function depth(branch: readonly ZodIssue[]): number {
  return Math.max(0, ...branch.map((issue) => issue.path.length)) - branch.length / 100;
}

function expected(issue: ZodIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `a value of type ${issue.expected}`;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "too_small":
      return `at least ${String(issue.minimum)} (${issue.origin})`;
    case "too_big":
      return `at most ${String(issue.maximum)} (${issue.origin})`;
    default:
      return undefined;
  }
}

function unknownKey(path: string, key: string, known: readonly string[]): ConfigIssue {
  const near = nearest(key, known);
  return {
    path,
    found: "a key that does not exist",
    allowed: known.length > 0 ? known.join(", ") : "no further keys",
    fix: near ? `did you mean '${near}'?` : "remove it",
  };
}

/** Keys of the object at a path of the schema, as far as they can be told; empty inside unions. */
function allowedKeys(keys: readonly PropertyKey[]): string[] {
  let schema: z.ZodType | undefined = homelabSchema;
  for (const key of keys) {
    schema = child(unwrap(schema), key);
    if (!schema) {
      return [];
    }
  }
  const object = unwrap(schema);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function child(schema: z.ZodType | undefined, key: PropertyKey): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) {
    return schema.shape[String(key)] as z.ZodType | undefined;
  }
  return schema instanceof z.ZodRecord ? (schema.valueType as z.ZodType) : undefined;
}

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** The known name closest to a misspelled one, if it is close at all. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance);
  return ranked.length > 0 && ranked[0].distance <= Math.max(2, name.length / 3) ? ranked[0].candidate : undefined;
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const substitution = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, substitution));
    }
    row = next;
  }
  return row[other.length];
}

function formatPath(keys: readonly PropertyKey[]): string {
  return keys
    .map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? String(key) : `.${String(key)}`))
    .join("");
}

function valueAt(root: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (value, key) => (isRecord(value) || Array.isArray(value) ? Reflect.get(value, key) : undefined),
    root,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
