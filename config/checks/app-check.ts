import type { ConfigIssue } from "../issues";
import type { RawHomelab } from "../schema";
import type { Check } from "./check";

export type App = RawHomelab["apps"][string];

/** A rule over single apps. */
export function each(
  name: string,
  needs: Check["needs"],
  judge: (app: App, key: string, config: RawHomelab) => ConfigIssue[],
): Check {
  return {
    name,
    needs: ["apps", ...needs],
    run: (config) => Object.entries(config.apps).flatMap(([key, app]) => judge(app, key, config)),
  };
}
