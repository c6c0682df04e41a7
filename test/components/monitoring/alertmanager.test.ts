import { expect } from "chai";
import { stringify } from "yaml";
import type { Homelab } from "../../../config/homelab";
import { alertmanagerConfig, alertmanagerValues } from "../../../components/monitoring/alertmanager";
import { channels, NTFY_MAX_ALERTS, receiverFiles } from "../../../components/monitoring/receivers";
import { alertGroups } from "../../../components/monitoring/alerts/rules";
import { runbookUrl } from "../../../components/monitoring/alerts/alert";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { everyReceiver } from "./homes";
import { amtoolVersion, runTool, toolProblem } from "./tools";

const FOLDER = "/etc/alertmanager/secrets/alertmanager-receivers";

const silent = () =>
  home((config) => {
    config.monitoring.receivers = {};
    config.secrets.alerts = {};
    delete config.monitoring.deadMansSwitch;
    delete config.secrets.deadMansSwitch;
  });

/** A house with one receiver, or with the dead man's switch alone. */
const only = (kind: string) => {
  const { monitoring, secrets } = everyReceiver();
  return home((config) => {
    config.monitoring.receivers = kind in monitoring.receivers ? { [kind]: monitoring.receivers[kind] } : {};
    config.secrets.alerts = kind in secrets.alerts ? { [kind]: secrets.alerts[kind] } : {};
    if (kind !== "dead-mans-switch") {
      delete config.monitoring.deadMansSwitch;
      delete config.secrets.deadMansSwitch;
    }
  });
};

/** The configuration as amtool of this machine can read it: up to 0.27 it knows two of the files only as URLs. */
function configFile(homelab: Homelab): string {
  const text = stringify(alertmanagerConfig(homelab));
  const [major, minor] = amtoolVersion();
  return major > 0 || minor >= 28
    ? text
    : text.replace(/\b(webhook_)?url_file: .*/g, (_line, prefix = "") => `${prefix}url: https://example.org/`);
}

