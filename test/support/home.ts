import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type { Homelab } from "../../config/homelab";
import { parseHomelab } from "../../config/parse";

/** Root of the repository. */
export const root = path.join(__dirname, "..", "..");

type Raw = Record<string, unknown>;

/** The home stack's configuration as a fresh plain object, by top-level key. */
export function homeConfig(): Raw {
  const file = parse(fs.readFileSync(path.join(root, "Pulumi.home.yaml"), "utf8")) as { config: Raw };
  return Object.fromEntries(Object.entries(file.config).map(([key, value]) => [key.replace(/^homelab:/, ""), value]));
}

/** The home stack's configuration after an edit. */

export function edited(edit: (config: any) => void): Raw {
  const config = homeConfig();
  edit(config);
  return config;
}

/** The validated home stack, after an edit if one is given. */

export function home(edit: (config: any) => void = () => undefined): Homelab {
  return parseHomelab(edited(edit));
}
