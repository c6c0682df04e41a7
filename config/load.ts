import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "./homelab";
import { ConfigError } from "./issues";
import { parseHomelab } from "./parse";
import { homelabSchema } from "./schema";

/**
 * Reads and validates the configuration of the stack in hand, whatever its name.
 *
 * @throws ConfigError for every mistake at once and, when resources are about to be changed, for every value that the
 * owner has not filled in.
 */
export function loadHomelab(): Homelab {
  const config = new pulumi.Config();
  const raw = Object.fromEntries(
    Object.keys(homelabSchema.shape)
      .map((key) => [key, config.getObject(key)])
      .filter(([, value]) => value !== undefined),
  );
  const homelab = parseHomelab(raw);
  if (!pulumi.runtime.isDryRun()) {
    refusePlaceholders(homelab);
  }
  return homelab;
}

/** `up` works on real machines: nothing may still be unknown. */
export function refusePlaceholders(homelab: Homelab): void {
  if (homelab.placeholders.length > 0) {
    throw new ConfigError(
      homelab.placeholders.map(({ path, hint }) => ({
        path,
        found: "a placeholder",
        allowed: "the real value; only plan and preview accept placeholders",
        fix: hint,
      })),
    );
  }
}
