import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "./homelab";
import { ConfigError } from "./issues";
import { mirroredChartIssues } from "./mirror-lock";
import { parseHomelab } from "./parse";
import { configKeys } from "./schema";

/**
 * Reads and validates the configuration of the stack in hand, whatever its name.
 *
 * @throws pulumi.RunError, which the engine shows without a stack, for every mistake at once and, when resources are
 * about to be changed, for every value that the owner has not filled in.
 */
export function loadHomelab(): Homelab {
  try {
    const homelab = parseHomelab(stackConfig());
    if (!pulumi.runtime.isDryRun()) {
      refusePlaceholders(homelab);
      refuseUnmirrored(homelab);
    }
    return homelab;
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}

/** @throws ConfigError for every chart that the mirror does not hold as it was recorded. */
function refuseUnmirrored(homelab: Homelab): void {
  const issues = mirroredChartIssues(homelab, path.join(__dirname, ".."));
  if (issues.length > 0) {
    throw new ConfigError(issues);
  }
}

/** The values of the stack by key, misspelled keys included, so that they can be refused by name. */
function stackConfig(): Record<string, unknown> {
  const config = new pulumi.Config();
  const namespace = `${config.name}:`;
  const given = Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(namespace))
    .map((key) => key.slice(namespace.length));
  return Object.fromEntries(
    [...new Set([...configKeys, ...given])].flatMap((key) => {
      const value = plain(config, key);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** A section as plain data; one that is no JSON is a text, and the schema says what should stand there. */
function plain(config: pulumi.Config, key: string): unknown {
  const text = config.get(key);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

/**
 * `up` works on real machines: nothing may still be unknown.
 *
 * @throws ConfigError for every placeholder, by name.
 */
function refusePlaceholders(homelab: Homelab): void {
  if (homelab.placeholders.length > 0) {
    throw new ConfigError(
      homelab.placeholders.map(({ path, hint }) => ({
        path,
        found: "a placeholder",
        allowed: "the real value; only plan and preview accept placeholders",
        fix: hint || "Pulumi.yaml describes the key",
      })),
    );
  }
}
