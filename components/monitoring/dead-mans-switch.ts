import type { Homelab } from "../../config/homelab";
import { RECEIVERS_FOLDER, WATCH } from "./receivers";

/** Alert of kube-prometheus-stack that always fires (rules-1.14/general.rules.yaml). */
export const WATCHDOG = "Watchdog";

/** A receiver with the route that leads to it. */
interface Watch {
  name: string;
  route: Record<string, unknown>;
  config: Record<string, unknown>;
}

/**
 * A house that is dark, off the internet or without Prometheus sends no alert. So it says every few minutes that it
 * could, to a watch outside, which speaks when it hears nothing. Empty where the configuration has none.
 *
 * Alertmanager looks at repeat_interval only once in each group_interval, so that is shorter.
 */
export function deadMansSwitch({ monitoring }: Homelab): Watch[] {
  const watch = monitoring.deadMansSwitch;
  if (!watch) {
    return [];
  }
  return [
    {
      name: WATCH,
      route: {
        matchers: [`alertname = "${WATCHDOG}"`],
        group_wait: "0s",
        group_interval: "1m",
        repeat_interval: `${watch.everyMinutes}m`,
      },
      // Its end is what the watch must notice by itself.
      config: { webhook_configs: [{ url_file: `${RECEIVERS_FOLDER}/${WATCH}`, send_resolved: false }] },
    },
  ];
}
