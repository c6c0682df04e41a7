import type { z } from "zod";
import { show, type ConfigIssue } from "./issues";
import { meaningOf, type Meaning } from "./meaning";
import { nearest } from "./nearest";
import { homelabSchema } from "./schema";
import { knownKeys, propertyOf, unknownKeys } from "./schema-keys";
import { RULE_SEPARATOR } from "./schema/scalars";

type ZodIssue = z.core.$ZodIssue;
type UnionIssue = z.core.$ZodIssueInvalidUnion;

/**
 * One issue of the schema library as one or more of ours.
 *
 * @param prefix keys from the root of the configuration to the schema that complains.
 * @param root the whole configuration as it was given.
 */
export function describe(issue: ZodIssue, prefix: readonly PropertyKey[], root: unknown): ConfigIssue[] {
  const keys = [...prefix, ...issue.path];
  const unknown = unknownKeys(issue);
  if (unknown.length > 0) {
    return unknown.map((key) => unknownKey(keys, key, root));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    return describeUnion(issue, keys, root);
  }
  if (issue.code === "invalid_key") {
    const [allowed, fix] = issue.issues[0].message.split(RULE_SEPARATOR);
    return [{ path: formatPath(keys), found: `the name ${show(keys.at(-1))}`, allowed, fix: fix ?? "rename it" }];
  }
  const value = keys.reduce(propertyOf, root);
  const [rule, ruleFix] = issue.message.includes(RULE_SEPARATOR) ? issue.message.split(RULE_SEPARATOR) : [];
  const allowed = rule ?? expected(issue);
  const meaning = meaningOf(keys) ?? { text: "Pulumi.yaml describes it", group: false };
  return [
    {
      path: formatPath(keys),
      found: shown(keys, value),
      allowed,
      fix: howToFix(keys, value, allowed, meaning, ruleFix ?? unquoted(issue, value) ?? meant(issue, value, meaning)),
    },
  ];
}

/** @param known the next thing to do, where the rule or the value itself says it. */
function howToFix(
  keys: readonly PropertyKey[],
  value: unknown,
  allowed: string,
  { text, group }: Meaning,
  known: string | undefined,
): string {
  if (keys[0] === "secrets") {
    // Each by itself: a group cannot be set.
    const path = `${formatPath(keys)}${group ? ".<key>" : ""}`;
    return `${known === undefined ? "" : `${known}; `}pulumi config set --secret --path 'homelab:${path}'; ${text}`;
  }
  return value === undefined
    ? `add the key${known === undefined ? `, ${allowed}; ${text}` : `; ${known}`}`
    : (known ?? `write ${allowed}; ${text}`);
}

/** Where the next thing to do follows from the value alone: a word that is nearly right, a number beyond its bound. */
function meant(issue: ZodIssue, value: unknown, { text }: Meaning): string | undefined {
  const choice = issue.code === "invalid_value" ? issue.values : issue.code === "invalid_union" ? optionsOf(issue) : [];
  if (choice.length > 0 && typeof value === "string") {
    const near = nearest(
      value,
      choice.filter((word) => typeof word === "string"),
    );
    return near === undefined ? undefined : `did you mean '${near}'?`;
  }
  if (issue.code === "too_small" && typeof value === "number") {
    return `raise it to ${atLeast(issue)}; ${text}`;
  }
  if (issue.code === "too_big" && typeof value === "number") {
    return `lower it to ${atMost(issue)}; ${text}`;
  }
  return undefined;
}

/** A key that the schema does not know, with the known one that it resembles. */
export function unknownKey(parent: readonly PropertyKey[], key: string, root: unknown): ConfigIssue {
  const known = knownKeys(homelabSchema, parent, root);
  const near = nearest(key, known);
  return {
    path: formatPath([...parent, key]),
    found: "a key that does not exist",
    allowed: known.join(", "),
    fix: near ? `did you mean '${near}'?` : "remove it",
  };
}

/** Names the branch that its author must have meant; where that is open, says what the choice is. */
function describeUnion(issue: UnionIssue, keys: readonly PropertyKey[], root: unknown): ConfigIssue[] {
  const [best, second] = [...issue.errors].sort((one, other) => one.length - other.length);
  if (best.length < second.length) {
    return best.flatMap((nested) => describe(nested, keys, root));
  }
  return describe({ code: "custom", path: [], message: issue.message, input: issue.input }, keys, root);
}

/** What stands at a path, unless it could be a secret: everything below `secrets`, and a text in a receiver's place. */
function shown(keys: readonly PropertyKey[], value: unknown): string {
  if (value === undefined) {
    return show(value);
  }
  const receiver = keys[0] === "monitoring" && keys[1] === "receivers" && keys.length <= 3;
  return keys[0] === "secrets" || receiver ? "a value that is not shown, because it may be secret" : show(value);
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a group of keys",
  record: "a group of keys",
  array: "a list",
};

function expected(issue: ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "invalid_union":
      return optionsOf(issue).map(show).join(" or ") || issue.message;
    case "too_small":
      return issue.origin === "string" ? "a text that is not empty" : `${atLeast(issue)}${unit(issue)}`;
    case "too_big":
      return `${atMost(issue)}${unit(issue)}`;
    default:
      return issue.message;
  }
}

/** The words of which one tells the kinds of a union apart. */
function optionsOf(issue: UnionIssue & { options?: readonly unknown[] }): readonly unknown[] {
  return issue.options ?? [];
}

function atLeast({ minimum, inclusive }: z.core.$ZodIssueTooSmall): string {
  return `${inclusive === false ? "more than" : "at least"} ${String(minimum)}`;
}

function atMost({ maximum, inclusive }: z.core.$ZodIssueTooBig): string {
  return `${inclusive === false ? "less than" : "at most"} ${String(maximum)}`;
}

function unit({ origin }: { origin: string }): string {
  return origin === "array" ? " entries" : "";
}

/** A number or truth value that was written as a text. */
function unquoted(issue: ZodIssue, value: unknown): string | undefined {
  const wanted = issue.code === "invalid_type" ? issue.expected : "";
  const literal = /^(int|number)$/.test(wanted) ? /^-?[0-9.]+$/ : wanted === "boolean" ? /^(true|false)$/ : /$^/;
  const fixed = issue.code === "invalid_value" ? issue.values.filter((word) => typeof word !== "string") : [];
  return typeof value === "string" && (literal.test(value) || fixed.map(String).includes(value))
    ? "remove the quotes"
    : undefined;
}

function formatPath(keys: readonly PropertyKey[]): string {
  return keys
    .map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? String(key) : `.${String(key)}`))
    .join("");
}
