import { expect } from "chai";
import { alertGroups } from "../../../../components/monitoring/alerts/rules";
import { platformNamespaces } from "../../../../components/monitoring/dashboards/apps";
import { dashboardFiles } from "../../../../components/monitoring/dashboards/dashboards";
import { countOrZero } from "../../../../components/monitoring/dashboards/panel";
import { dashboardFile, dashboardSidecar, grafanaIni, HOME_DASHBOARD } from "../../../../components/monitoring/grafana";
import type { Homelab } from "../../../../config/homelab";
import { dashboardErrors, panelErrors } from "../../../support/grafana-schema";
import { home } from "../../../support/home";
import { metricNames, syntaxErrors } from "../../../support/promql";
import { skipBecause } from "../../../support/skip";
import { recordedHome } from "../../../support/stack";
import { singleNode } from "../homes";
import { runTool, toolProblem } from "../tools";
import { allSeries, exporters, knownMetrics, type Series } from "./series";

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  targets?: { expr: string; refId: string; instant?: boolean; range?: boolean; datasource?: { uid: string } }[];
  links?: { title: string; url: string }[];
  options?: unknown;
  fieldConfig?: { defaults: { unit?: string; thresholds?: unknown; custom?: unknown } };
}

interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string; query?: unknown; regex?: string }[] };
}

const restoring = () =>
  home((config) => {
    config.backup.mode = "restore";
  });
const twoGpus = () =>
  home((config) => {
    config.machines.k3s2.gpu = { model: "Tesla P4", slices: 2, driverBranch: 570 };
  });
const noMedia = () =>
  home((config) => {
    delete config.storage.media;
    config.apps = {};
  });
const variants: Record<string, () => Homelab> = { home, singleNode, restoring, twoGpus, noMedia };

const dashboards = (homelab: Homelab) => dashboardFiles(homelab).map(({ json }) => JSON.parse(json) as Dashboard);
const panelsOf = (dashboard: Dashboard) => dashboard.panels.filter(({ type }) => type !== "row");
const everyPanel = (homelab: Homelab) =>
  dashboards(homelab).flatMap((dashboard) => panelsOf(dashboard).map((panel) => ({ dashboard, panel })));

/** The expression as Grafana sends it: variables filled in. */
function interpolated(expr: string): string {
  const filled = expr.replaceAll("$__rate_interval", "5m").replaceAll("$namespace", "media|ai");
  expect(filled, "a variable that nobody fills in").not.to.match(/\$/);
  return filled;
}

interface Asked {
  name: string;
  expr: string;
}

const everyQuery = (homelab: Homelab): Asked[] =>
  everyPanel(homelab).flatMap(({ dashboard, panel }) =>
    (panel.targets ?? []).map(({ expr, refId }) => ({
      name: `${dashboard.title} / ${panel.title} / ${refId}`,
      expr: interpolated(expr),
    })),
  );

