import type { Homelab } from "../../../config/homelab";
import type { Alert, AlertGroup, RecordingRule } from "../alerts/alert";
import { objectives, type Objective } from "./objectives";

/** How good it is now, from 0 to 1, by label `slo`. */
export const GOOD = "slo:good:ratio";

/** Share of a window that was bad, by label `slo`. */
export function bad(window: Window): string {
  return `slo:bad:ratio_${window}`;
}

const windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] as const;
type Window = (typeof windows)[number];

/** Days of samples that the longest window needs. */
export const LONGEST_WINDOW_DAYS = 3;

/**
 * How fast 30 days' budget of errors goes, in multiples of just using it up, and where that is seen: over the long
 * window, so that it matters, and over the short one, so that it still goes on.
 * Source: Google's SRE workbook, chapter 5 "Alerting on SLOs", table 5-8: 2% of the budget in 1 hour, 5% in 6 hours,
 * 10% in 1 and in 3 days.
 */
const burns: readonly { severity: Alert["severity"]; factor: number; long: Window; short: Window }[] = [
  { severity: "critical", factor: 14.4, long: "1h", short: "5m" },
  { severity: "critical", factor: 6, long: "6h", short: "30m" },
  { severity: "warning", factor: 3, long: "1d", short: "2h" },
  { severity: "warning", factor: 1, long: "3d", short: "6h" },
];

function recordings({ name, good }: Objective): RecordingRule[] {
  const labels = { slo: name };
  return [
    { name: GOOD, expr: good, labels },
    ...windows.map((window) => ({
      name: bad(window),
      expr: `1 - avg_over_time(${GOOD}{slo="${name}"}[${window}])`,
    })),
  ];
}

/** Parts in a million, so that no rounding of binary fractions gets into the rule's text. */
function threshold(percent: number, factor: number): number {
  return Math.round((100 - percent) * factor * 10_000) / 1_000_000;
}

function alerts({ name, promise, percent, page }: Objective): Alert[] {
  return burns.map(({ severity, factor, long, short }) => {
    const limit = threshold(percent, factor);
    const over = (window: Window) => `${bad(window)}{slo="${name}"} > ${limit}`;
    return {
      name: "SloBudgetBurning",
      expr: `${over(long)} and ${over(short)}`,
      severity,
      labels: { window: long },
      summary: `Not so for {{ $value | humanizePercentage }} of the last ${long}: ${promise}`,
      description:
        `Promised is ${percent}%, and the budget of 30 days goes ${factor} times too fast. What is broken is said by ` +
        `the alerts of the page ${page}; if none fires, begin with its layers 3 and 4.`,
    };
  });
}

/** Service level objectives: what is recorded of each, and alerts by how fast its budget of errors burns. */
export function sloAlerts(homelab: Homelab): AlertGroup {
  const all = objectives(homelab);
  return { topic: "slo", recordings: all.flatMap(recordings), alerts: all.flatMap(alerts) };
}
