import { expect } from "chai";
import type { Homelab } from "../../../../config/homelab";
import { groupRules } from "../../../../components/monitoring/alerts/rules";
import { LONGEST_WINDOW_DAYS, sloAlerts } from "../../../../components/monitoring/slo/burn-rates";
import { objectives, type ObjectiveName } from "../../../../components/monitoring/slo/objectives";
import { home } from "../../../support/home";
import { skipBecause } from "../../../support/skip";
import { of } from "../alerts/case";
import type { Series } from "../dashboards/series";
import { singleNode } from "../homes";
import { runTool, toolProblem } from "../tools";

const NODES = ["k3s-master1", "k3s1", "k3s2", "k3s3"];

const answers = (subject: string, good: (node: string) => boolean) =>
  NODES.map((node) =>
    of(
      `probe_success{job="prober", subject="${subject}", layer="L4", node="${node}", peer="x"}`,
      good(node) ? "1x90" : "0x90",
    ),
  );
const all = () => true;

const managers = (...nodes: string[]) =>
  nodes.map((node) => of(`longhorn_node_status{node="${node}", condition="ready"}`, "1x90"));
const volumes = (...states: number[]) =>
  states.map((state, index) => of(`longhorn_volume_robustness{volume="pvc-${index}", node="k3s1"}`, `${state}x90`));

const backup = (schedule: string, values: string) =>
  of(`velero_backup_last_successful_timestamp{schedule="${schedule}"}`, values);

/** Pods with the media and what kube-state-metrics says of them. */
const player = (name: string, ready: 0 | 1, phase = "Running") => [
  of(
    `kube_pod_spec_volumes_persistentvolumeclaims_info{namespace="media", pod="${name}", persistentvolumeclaim="media"}`,
    "1x90",
  ),
  of(`kube_pod_status_phase{namespace="media", pod="${name}", phase="${phase}"}`, "1x90"),
  of(`kube_pod_status_ready{namespace="media", pod="${name}", condition="true"}`, `${ready}x90`),
];
const claim = of(
  'kube_persistentvolumeclaim_info{namespace="media", persistentvolumeclaim="media", volumename="media"}',
  "1x90",
);
const houseNodes = NODES.map((node) => of(`kube_node_info{node="${node}"}`, "1x90"));

/** What the recording of an objective is after an hour and more of these series; undefined: no sample. */
const cases: readonly [ObjectiveName, string, readonly Series[], number | undefined][] = [
  ["gateway", "every node gets a connection", answers("gateway", all), 1],
  ["gateway", "one of four does not", answers("gateway", (node) => node !== "k3s1"), 0.75],
  ["gateway", "nobody asks: no sample, and so no budget that burns", [], undefined],
  ["storage", "all healthy", [...managers("k3s1", "k3s2", "k3s3"), ...volumes(1, 1, 1, 1)], 1],
  [
    "storage",
    "a degraded and a faulted one of four",
    [...managers("k3s1", "k3s2", "k3s3"), ...volumes(1, 2, 3, 1)],
    0.5,
  ],
  ["storage", "a detached one is no fault", [...managers("k3s1", "k3s2", "k3s3"), ...volumes(1, 0)], 1],
  ["storage", "a silent manager hides its volumes", [...managers("k3s1", "k3s2"), ...volumes(1, 1)], 0.666667],
  ["storage", "no volume yet", managers("k3s1", "k3s2", "k3s3"), 1],
  ["backups", "all young", ["hourly", "daily", "weekly"].map((name) => backup(name, "0x90")), 1],
  [
    "backups",
    "the hourly one is too old",
    [backup("hourly", "-7200x90"), backup("daily", "0x90"), backup("weekly", "0x90")],
    0.666667,
  ],
  ["backups", "one schedule has none at all", [backup("hourly", "0x90"), backup("daily", "0x90")], 0.666667],
  [
    "media",
    "the server and both players are up",
    [...answers("server", all), claim, ...houseNodes, ...player("jellyfin", 1), ...player("plex", 1)],
    1,
  ],
  [
    "media",
    "one of two players is not ready",
    [...answers("server", all), claim, ...houseNodes, ...player("jellyfin", 0), ...player("plex", 1)],
    0.5,
  ],
  [
    "media",
    "a finished pod does not count",
    [...answers("server", all), claim, ...houseNodes, ...player("old", 0, "Succeeded"), ...player("plex", 1)],
    1,
  ],
  ["media", "the server is off", [...answers("server", () => false), claim, ...houseNodes, ...player("plex", 1)], 0],
];

describe("Service level objectives", function () {
  // Slow on a busy machine, as all that runs promtool.
  this.timeout(120_000);
  const namesOf = (homelab: Homelab) => objectives(homelab).map(({ name }) => name);

  it("are of what the house has", () => {
    expect(namesOf(home())).to.deep.equal(["gateway", "storage", "backups", "media"]);
    expect(namesOf(home((config) => (config.backup.mode = "restore")))).not.to.include("backups");
    expect(namesOf(singleNode())).to.include.members(["gateway", "storage"]);
  });

  it("burn as the owner chose: the limits follow the percentage", () => {
    const strict = home((config) => (config.monitoring.objectives = { gateway: 99.9 }));
    const limits = (homelab: Homelab) =>
      sloAlerts(homelab)
        .alerts.filter(({ expr }) => expr.includes('slo="gateway"'))
        .map(({ expr }) => Number(/> ([0-9.]+) and/.exec(expr)?.[1]));
    expect(limits(home())).to.deep.equal([0.072, 0.03, 0.015, 0.005]);
    expect(limits(strict)).to.deep.equal([0.0144, 0.006, 0.003, 0.001]);
  });

  it("look no further back than what the check of retention knows", () => {
    const days = sloAlerts(home()).alerts.flatMap(({ expr }) =>
      [...expr.matchAll(/ratio_([0-9]+)d/g)].map(([, count]) => Number(count)),
    );
    expect(Math.max(...days)).to.equal(LONGEST_WINDOW_DAYS);
  });

  describe("to promtool", () => {
    before(function () {
      const problem = toolProblem("promtool");
      if (problem) {
        skipBecause(this, problem);
      }
    });

    for (const [slo, when, series, value] of cases) {
      it(`${slo} is ${value ?? "not recorded"}: ${when}`, () => {
        const rules = groupRules(home(), sloAlerts(home())).filter(
          (rule) => "record" in rule && (rule.labels?.slo === slo || rule.expr.includes(`slo="${slo}"`)),
        );
        const rounded = (metric: string) => `round(${metric}{slo="${slo}"}, 0.000001)`;
        const expected = (good: number) => [{ labels: `{slo="${slo}"}`, value: Number(good.toFixed(6)) }];
        const run = runTool("promtool", ["test", "rules", "tests.json"], {
          "rules.json": JSON.stringify({ groups: [{ name: "slo", rules }] }),
          "tests.json": JSON.stringify({
            rule_files: ["rules.json"],
            evaluation_interval: "1m",
            tests: [
              {
                interval: "1m",
                // promtool evaluates nothing without a series.
                input_series: [...series, of("somebody_else", "1x90")],
                promql_expr_test: [
                  {
                    expr: rounded("slo:good:ratio"),
                    eval_time: "70m",
                    exp_samples: value === undefined ? [] : expected(value),
                  },
                  {
                    expr: rounded("slo:bad:ratio_1h"),
                    eval_time: "70m",
                    exp_samples: value === undefined ? [] : expected(1 - value),
                  },
                ],
              },
            ],
          }),
        });
        expect(run.ok, run.output).to.be.true;
      });
    }
  });
});