describe("Dashboards", () => {
  it("are one each for the house, network, storage, GPU, backups and apps", () => {
    expect(dashboards(home()).map(({ uid }) => uid)).to.deep.equal([
      "homelab-home",
      "homelab-network",
      "homelab-storage",
      "homelab-gpu",
      "homelab-backups",
      "homelab-apps",
    ]);
  });

  for (const [name, variant] of Object.entries(variants)) {
    describe(`of ${name}`, () => {
      it("are understood by Grafana 12.1.1: model, options and fields of each kind of panel", () => {
        for (const dashboard of dashboards(variant())) {
          expect(dashboardErrors(dashboard), dashboard.uid).to.deep.equal([]);
          for (const { type, title, options, fieldConfig } of panelsOf(dashboard)) {
            expect(panelErrors(type, options, fieldConfig?.defaults.custom), title).to.deep.equal([]);
          }
        }
      });

      it("have a uid, titles and panel ids of their own", () => {
        const all = dashboards(variant());
        for (const values of [all.map(({ uid }) => uid), all.map(({ title }) => title)]) {
          expect(new Set(values).size).to.equal(values.length);
        }
        for (const { uid, panels } of all) {
          expect(uid).to.match(/^[a-z-]{1,40}$/);
          expect(new Set(panels.map(({ id }) => id)).size, uid).to.equal(panels.length);
        }
      });

      it("let no panel lie on another or beyond the grid", () => {
        for (const { uid, panels } of dashboards(variant())) {
          const taken = new Map<string, string>();
          for (const { title, gridPos } of panels) {
            expect(gridPos.x + gridPos.w, `${uid} ${title}`).to.be.at.most(24);
            for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
              for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
                const cell = `${x},${y}`;
                expect(taken.get(cell), `${uid}: ${title} at ${cell}`).to.equal(undefined);
                taken.set(cell, title);
              }
            }
          }
        }
      });

      it("give every panel a unit, a description that helps, a query and a Prometheus that can be chosen", () => {
        for (const { dashboard, panel } of everyPanel(variant())) {
          const name = `${dashboard.uid} ${panel.title}`;
          expect(panel.fieldConfig?.defaults.unit, name).to.be.a("string").and.not.equal("");
          expect(panel.description?.length, name).to.be.within(25, 220);
          expect(panel.targets, name).not.to.be.empty;
          for (const ref of [panel.datasource, ...(panel.targets ?? []).map(({ datasource }) => datasource)]) {
            expect(ref, name).to.include({ uid: "${datasource}" });
          }
          for (const target of panel.targets ?? []) {
            expect([target.instant, target.range].filter(Boolean), name).to.have.length(1);
          }
        }
        for (const { templating } of dashboards(variant())) {
          expect(templating.list[0]).to.include({ name: "datasource", type: "datasource", query: "prometheus" });
        }
      });

      it("link to the runbooks of alerts that this house has", () => {
        const homelab = variant();
        const known = new Map(alertGroups(homelab).flatMap(({ topic, alerts }) => alerts.map((a) => [a.name, topic])));
        const links = everyPanel(homelab).flatMap(({ panel }) => panel.links ?? []);
        expect(links.length).to.be.above(10);
        for (const { title, url } of links) {
          const alert = title.replace("Runbook: ", "");
          expect(url).to.equal(
            `${homelab.monitoring.runbookBase.replace(/\/$/, "")}/${known.get(alert)}.md#${alert.toLowerCase()}`,
          );
        }
      });

      it("ask in the grammar of Prometheus 3 for metrics that some exporter of the house shows", () => {
        for (const { name, expr } of everyQuery(variant())) {
          expect(syntaxErrors(expr), name).to.deep.equal([]);
          const metrics = metricNames(expr);
          expect(metrics, name).not.to.be.empty;
          for (const metric of metrics) {
            expect([...knownMetrics], name).to.include(metric);
          }
        }
      });
    });
  }

  it("know no metric that no board asks for, so that the list of sources stays true", () => {
    const used = new Set(everyQuery(home()).flatMap(({ expr }) => metricNames(expr)));
    // Only the variable of the board of apps reads it; the machines' info stands beside their condition.
    const beside = ["kube_namespace_created", "kube_node_info"];
    expect([...knownMetrics].filter((metric) => !used.has(metric) && !beside.includes(metric))).to.deep.equal([]);
    for (const { source } of exporters) {
      expect(source).not.to.equal("");
    }
  });

  it("ask for what the house has: no GPU, no BGP and no media share, no panels about them", () => {
    expect(dashboards(singleNode()).map(({ uid }) => uid)).not.to.include("homelab-gpu");
    const titles = (homelab: Homelab) => dashboards(homelab).flatMap(({ panels }) => panels.map(({ title }) => title));
    expect(titles(singleNode())).not.to.include("BGP");
    expect(titles(home())).to.include.members(["BGP", "Media share"]);
    expect(titles(noMedia())).not.to.include("Media share");
  });

  it("use the alerts' own limits", () => {
    const steps = (title: string) =>
      (everyPanel(home()).find(({ panel }) => panel.title === title)?.panel.fieldConfig?.defaults.thresholds as any)
        .steps;
    const limits = (alert: string) =>
      alertGroups(home())
        .flatMap(({ alerts }) => alerts)
        .filter(({ name }) => name === alert)
        .map(({ expr }) => Number(/[<>] ([\d.]+)$/.exec(expr)?.[1]));
    expect(steps("Temperature").map(({ value }: any) => value)).to.deep.equal([null, ...limits("GpuHot")]);
    expect(steps("Used of each disk").at(-1).value * 100).to.equal(limits("LonghornDiskAlmostFull")[0]);
    const mediaUsed = everyPanel(home()).find(({ panel }) =>
      JSON.stringify(panel.targets).includes(`storageclass=\\"media-static`),
    );
    const mediaSteps = (mediaUsed?.panel.fieldConfig?.defaults.thresholds as any).steps;
    expect(mediaSteps.at(-1).value * 100).to.equal(limits("MediaAlmostFull")[0]);
    expect(steps("Free on the machines' own disks")[1].value * 100).to.equal(limits("NodeFilesystemNearEviction")[0]);
    expect(steps("hourly: last good one").at(-1).value).to.equal(limits("VeleroBackupTooOld")[0]);
    expect(steps("weekly: last good one").at(-1).value).to.equal(limits("VeleroBackupTooOld")[2]);
    expect(steps("Next certificate ends in").map(({ value }: any) => value)).to.deep.equal([
      null,
      ...limits("CertificateExpiring")
        .map((days) => days * 86_400)
        .sort((one, other) => one - other),
    ]);
  });

  describe("in the cluster", () => {
    it("are ConfigMaps that Grafana's sidecar finds, small enough for the API server", async () => {
      const stack = await recordedHome();
      const maps = stack
        .ofType(/^kubernetes:core\/v1:ConfigMap$/)
        .map(({ inputs }) => inputs as { metadata: any; data: Record<string, string> })
        .filter(({ metadata }) => metadata.labels?.[dashboardSidecar.label] !== undefined);
      expect(maps.map(({ metadata }) => metadata.name)).to.deep.equal(
        dashboardFiles(home()).map(({ name }) => `dashboard-${name}`),
      );
      const chart = stack.one(/helm\.sh\/v4:Chart$/, /^kube-prometheus-stack$/);
      const { dashboards: sidecar } = (chart.inputs.values as any).grafana.sidecar;
      for (const { metadata, data } of maps) {
        expect(metadata.namespace).to.equal(sidecar.searchNamespace);
        expect(metadata.labels).to.deep.equal({ [sidecar.label]: sidecar.labelValue });
        expect(metadata.annotations[sidecar.folderAnnotation]).to.equal("Homelab");
        expect(Buffer.byteLength(JSON.stringify(data))).to.be.below(1024 * 1024);
        expect(Object.values(data)).to.have.length(1);
      }
      expect(sidecar.provider).to.deep.equal({ foldersFromFilesStructure: true });
    });

    it("read no Secret of any other namespace", async () => {
      const stack = await recordedHome();
      const chart = stack.one(/helm\.sh\/v4:Chart$/, /^kube-prometheus-stack$/);
      const { rbac, sidecar } = (chart.inputs.values as any).grafana;
      expect(rbac).to.deep.equal({ namespaced: true });
      for (const part of [sidecar.dashboards, sidecar.datasources]) {
        expect(part).to.include({ searchNamespace: "monitoring", resource: "configmap" });
      }
    });

    it("greet people with the state of the house", () => {
      const file = `/tmp/dashboards/Homelab/${dashboardFile(HOME_DASHBOARD)}`;
      expect(grafanaIni(home()).dashboards).to.deep.equal({ default_home_dashboard_path: file });
      expect(dashboards(home())[0].uid).to.equal(HOME_DASHBOARD);
    });

    it("take every namespace for an app's that the platform did not make", async () => {
      const stack = await recordedHome();
      const made = stack
        .ofType(/^kubernetes:core\/v1:Namespace$/)
        .filter((space) => !stack.lineage(space).some(({ type }) => type.startsWith("homelab:apps:")))
        .map(({ inputs }) => (inputs.metadata as { name: string }).name);
      expect(made).not.to.be.empty;
      expect(platformNamespaces).to.include.members(made);
      const [, pattern] = /^\/(.+)\/$/.exec(
        dashboards(home())
          .at(-1)
          ?.templating.list.find(({ name }) => name === "namespace")?.regex ?? "",
      ) ?? ["", ""];
      const chosen = ["media", "monitoring", "ai", "kube-system", "monitoring-of-my-own"].filter((space) =>
        new RegExp(pattern).test(space),
      );
      expect(chosen).to.deep.equal(["media", "ai", "monitoring-of-my-own"]);
    });
  });

  describe("to promtool", () => {
    before(function () {
      const problem = toolProblem("promtool");
      if (problem) {
        skipBecause(this, problem);
      }
    });

    /** Asks all queries at once, each as a rule of its own, and then what the rules recorded. */
    function ask(queries: readonly Asked[], series: readonly Series[], expected: (query: Asked) => unknown[]): void {
      const record = (index: number) => `board:query_${index}`;
      const rules = queries.map(({ expr }, index) => ({ record: record(index), expr }));
      const tests = {
        rule_files: ["rules.json"],
        evaluation_interval: "1m",
        tests: [
          {
            interval: "1m",
            input_series: series,
            promql_expr_test: queries.map((query, index) => ({
              expr: `sgn(count(${record(index)}))`,
              eval_time: "2h",
              exp_samples: expected(query),
            })),
          },
        ],
      };
      const run = runTool("promtool", ["test", "rules", "tests.json"], {
        "rules.json": JSON.stringify({ groups: [{ name: "boards", rules }] }),
        "tests.json": JSON.stringify(tests),
      });
      const named = run.output.replace(
        /board:query_(\d+)/g,
        (text, index) => `${text} (${queries[Number(index)].name})`,
      );
      expect(run.ok, named).to.be.true;
    }

    for (const [name, variant] of Object.entries(variants)) {
      it(`every query of every panel is understood: ${name}`, () => {
        const rules = everyQuery(variant()).map(({ expr }, index) => ({ record: `board:query_${index}`, expr }));
        expect(rules.length).to.be.above(40);
        const run = runTool("promtool", ["check", "rules", "rules.json"], {
          "rules.json": JSON.stringify({ groups: [{ name: "boards", rules }] }),
        });
        expect(run.ok, run.output).to.be.true;
      });
    }

    it("every query finds something in the home stack's series: names, labels and joins are right", () => {
      ask(everyQuery(home()), allSeries, () => [{ labels: "{}", value: 1 }]);
    });

    it("no answer is a good one while nobody watches: without any series everything says no data", () => {
      ask(everyQuery(home()), [{ series: "somebody_else", values: "1x150" }], () => []);
    });

    /** The value of a panel's only query at two hours. */
    function value(title: string, series: readonly Series[], expected: number | undefined): void {
      const query = everyQuery(home()).find(({ name }) => name.includes(` / ${title} / `));
      expect(query, title).not.to.equal(undefined);
      const tests = {
        rule_files: [],
        evaluation_interval: "1m",
        tests: [
          {
            interval: "1m",
            input_series: series,
            promql_expr_test: [
              {
                expr: `sum(${query?.expr})`,
                eval_time: "2h",
                exp_samples: expected === undefined ? [] : [{ labels: "{}", value: expected }],
              },
            ],
          },
        ],
      };
      const run = runTool("promtool", ["test", "rules", "tests.json"], { "tests.json": JSON.stringify(tests) });
      expect(run.ok, `${title}: ${run.output}`).to.be.true;
    }

    it("numbers are those of the house: alerts, volumes, slices, ages", () => {
      value("Critical alerts", allSeries, 1);
      value("Nodes ready, of 4", allSeries, 4);
      value("Volumes with lost copies", allSeries, 2);
      value("Volumes without a usable copy", allSeries, 1);
      value("Managers that report, of 3", allSeries, 3);
      value("standard: used", allSeries, 0.55);
      value("sas-ssd: used", allSeries, 0.4);
      value("k3s3: slices free", allSeries, 2);
      value("Pods that wait for a slice", allSeries, 1);
      value("hourly: last good one", allSeries, 7200);
      // The worst is the hourly one: two hours old, of two that are allowed.
      value("Age of backups, of what is allowed", allSeries, 1);
      value("etcd: last snapshot in B2", allSeries, 4800);
      value("Apps that are not up", allSeries, 1);
      value("Sessions, of 4", allSeries, 4);
      value("Has 192.168.10.224", allSeries, 1);
    });

    it("a count is zero only while somebody counts", () => {
      const watched = [{ series: 'ALERTS{alertname="Watchdog", alertstate="firing"}', values: "1x150" }];
      value("Critical alerts", watched, 0);
      value("Critical alerts", [], undefined);
      expect(countOrZero("a", "b")).to.equal("(count(a) or vector(0)) and on () (count(b) > 0)");
    });

    it("a dead Velero, a house without series of a schedule, and old backups all show", () => {
      const old = allSeries.map((series) =>
        series.series.startsWith("velero_backup_last_successful_timestamp")
          ? { ...series, values: "-7200x150" }
          : series,
      );
      value("hourly: last good one", old, 14_400);
      value("Age of backups, of what is allowed", old, 2);
      const none = allSeries.filter(({ series }) => !series.startsWith("velero_"));
      value("hourly: last good one", none, undefined);
      value("Age of backups, of what is allowed", none, undefined);
    });
  });
});
