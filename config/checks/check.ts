import type { ConfigIssue } from "../issues";
import type { RawHomelab } from "../schema";

/** A rule over more than one value. */
export interface Check {
  /** Sections that must be valid by themselves before the rule can be judged. */
  needs: readonly (keyof RawHomelab)[];
  run(config: RawHomelab): ConfigIssue[];
}
