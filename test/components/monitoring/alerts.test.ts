import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import type { Homelab } from "../../../config/homelab";
import { alertGroups, prometheusRules } from "../../../components/monitoring/alerts/rules";
import { backupAgeLimitHours } from "../../../components/monitoring/alerts/backups";
import { bundleOf, crdErrors } from "../../support/crds";
import { home, root } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { singleNode } from "./homes";
import { runTool, toolProblem } from "./tools";

const restoring = () =>
  home((config) => {
    config.backup.mode = "restore";
  });
const twoGpus = () =>
  home((config) => {
    config.machines.k3s2.gpu = { model: "Tesla P4", slices: 2, driverBranch: 570 };
  });
const variants: Record<string, () => Homelab> = { home, singleNode, restoring, twoGpus };

const rulesFile = (homelab: Homelab) =>
  JSON.stringify({ groups: prometheusRules(homelab).flatMap(({ spec }) => spec.groups) });
const allRules = (homelab: Homelab) => prometheusRules(homelab).flatMap(({ spec }) => spec.groups[0].rules);
const names = (homelab: Homelab) => allRules(homelab).map(({ alert }) => alert);

/** Anchors that GitHub makes of a page's headings. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("Alerts", () => {
  it("are valid objects of the operator's CRD", () => {
    for (const variant of Object.values(variants)) {
      const homelab = variant();
      for (const rule of prometheusRules(homelab)) {
        const object = { ...rule, metadata: { ...rule.metadata, namespace: "monitoring" } };
        expect(crdErrors(bundleOf(homelab, "monitoring.coreos.com") ?? "", object)).to.deep.equal([]);
      }
    }
  });

  it("each have a severity, a summary that fits a phone and a first thing to do", () => {
    for (const { alert, labels, annotations } of allRules(home())) {
      expect(["warning", "critical"], alert).to.include(labels.severity);
      expect(annotations.summary.length, alert).to.be.within(10, 110);
      expect(annotations.description.length, alert).to.be.within(40, 400);
    }
  });

  it("link to a page and an anchor that exist, and no page explains an alert that is gone", () => {
    const explained = new Map<string, Set<string>>();
    for (const variant of Object.values(variants)) {
      for (const { alert, annotations } of allRules(variant())) {
        const [url, anchor] = annotations.runbook_url.split("#");
        expect(url).to.match(/^https:\/\/github\.com\/.+\/runbooks\/[a-z]+\.md$/);
        const file = path.join(root, "runbooks", path.basename(url));
        expect(fs.existsSync(file), file).to.be.true;
        expect(anchors(fs.readFileSync(file, "utf8")), `${alert} in ${path.basename(file)}`).to.include(anchor);
        explained.set(file, (explained.get(file) ?? new Set()).add(alert));
      }
    }
    for (const [file, alerts] of explained) {
      const headings = [...fs.readFileSync(file, "utf8").matchAll(/^## ([A-Z][A-Za-z]+)$/gm)].map(([, name]) => name);
      expect(headings, file).to.have.members([...alerts]);
    }
  });

  it("links between the pages lead somewhere", () => {
    const folder = path.join(root, "runbooks");
    for (const page of fs.readdirSync(folder).filter((file) => file.endsWith(".md"))) {
      const text = fs.readFileSync(path.join(folder, page), "utf8");
      for (const [, target, anchor] of text.matchAll(/\]\(([a-z-]+\.md)?(?:#([\w-]+))?\)/g)) {
        const other = fs.readFileSync(path.join(folder, target ?? page), "utf8");
        if (anchor) {
          expect(anchors(other), `${page} -> ${target ?? ""}#${anchor}`).to.include(anchor);
        }
      }
    }
  });

  it("the k3s1 incident: every page starts below Kubernetes, at layers 3 and 4", () => {
    for (const { topic } of alertGroups(home())) {
      const page = fs.readFileSync(path.join(root, "runbooks", `${topic}.md`), "utf8");
      const [, first] = /^## (.+)$/m.exec(page) ?? [];
      expect(first, topic).to.equal("First: layers 3 and 4");
      expect(page, topic).to.match(/\bping\b[\s\S]*\bnc -z/);
    }
  });

  it("trap 64: follow the last good backup of every schedule, by its own period", () => {
    const ages = allRules(home()).filter(({ alert }) => alert === "VeleroBackupTooOld");
    expect(ages.map(({ expr }) => expr)).to.deep.equal([
      'time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule="hourly"}) > 7200',
      'time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule="daily"}) > 172800',
      'time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule="weekly"}) > 1209600',
    ]);
    expect(backupAgeLimitHours("0 */6 * * *")).to.equal(12);
  });

  it("say in mode restore that backups stand still, instead of calling them too old", () => {
    expect(names(restoring())).to.include("BackupsPaused").and.not.include("VeleroBackupTooOld");
    expect(names(home())).to.include("VeleroBackupTooOld").and.not.include("BackupsPaused");
  });

  it("ask for what the house has: no GPU and no BGP, no alerts about them", () => {
    expect(names(singleNode())).not.to.include.members(["GpuGone", "BgpSessionDown"]);
    expect(names(home())).to.include.members(["GpuGone", "GpuHot", "BgpSessionDown"]);
  });

  it("trap 67: name the claim by the volume's labels, not by those of the scrape", () => {
    const volume = allRules(home()).filter(({ alert }) => alert.startsWith("LonghornVolume"));
    for (const { annotations } of volume) {
      expect(annotations.summary).to.contain("{{ $labels.pvc_namespace }}/{{ $labels.pvc }}");
      expect(annotations.summary).not.to.contain("$labels.namespace");
    }
  });

  it("the June 2025 incident: look for the driver's socket below the one kubelet root", () => {
    const moved = home((config) => {
      config.cluster.kubeletRoot = "/var/lib/kubelet";
    });
    const expression = (homelab: Homelab) =>
      allRules(homelab).find(({ alert }) => alert === "CsiDriverNotRegistered")?.expr;
    expect(expression(home())).to.contain(
      'socket_path="/var/lib/rancher/k3s/agent/kubelet/plugins_registry/driver.longhorn.io-reg.sock"',
    );
    expect(expression(moved)).to.contain('socket_path="/var/lib/kubelet/plugins_registry/driver.longhorn.io-reg.sock"');
  });

  describe("to promtool", () => {
    before(function () {
      const problem = toolProblem("promtool");
      if (problem) {
        skipBecause(this, problem);
      }
    });

    for (const [name, variant] of Object.entries(variants)) {
      it(`are valid rules: ${name}`, () => {
        const run = runTool("promtool", ["check", "rules", "rules.json"], { "rules.json": rulesFile(variant()) });
        expect(run.ok, run.output).to.be.true;
      });
    }

    interface Series {
      series: string;
      values: string;
    }

    /** Names of the alerts with some label that fire at a time, given one sample a minute. */
    function fires(series: Series[], at: string, alert: string, labels: Record<string, string>[]): void {
      const rules = allRules(home()).filter((candidate) => candidate.alert === alert);
      const tests = {
        rule_files: ["rules.json"],
        evaluation_interval: "1m",
        tests: [
          {
            interval: "1m",
            input_series: series,
            promql_expr_test: [
              {
                // ALERTS carries labels only, so the texts need not be repeated here.
                expr: `count by (${["alertname", ...new Set(labels.flatMap(Object.keys))].join(", ")}) (ALERTS{alertname="${alert}", alertstate="firing"})`,
                eval_time: at,
                exp_samples: labels.map((given) => ({
                  labels: `{${Object.entries({ alertname: alert, ...given })
                    .map(([key, value]) => `${key}="${value}"`)
                    .join(", ")}}`,
                  value: 1,
                })),
              },
            ],
          },
        ],
      };
      expect(rules, alert).not.to.be.empty;
      const run = runTool("promtool", ["test", "rules", "tests.json"], {
        "tests.json": JSON.stringify(tests),
        "rules.json": JSON.stringify({ groups: [{ name: alert, rules }] }),
      });
      expect(run.ok, run.output).to.be.true;
    }

    const volume = (robustness: string): Series[] => [
      {
        series:
          'longhorn_volume_robustness{node="k3s1", volume="pvc-1", pvc="config", pvc_namespace="media", namespace="longhorn-system"}',
        values: robustness,
      },
    ];

    it("a faulted volume fires with its claim; a healthy, degraded or detached one does not", () => {
      fires(volume("3x10"), "5m", "LonghornVolumeFaulted", [{ pvc_namespace: "media", pvc: "config" }]);
      for (const robustness of ["0x10", "1x10", "2x10"]) {
        fires(volume(robustness), "5m", "LonghornVolumeFaulted", []);
      }
    });

    it("a degraded volume fires after half an hour, not during a short rebuild", () => {
      fires(volume("2x60"), "40m", "LonghornVolumeDegraded", [{ pvc: "config" }]);
      fires(volume("2x10 1x50"), "40m", "LonghornVolumeDegraded", []);
    });

    it("trap 67: a dead manager is seen by its silence", () => {
      const nodes = ["k3s1", "k3s2", "k3s3"];
      const info = nodes.map((node) => ({ series: `kube_node_info{node="${node}"}`, values: "1x30" }));
      const status = (node: string, values: string) => ({
        series: `longhorn_node_status{node="${node}", condition="ready", condition_reason=""}`,
        values,
      });
      const all = nodes.map((node) => status(node, "1x30"));
      fires([...info, ...all], "20m", "LonghornManagerGone", []);
      fires([...info, all[0], all[2], status("k3s2", "1x2 _x28")], "25m", "LonghornManagerGone", [{ node: "k3s2" }]);
      fires(info, "20m", "LonghornMetricsMissing", [{}]);
      fires([...info, ...all], "20m", "LonghornMetricsMissing", []);
    });

    it("trap 67: a node's and a disk's status of 0 fire, whatever the reason", () => {
      const disk = (values: string) => [
        {
          series:
            'longhorn_disk_status{node="k3s3", disk="nvme-1", condition="ready", condition_reason="DiskPressure"}',
          values,
        },
      ];
      fires(disk("0x20"), "15m", "LonghornDiskNotReady", [{ node: "k3s3", disk: "nvme-1" }]);
      fires(disk("1x20"), "15m", "LonghornDiskNotReady", []);
    });

    it("the June 2025 incident: a kubelet without the driver fires, although its plugin's pod is ready", () => {
      const socket = "/plugins_registry/driver.longhorn.io-reg.sock";
      const up = { series: 'up{job="kubelet", metrics_path="/metrics", node="k3s1"}', values: "1x20" };
      const registered = (kubeletRoot: string) => ({
        series: `plugin_manager_total_plugins{node="k3s1", state="actual_state_of_world", socket_path="${kubeletRoot}${socket}"}`,
        values: "1x20",
      });
      fires([up, registered(home().cluster.kubeletRoot)], "15m", "CsiDriverNotRegistered", []);
      fires([up, registered("/var/lib/kubelet")], "15m", "CsiDriverNotRegistered", [{ node: "k3s1" }]);
      fires([up], "15m", "CsiDriverNotRegistered", [{ node: "k3s1" }]);
      // A node that is down is another alert.
      fires([{ ...up, values: "0x20" }], "15m", "CsiDriverNotRegistered", []);
    });

    it("a plugin's pod that is not ready names its node", () => {
      const pod = 'namespace="longhorn-system", pod="longhorn-csi-plugin-x1"';
      const series = (ready: string) => [
        { series: `kube_pod_status_ready{${pod}, condition="true"}`, values: ready },
        { series: `kube_pod_info{${pod}, node="k3s1"}`, values: "1x20" },
      ];
      fires(series("0x20"), "15m", "CsiPluginNotReady", [{ node: "k3s1" }]);
      fires(series("1x20"), "15m", "CsiPluginNotReady", []);
    });

    it("the k3s1 incident: a node whose own metrics are gone while its kubelet answers", () => {
      const series = (exporter: string, kubelet: string) => [
        { series: 'up{job="node-exporter", node="k3s1"}', values: exporter },
        { series: 'up{job="kubelet", metrics_path="/metrics", node="k3s1"}', values: kubelet },
      ];
      fires(series("0x20", "1x20"), "15m", "NodeExporterDown", [{ node: "k3s1" }]);
      fires(series("0x20", "0x20"), "15m", "NodeExporterDown", []);
      fires(series("1x20", "1x20"), "15m", "NodeExporterDown", []);
    });

    it("an hourly backup is too old after two hours, whether it failed or never ran again", () => {
      const last = (values: string) => [
        { series: 'velero_backup_last_successful_timestamp{schedule="hourly"}', values },
      ];
      // Succeeded at the start of the test, and never since.
      fires(last("0x150"), "125m", "VeleroBackupTooOld", []);
      fires(last("0x150"), "140m", "VeleroBackupTooOld", [{ schedule: "hourly" }]);
      // Every hour anew.
      fires(last("0x59 3600x59 7200x59"), "170m", "VeleroBackupTooOld", []);
    });

    it("a schedule without any good backup fires after its limit", () => {
      const others = ["daily", "weekly"].map((schedule) => ({
        series: `velero_backup_last_successful_timestamp{schedule="${schedule}"}`,
        values: "0x200",
      }));
      fires(others, "60m", "VeleroBackupMissing", []);
      fires(others, "130m", "VeleroBackupMissing", [{ schedule: "hourly" }]);
    });

    it("a failed backup and an unreachable bucket fire; success does not", () => {
      const counter = (values: string) => [{ series: 'velero_backup_failure_total{schedule="daily"}', values }];
      fires(counter("0x30 1x30"), "50m", "VeleroBackupFailed", [{ schedule: "daily" }]);
      fires(counter("0x60"), "50m", "VeleroBackupFailed", []);
      const bucket = (values: string) => [
        { series: 'velero_backup_location_status_gauge{backup_location_name="default"}', values },
      ];
      fires(bucket("0x30"), "20m", "BackupLocationUnavailable", [{}]);
      fires(bucket("1x30"), "20m", "BackupLocationUnavailable", []);
    });

    it("etcd's snapshots: silence fires, two a day do not, and a young process is left alone", () => {
      const started = { series: 'process_start_time_seconds{job="apiserver"}', values: "0x2000" };
      const saved = (values: string) => ({
        series: 'k3s_etcd_snapshot_save_s3_duration_seconds_count{job="apiserver", status="success"}',
        values,
      });
      fires([started], "700m", "EtcdSnapshotTooOld", []);
      fires([started], "850m", "EtcdSnapshotTooOld", [{}]);
      fires([started, saved("1x359 2x359 3x359 4x359")], "1400m", "EtcdSnapshotTooOld", []);
      fires([started, saved("1x2000")], "1400m", "EtcdSnapshotTooOld", [{}]);
    });

    it("a certificate warns before it ends, and a GPU that is gone does", () => {
      const until = (days: number) => [
        {
          series:
            'certmanager_certificate_expiration_timestamp_seconds{name="grafana", exported_namespace="networking"}',
          values: `${days * 86_400}x120`,
        },
      ];
      fires(until(10), "100m", "CertificateExpiring", [{ name: "grafana", severity: "warning" }]);
      fires(until(40), "100m", "CertificateExpiring", []);
      const gpu = (values: string) => [
        { series: 'kube_node_status_allocatable{resource="nvidia_com_gpu", node="k3s3"}', values },
      ];
      fires(gpu("4x30"), "20m", "GpuGone", []);
      fires(gpu("0x30"), "20m", "GpuGone", [{ node: "k3s3" }]);
      fires([], "20m", "GpuGone", [{ node: "k3s3" }]);
    });
  });
});
