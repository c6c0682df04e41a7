import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { nthAddress } from "../../../config/cidr";
import type { Homelab } from "../../../config/homelab";
import { alertGroups, prometheusRules, type PrometheusAlert } from "../../../components/monitoring/alerts/rules";
import { OWN_ALERTS } from "../../../components/monitoring/alerts/apps";
import { backupAgeLimitHours } from "../../../components/monitoring/alerts/backups";
import { bundleOf, crdErrors } from "../../support/crds";
import { home, root } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { withOwnAlert } from "./alerts/cases/apps";
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
const allRules = (homelab: Homelab) =>
  prometheusRules(homelab)
    .flatMap(({ spec }) => spec.groups[0].rules)
    .filter((rule): rule is PrometheusAlert => "alert" in rule);
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

  it("of an app itself are an object of their own: the operator leaves out a whole object over one bad expression", () => {
    const holding = prometheusRules(withOwnAlert()).filter(({ spec }) =>
      JSON.stringify(spec).includes("AppQueueStuck"),
    );
    expect(holding.map(({ metadata }) => metadata.name)).to.deep.equal(["homelab-app-sonarr"]);
    expect(holding[0].spec.groups[0].rules).to.have.length(1);
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
    // Of alerts that a stack may declare; withOwnAlert below shows that they lead there.
    explained.get(path.join(root, "runbooks", "apps.md"))?.add(OWN_ALERTS);
    for (const [file, alerts] of explained) {
      const headings = [...fs.readFileSync(file, "utf8").matchAll(/^## ([A-Z][A-Za-z]+)$/gm)].map(([, name]) => name);
      expect(headings, file).to.have.members([...alerts]);
    }
  });

  it("an app's own alert is explained as one, by a heading that exists", () => {
    const own = allRules(withOwnAlert()).find(({ alert }) => alert === "AppQueueStuck");
    expect(own?.annotations.runbook_url).to.match(/\/apps\.md#appownalert$/);
    expect(own?.annotations.description).to.contain("kubectl -n media logs -l app.kubernetes.io/name=sonarr");
    expect(own).to.deep.include({ for: "15m", labels: { severity: "critical", app: "sonarr" } });
    expect(names(home())).not.to.include("AppQueueStuck");
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

  it("the runbooks speak of this house: its machines and addresses, and no placeholder where one of them belongs", () => {
    const { hypervisors, nodes, network, clusterDns } = home();
    const machines = [...hypervisors, ...nodes];
    const addresses = [
      ...machines.map(({ address }) => address),
      ...[network.lan.router, network.gateway.ip, clusterDns, nthAddress(network.serviceCidr, 1)],
    ];
    const folder = path.join(root, "runbooks");
    for (const page of fs.readdirSync(folder)) {
      const text = fs.readFileSync(path.join(folder, page), "utf8");
      for (const [address] of text.matchAll(/\b(192\.168|10\.4[23])\.\d+\.\d+\b/g)) {
        expect(addresses, `${page}: ${address}`).to.include(address);
      }
      for (const [name] of text.matchAll(/\b(k3s\d|k3s-[a-z]+\d|r\d{3})\b/g)) {
        expect(
          machines.map((machine) => machine.name),
          `${page}: ${name}`,
        ).to.include(name);
      }
      const holes =
        /<[^>]*\b(node|host|address|machine|server|router|ip|interface|domain)\b[^>]*>|\b(NODE|HOST|ADDRESS)\b(?!:)/;
      expect(holes.exec(text)?.[0], page).to.equal(undefined);
      expect(text, page).to.match(/192\.168\.10\.\d+|k3s/);
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
    const some = ["GpuGone", "GpuHot", "QuickSyncGone", "BgpSessionDown"];
    expect(names(home())).to.include.members(some);
    expect(names(singleNode()).filter((name) => some.includes(name))).to.deep.equal([]);
    const withoutArp = home((config) => {
      config.network.l2Announcements = false;
      config.network.pool = "192.168.20.0/28";
      config.network.gateway.ip = "192.168.20.1";
    });
    expect(names(withoutArp)).not.to.include("AddressNotAnnounced");
    const renderOnly = home((config) => {
      delete config.machines.k3s3.gpu;
      for (const name of ["jellyfin", "ollama", "automatic1111"]) {
        config.apps[name].gpu = null;
      }
    });
    expect(names(renderOnly)).to.include("QuickSyncGone").and.not.to.include.members(["GpuGone"]);
    expect(names(renderOnly)).not.to.include("GpuMetricsMissing");
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
  });
});
