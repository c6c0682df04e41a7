import { expect } from "chai";
import type { Homelab } from "../../../../config/homelab";
import {
  alertGroups,
  groupRules,
  type PrometheusAlert,
  type PrometheusRecord,
} from "../../../../components/monitoring/alerts/rules";
import { literal } from "../../../../components/monitoring/regex";
import { home } from "../../../support/home";
import { metricNames } from "../../../support/promql";
import { skipBecause } from "../../../support/skip";
import { runTool, toolProblem } from "../tools";
import type { AlertCase, Told } from "./case";
import { appCases, withOwnAlert } from "./cases/apps";
import { dataCases } from "./cases/data";
import { platformCases } from "./cases/platform";
import { reachabilityCases } from "./cases/reachability";
import { sloCases } from "./cases/slo";

const cases: readonly AlertCase[] = [...reachabilityCases, ...platformCases, ...dataCases, ...appCases, ...sloCases];

const restoring = () =>
  home((config) => {
    config.backup.mode = "restore";
  });

const isAlert = (rule: PrometheusAlert | PrometheusRecord): rule is PrometheusAlert => "alert" in rule;
const contains = (labels: Readonly<Record<string, string>>, part: Readonly<Record<string, string>>) =>
  Object.entries(part).every(([key, value]) => labels[key] === value);

/** The rules behind an alert: itself under every severity, and what is recorded for it; of one objective if it is named. */
function rulesOf(homelab: Homelab, alert: string, slo?: string): (PrometheusAlert | PrometheusRecord)[] {
  const group = alertGroups(homelab).find(({ alerts }) => alerts.some(({ name }) => name === alert));
  if (!group) {
    throw new Error(`no alert is called ${alert}`);
  }
  return groupRules(homelab, group).filter(
    (rule) =>
      (!isAlert(rule) || rule.alert === alert) &&
      (slo === undefined || rule.labels?.slo === slo || rule.expr.includes(`slo="${slo}"`)),
  );
}

/** The rule that told it: the one whose own labels are all there. */
function ruleOf(rules: readonly PrometheusAlert[], { labels }: Told): PrometheusAlert {
  const found = rules.filter((rule) => contains(labels, rule.labels));
  // Where a rule adds nothing but its severity, the expression says which label it selects.
  const exact = found.filter(({ expr }) =>
    Object.entries(labels).every(([key, value]) => !expr.includes(`${key}="`) || expr.includes(`${key}="${value}"`)),
  );
  const [rule] = found.length > 1 && exact.length > 0 ? exact : found;
  expect(rule, `a rule with labels ${JSON.stringify(labels)}`).not.to.equal(undefined);
  return rule;
}

/** A description with labels filled in; it says what to do, so it has no numbers. */
function filled(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{\s*(.*?)\s*\}\}/g, (_all, inner: string) => {
    const [, label] = /^\$labels\.(\w+)$/.exec(inner) ?? [];
    expect(labels, `{{ ${inner} }} in "${text}"`).to.have.property(label);
    return labels[label];
  });
}

function verdict({ alert, rule, series, at, fires, interval = "1m", house = home }: AlertCase): string {
  const rules = rulesOf(house(), alert, rule?.slo);
  const alerts = rules.filter(isAlert);
  const tests = {
    rule_files: ["rules.json"],
    evaluation_interval: interval,
    tests: [
      {
        interval,
        input_series: series,
        alert_rule_test: [
          {
            eval_time: at,
            alertname: alert,
            exp_alerts: fires.map((one) => {
              const { annotations } = ruleOf(alerts, one);
              return {
                exp_labels: one.labels,
                exp_annotations: {
                  ...annotations,
                  summary: one.summary,
                  description: filled(annotations.description, one.labels),
                },
              };
            }),
          },
        ],
      },
    ],
  };
  const run = runTool("promtool", ["test", "rules", "tests.json"], {
    "tests.json": JSON.stringify(tests),
    "rules.json": JSON.stringify({ groups: [{ name: alert, rules }] }),
  });
  return run.ok ? "" : run.output;
}

describe("Alerts that are known to fire", function () {
  // promtool computes days of samples; slow on a busy machine.
  this.timeout(120_000);
  const everyRule = [home(), restoring(), withOwnAlert()].flatMap((homelab) =>
    alertGroups(homelab).flatMap((group) => groupRules(homelab, group).filter(isAlert)),
  );

  /** A case is about a rule if it names it, or names none of several. */
  const about = (one: AlertCase, rule: PrometheusAlert) =>
    one.alert === rule.alert &&
    Object.entries(one.rule ?? {}).every(([key, value]) =>
      key in rule.labels ? rule.labels[key] === value : rule.expr.includes(`${key}="${value}"`),
    );
  /** Whether a rule can have said that: rules of one name and severity differ in their words. */
  const says = ({ annotations }: PrometheusAlert, summary: string) =>
    new RegExp(
      `^${annotations.summary
        .split(/\{\{.*?\}\}/)
        .map(literal)
        .join(".+")}$`,
    ).test(summary);
  const named = ({ alert, labels }: PrometheusAlert) => `${alert} ${JSON.stringify(labels)}`;

  it("are all: for each rule there is a case in which it fires", () => {
    const never = everyRule.filter(
      (rule) =>
        !cases.some(
          (one) =>
            one.alert === rule.alert &&
            one.fires.some(({ labels, summary }) => contains(labels, rule.labels) && says(rule, summary)),
        ),
    );
    expect(never.map(named)).to.deep.equal([]);
  });

  it("are all: for each rule there is a case on the same metrics in which it does not", () => {
    const always = everyRule.filter(
      (rule) =>
        !cases.some((one) => {
          const given = one.series.map(({ series }) => series.split("{")[0]);
          const asked = metricNames(rule.expr).map((metric) => (metric.startsWith("slo:") ? "slo:good:ratio" : metric));
          return (
            about(one, rule) &&
            one.fires.length === 0 &&
            (asked.length === 0 || asked.some((metric) => given.includes(metric)))
          );
        }),
    );
    expect(always.map(named)).to.deep.equal([]);
  });

  it("belong to alerts that exist", () => {
    const names = new Set(everyRule.map(({ alert }) => alert));
    expect(cases.filter(({ alert }) => !names.has(alert)).map(({ alert }) => alert)).to.deep.equal([]);
  });

  describe("to promtool", () => {
    before(function () {
      const problem = toolProblem("promtool");
      if (problem) {
        skipBecause(this, problem);
      }
    });

    for (const one of cases) {
      it(`${one.alert} ${one.fires.length > 0 ? "fires" : "is quiet"}: ${one.when}`, () => {
        const complaint = verdict(one);
        expect(complaint).to.equal("");
      });
    }

    it("the cases can fail: a wrong word, a wrong label, a missing and a needless alert are all seen", () => {
      const [good] = cases.filter(({ fires }) => fires.length === 1);
      const [one] = good.fires;
      expect(verdict(good)).to.equal("");
      expect(verdict({ ...good, fires: [{ ...one, summary: `${one.summary}!` }] })).to.contain("FAILED");
      expect(verdict({ ...good, fires: [{ ...one, labels: { ...one.labels, node: "k3s9" } }] })).to.contain("FAILED");
      expect(verdict({ ...good, fires: [] })).to.contain("FAILED");
      expect(verdict({ ...good, at: "1m" })).to.contain("FAILED");
    });
  });
});
