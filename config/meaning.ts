import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

const FILE = path.join(__dirname, "..", "Pulumi.yaml");

/** A key of the configuration and what it is for, in Pulumi.yaml's words. */
export interface DescribedKey {
  /** Below its section: `lan.dns[]`; `<name>` stands for names that the owner chooses. */
  path: string;
  words: string;
}

let sections: ReadonlyMap<string, readonly DescribedKey[]> | undefined;

/**
 * The keys that Pulumi.yaml describes, in its order: lines `path: words` of a section's description.
 *
 * @param section first key of a stack file's path, such as `network`.
 */
export function describedKeys(section: string): readonly DescribedKey[] {
  sections ??= read();
  return sections.get(section) ?? [];
}

/** What Pulumi.yaml says of a place of the configuration, as an error quotes it. */
export interface Meaning {
  /** What the key is for; of a group, which keys it has. */
  text: string;
  /** Whether only keys below it have values. */
  group: boolean;
}

/**
 * What Pulumi.yaml says of a place of the configuration.
 *
 * @param keys from the root; numbers are places in a list.
 * @returns undefined where Pulumi.yaml describes nothing.
 */
export function meaningOf(keys: readonly PropertyKey[]): Meaning | undefined {
  const [section, ...below] = keys;
  const within = describedKeys(String(section)).flatMap(({ path, words }) => {
    const own = segments(path);
    return below.every((key, index) => stands(own[index], key)) ? [{ rest: own.slice(below.length), words }] : [];
  });
  const exact = within.find(({ rest }) => rest.length === 0);
  const children = [...new Set(within.flatMap(({ rest: [first] }) => (first === undefined ? [] : [first])))];
  if (exact !== undefined) {
    return { text: `Pulumi.yaml: "${exact.words}"`, group: false };
  }
  if (children.length === 1 && children[0] === "[]" && within.length === 1) {
    return { text: `Pulumi.yaml, of its entries: "${within[0].words}"`, group: false };
  }
  return children.length > 0 ? { text: `below it are ${children.map(spoken).join(", ")}`, group: true } : undefined;
}

function spoken(segment: string): string {
  return segment === "<name>" ? "names of your choice" : segment === "[]" ? "entries of a list" : segment;
}

function stands(segment: string | undefined, key: PropertyKey): boolean {
  return typeof key === "number" ? segment === "[]" : segment === "<name>" || segment === key;
}

/** `lan.dns[]` as lan, dns, []. */
function segments(path: string): string[] {
  return path.split(/\.|(?=\[\])/).filter((segment) => segment !== "");
}

function read(): ReadonlyMap<string, readonly DescribedKey[]> {
  const { config } = parse(fs.readFileSync(FILE, "utf8")) as { config: Record<string, { description: string }> };
  return new Map(
    Object.entries(config).map(([section, { description }]) => [
      section,
      description.split("\n").flatMap((line) => {
        const [, path, words] = /^([\w.<>[\]]+): (.+)/.exec(line) ?? [];
        return path === undefined ? [] : [{ path, words }];
      }),
    ]),
  );
}
