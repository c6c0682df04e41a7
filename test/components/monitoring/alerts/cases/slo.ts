import { of, told, type AlertCase } from "../case";

/** Objectives of the home stack: what is promised, and the share of time that may be bad. */
const promises = {
  gateway: { text: "the gateway answers every node", budget: 0.005 },
  storage: { text: "every volume has all its copies", budget: 0.01 },
  backups: { text: "the last good backup of each schedule is young", budget: 0.01 },
  media: { text: "the media share and the apps on it are up", budget: 0.01 },
};

/** Percent as the message has it. */
const percent = (share: number) => `${Number((share * 100).toPrecision(4))}%`;

/** What was recorded of one objective, every five minutes; `axn` in it are n + 1 samples. */
const good = (slo: string, values: string) => [of(`slo:good:ratio{slo="${slo}"}`, values)];

/** Three days without any fault, and a little more. */
const DAYS = "1x880";

/**
 * Outages that use up the budget 14.4, 6, 3 and 1 times too fast, each after days without any. A range holds the samples
 * at both of its ends (Prometheus 2), so an hour has 13, six have 73, a day has 289 and three have 865.
 */
export const sloCases: readonly AlertCase[] = Object.entries(promises).flatMap(
  ([slo, { text, budget }]): AlertCase[] => {
    const burning = (severity: string, window: string, share: number) =>
      told(severity, { slo, window }, `Not so for ${percent(share)} of the last ${window}: ${text}`);
    const partly = (times: number) => String(Number((1 - times * budget).toPrecision(6)));
    const one = { alert: "SloBudgetBurning", interval: "5m" };
    return [
      {
        ...one,
        rule: { slo, window: "1h" },
        when: `${slo}: ten minutes of nothing`,
        series: good(slo, `${DAYS} 0x1`),
        at: "4410m",
        fires: [burning("critical", "1h", 2 / 13)],
      },
      {
        ...one,
        rule: { slo, window: "6h" },
        when: `${slo}: six hours at ten times the budget`,
        series: good(slo, `${DAYS} ${partly(10)}x72`),
        at: "4765m",
        fires: [burning("critical", "6h", 10 * budget)],
      },
      {
        ...one,
        rule: { slo, window: "1d" },
        when: `${slo}: a day at four times the budget, which three days feel, too`,
        series: good(slo, `${DAYS} ${partly(4)}x288`),
        at: "5845m",
        fires: [burning("warning", "1d", 4 * budget), burning("warning", "3d", (4 * budget * 289) / 865)],
      },
      {
        ...one,
        rule: { slo, window: "3d" },
        when: `${slo}: three days at one and a half times the budget`,
        series: good(slo, `${partly(1.5)}x880`),
        at: "4400m",
        fires: [burning("warning", "3d", 1.5 * budget)],
      },
      {
        ...one,
        rule: { slo },
        when: `${slo}: half the budget, always`,
        series: good(slo, `${partly(0.5)}x880`),
        at: "4400m",
        fires: [],
      },
      {
        ...one,
        rule: { slo, window: "1h" },
        when: `${slo}: an outage that is over for half an hour wakes nobody`,
        series: good(slo, `${DAYS} 0x1 1x8`),
        at: "4450m",
        fires: [],
      },
    ];
  },
);
