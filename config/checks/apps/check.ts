import type { ConfigIssue } from "../../issues";
import { ofEach } from "../../readable";
import type { RawHomelab } from "../../schema";
import type { Check } from "../check";

export type App = RawHomelab["apps"][string];

/** A rule over single apps, each judged by itself. */
export function each(name: string, judge: (app: App, key: string, config: RawHomelab) => ConfigIssue[]): Check {
  return {
    name,
    run: (config) => ofEach(config.apps, (app, key) => judge(app, key, config)),
  };
}