describe("Alertmanager", () => {
  it("has no secret in its configuration: only the names of mounted files", () => {
    const homelab = everyReceiver();
    const text = JSON.stringify(alertmanagerValues(homelab));
    for (const secret of [...Object.values(homelab.secrets.alerts), homelab.secrets.deadMansSwitch ?? ""]) {
      expect(secret).to.match(/secret/);
      expect(text).not.to.contain(secret);
    }
    const { receivers } = alertmanagerConfig(homelab) as { receivers: Record<string, unknown>[] };
    expect(receivers.map((receiver) => JSON.stringify(receiver))).to.deep.equal([
      '{"name":"null"}',
      `{"name":"dead-mans-switch","webhook_configs":[{"url_file":"${FOLDER}/dead-mans-switch","send_resolved":false}]}`,
      `{"name":"phone-critical","webhook_configs":[{"url_file":"${FOLDER}/phone-critical","max_alerts":5,"send_resolved":true}]}`,
      `{"name":"phone-warning","webhook_configs":[{"url_file":"${FOLDER}/phone-warning","max_alerts":5,"send_resolved":true}]}`,
      `{"name":"chat","discord_configs":[{"webhook_url_file":"${FOLDER}/chat","send_resolved":true}]}`,
      `{"name":"work","slack_configs":[{"api_url_file":"${FOLDER}/work","send_resolved":true,"channel":"#alerts"}]}`,
      '{"name":"mail","email_configs":[{"to":"you@example.org","from":"homelab@example.org",' +
        `"smarthost":"smtp.example.org:587","auth_username":"homelab","auth_password_file":"${FOLDER}/mail","send_resolved":true}]}`,
    ]);
    expect((alertmanagerValues(homelab).alertmanagerSpec as { secrets: string[] }).secrets).to.deep.equal([
      "alertmanager-receivers",
    ]);
  });

  it("has a file for every channel that the configuration names, and no other", () => {
    const homelab = everyReceiver();
    const named = [...JSON.stringify(alertmanagerConfig(homelab)).matchAll(/alertmanager-receivers\/([a-z-]+)/g)];
    expect(Object.keys(receiverFiles(homelab)).sort()).to.deep.equal(named.map(([, file]) => file).sort());
    expect(receiverFiles(homelab)).to.include({ mail: "mail-secret" });
  });

  it("tells nobody where there are no receivers, and mounts nothing", () => {
    const config = alertmanagerConfig(silent()) as { route: { receiver: string; routes: unknown[] } };
    expect(config.route.receiver).to.equal("null");
    expect(config.route.routes).to.deep.equal([]);
    expect(alertmanagerValues(silent()).alertmanagerSpec).not.to.have.property("secrets");
    expect(receiverFiles(silent())).to.deep.equal({});
  });

  it("leaves no default of the chart behind in Helm's merge of maps", () => {
    // Keys of alertmanager.config in the chart's default values.
    expect(alertmanagerConfig(home())).to.include.keys("global", "inhibit_rules", "route", "receivers", "templates");
    const { route } = alertmanagerConfig(home()) as { route: object };
    expect(route).to.include.keys("group_by", "group_wait", "group_interval", "repeat_interval", "receiver", "routes");
  });

  it("says which receiver has no secret", () => {
    const broken = { ...home(), secrets: { ...home().secrets, alerts: {} } };
    expect(() => receiverFiles(broken)).to.throw("secrets.alerts.phone");
  });

  describe("ntfy", () => {
    const [critical, warning] = channels("phone", { kind: "ntfy", server: "https://ntfy.example.org/" });

    it("gets a URL with the topic, a priority for each severity, and templates that read Alertmanager's JSON", () => {
      const url = new URL(critical.file("my topic"));
      expect(url.origin + url.pathname).to.equal("https://ntfy.example.org/my%20topic");
      expect(Object.fromEntries(url.searchParams)).to.include({ template: "yes", priority: "urgent" });
      expect(url.searchParams.get("message")).to.contain("{{with .annotations.runbook_url}}");
      expect(new URL(warning.file("t")).searchParams.get("priority")).to.equal("default");
      // ntfy refuses templates that call others (server.go templateDisallowedRegex).
      expect(url.search).not.to.match(/%7B%7B-?\s*(call|template|define)\b/);
    });

    it("never gets more than its 4,096 bytes, whatever fires together", () => {
      const homelab = home();
      const longest = Math.max(
        ...alertGroups(homelab).flatMap(({ topic, alerts }) =>
          alerts.map(
            ({ name, summary, description }) =>
              // Four label values of up to 63 characters may be filled in.
              Buffer.byteLength([summary, description, runbookUrl(homelab, topic, name), ""].join("\n")) + 4 * 63,
          ),
        ),
      );
      expect(longest * NTFY_MAX_ALERTS).to.be.below(4096);
    });
  });

  describe("to amtool", function () {
    // A process for each question; slow on a busy machine.
    this.timeout(120_000);

    before(function () {
      const problem = toolProblem("amtool");
      if (problem) {
        skipBecause(this, problem);
      }
    });

    for (const [name, homelab] of Object.entries({ home, everyReceiver, silent })) {
      it(`is a valid configuration: ${name}`, () => {
        const run = runTool("amtool", ["check-config", "am.yml"], { "am.yml": configFile(homelab()) });
        expect(run.ok, run.output).to.be.true;
      });
    }

    for (const kind of ["phone", "chat", "work", "mail", "dead-mans-switch"]) {
      it(`is valid and leads there with nothing but ${kind}`, () => {
        const homelab = only(kind);
        const run = runTool("amtool", ["check-config", "am.yml"], { "am.yml": configFile(homelab) });
        expect(run.ok, run.output).to.be.true;
        expect(run.output).to.match(kind === "phone" ? /- 3 receivers/ : /- 2 receivers/);
        const expected = (severity: string) =>
          kind === "dead-mans-switch" ? "null" : kind === "phone" ? `phone-${severity}` : kind;
        for (const severity of ["critical", "warning"]) {
          expect(receiversOf(homelab, "alertname=NodeDown", `severity=${severity}`)).to.equal(expected(severity));
        }
        expect(receiversOf(homelab, "alertname=Watchdog", "severity=none")).to.equal(
          kind === "dead-mans-switch" ? kind : "null",
        );
      });
    }

    it("a configuration that is none is refused, so the checks above can fail", () => {
      const broken = configFile(everyReceiver()).replace(/receiver: mail/, "receiver: nobody");
      expect(runTool("amtool", ["check-config", "am.yml"], { "am.yml": broken }).ok).to.be.false;
    });

    const receiversOf = (homelab: Homelab, ...labels: string[]) =>
      runTool("amtool", ["config", "routes", "test", "--config.file=am.yml", ...labels], {
        "am.yml": configFile(homelab),
      }).output.split("\n")[0];

    it("sends both severities to every receiver, and nothing else to anybody", () => {
      const homelab = everyReceiver();
      expect(receiversOf(homelab, "alertname=NodeDown", "severity=critical")).to.equal("phone-critical,chat,work,mail");
      expect(receiversOf(homelab, "alertname=GpuGone", "severity=warning")).to.equal("phone-warning,chat,work,mail");
      // What always fires goes out of the house, and nowhere else.
      expect(receiversOf(homelab, "alertname=Watchdog", "severity=none")).to.equal("dead-mans-switch");
      expect(receiversOf(silent(), "alertname=Watchdog", "severity=none")).to.equal("null");
      expect(receiversOf(silent(), "alertname=NodeDown", "severity=critical")).to.equal("null");
      expect(receiversOf(homelab, "alertname=InfoInhibitor", "severity=info")).to.equal("null");
    });
  });
});
