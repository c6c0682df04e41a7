import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { isPlain } from "../../config/plain";
import { homeConfig, root } from "../support/home";

/** One case: the home stack with a change. */
export interface Fixture {
  name: string;
  /** Stack name; home unless it says otherwise. */
  stack: string;
  config: Record<string, unknown>;
  /** The issues, in any order, and words that each of them must hold. */
  expect: readonly { path: string; mentions: readonly string[] }[];
}

interface FixtureFile {
  stack?: string;
  /** What differs from the home stack, as a merge patch (RFC 7396): null removes a key, a list replaces a list. */
  patch: Record<string, unknown>;
  expect?: Fixture["expect"];
}

/** Every file of a folder below test/fixtures/config. */
export function fixtures(folder: "bad" | "good"): Fixture[] {
  const directory = path.join(root, "test", "fixtures", "config", folder);
  return fs.readdirSync(directory).map((file) => {
    const content = parse(fs.readFileSync(path.join(directory, file), "utf8")) as FixtureFile;
    return {
      name: path.basename(file, ".yaml"),
      stack: content.stack ?? "home",
      config: merged(homeConfig(), content.patch) as Record<string, unknown>,
      expect: content.expect ?? [],
    };
  });
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isPlain(patch)) {
    return patch;
  }
  const result = isPlain(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[key];
    } else {
      result[key] = merged(result[key], value);
    }
  }
  return result;
}
