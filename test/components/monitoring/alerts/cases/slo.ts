import { of, told, type AlertCase } from "../case";

/** Objectives of the home stack: what is promised, and the share of time that may be bad. */
const promises = {
  gateway: { text: "the gateway answers every node", budget: 0.005 },
  storage: { text: "every volume has all its copies", budget: 0.01 },
  backups: { text: "the last good backup of every schedule is young enough", budget: 0.01 },
  media: { text: "the media share and the apps on it are up", budget: 0.01 },
};

/** Percent as the message has it. */
const percent = (share: number) => `${Number((share * 100).toPrecision(4))}%`;

/** What was recorded of one objective, minute by minute; `axn` in it are n + 1 samples. */
const good = (slo: string, values: string) => [of(`slo:good:ratio{slo="${slo}"}`, values)];

/**
 * Outages that use up the budget 14.4, 6, 3 and 1 times too fast, each after days without any. A range holds the samples
 * at both of its ends, so an hour has 61.
 */
export const sloCases: readonly AlertCase[] = Object.entries(promises).flatMap(
  ([slo, { text, budget }]): AlertCase[] => {
    const burning = (severity: string, window: string, share: number) =>
      told(severity, { slo, window }, `Not so for ${percent(share)} of the last ${window}: ${text}`);
    const partly = (times: number) => String(Number((1 - times * budget).toPrecision(6)));
    return [
      {
        alert: "SloBudgetBurning",
        rule: { slo, window: "1h" },
        when: `${slo}: nine minutes of nothing`,
        series: good(slo, "1x4400 0x8"),
        at: "4409m",
        fires: [burning("critical", "1h", 9 / 61)],
      },
      {
        alert: "SloBudgetBurning",
        rule: { slo, window: "6h" },
        when: `${slo}: six hours at ten times the budget`,
        series: good(slo, `1x4400 ${partly(10)}x360`),
        at: "4761m",
        fires: [burning("critical", "6h", 10 * budget)],
      },
      {
        alert: "SloBudgetBurning",
        rule: { slo, window: "1d" },
        when: `${slo}: a day at four times the budget, which three days feel, too`,
        series: good(slo, `1x4400 ${partly(4)}x1440`),
        at: "5841m",
        fires: [burning("warning", "1d", 4 * budget), burning("warning", "3d", (4 * budget * 1441) / 4321)],
      },
      {
        alert: "SloBudgetBurning",
        rule: { slo, window: "3d" },
        when: `${slo}: three days at one and a half times the budget`,
        series: good(slo, `${partly(1.5)}x4400`),
        at: "4400m",
        fires: [burning("warning", "3d", 1.5 * budget)],
      },
      {
        alert: "SloBudgetBurning",
        rule: { slo },
        when: `${slo}: half the budget, always`,
        series: good(slo, `${partly(0.5)}x4400`),
        at: "4400m",
        fires: [],
      },
      {
        alert: "SloBudgetBurning",
        rule: { slo, window: "1h" },
        when: `${slo}: an outage that is over for half an hour wakes nobody`,
        series: good(slo, "1x4400 0x8 1x40"),
        at: "4450m",
        fires: [],
      },
    ];
  },
);
