import { expect } from "chai";
import { alloyConfig } from "../../../components/monitoring/alloy-config";
import { authentikEnvironment } from "../../../components/identity/authentik-values";
import { AUDIT_SELECTOR } from "../../../components/monitoring/audit";
import { lokiValues } from "../../../components/monitoring/loki-values";
import { alloyValues } from "../../../components/monitoring/alloy-values";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";

const URL = "http://loki.monitoring:3100";

describe("Alloy", () => {
  const values = alloyValues(URL) as Record<string, Record<string, unknown>>;
  const config = alloyConfig(URL);

  it("sets only values that the chart has", () => {
    expect(unknownValuePaths("alloy", home().versions.charts.alloy, values)).to.deep.equal([]);
  });

  it("holds nothing that Helm's tpl would take for a template", () => {
    expect(config).not.to.match(/\{\{|\}\}/);
  });

  it("has balanced blocks, and every component that something refers to", () => {
    const count = (character: string) => config.split(character).length - 1;
    expect(count("{")).to.equal(count("}"));
    expect(count("[")).to.equal(count("]"));
    const defined = new Set(
      [...config.matchAll(/^([a-z_.]+) "([a-z_]+)" \{/gm)].map(([, component, label]) => `${component}.${label}`),
    );
    const used = [...config.matchAll(/= \[?((?:[a-z_]+\.)+[a-z_]+)\.(?:receiver|targets|output|rules)\b/g)];
    expect(used.length).to.equal(7);
    for (const [, component] of used) {
      expect(defined, component).to.include(component);
    }
  });

  it("pushes to Loki, from files and not through the API server", () => {
    expect(config).to.contain(`url = "${URL}/loki/api/v1/push"`);
    expect(config).not.to.contain("loki.source.kubernetes");
    expect(values.alloy.mounts).to.deep.include({ varlog: true });
  });

  it("lines of Authentik's audit log become the stream that Loki keeps longer, and no others", () => {
    const match = /stage\.match \{\s+selector = (".*")\s+stage\.static_labels \{\s+values = \{ (\w+) = "(\w+)" \}/.exec(
      config,
    );
    const selector = /^\{namespace="([^"]+)"\} \|= "([^"]+)"$/.exec(JSON.parse(match?.[1] ?? '""') as string);
    expect(selector?.slice(1)).to.deep.equal(["authentik", "Created Event"]);
    expect(`{${match?.[2]}="${match?.[3]}"}`).to.equal(AUDIT_SELECTOR);
    // Stages run in order: the line is the pod's own only after the runtime's prefix is off.
    expect(config.indexOf("stage.cri")).to.be.lessThan(config.indexOf("stage.match"));
    const { limits_config } = (lokiValues(home()) as { loki: { limits_config: { retention_stream: object[] } } }).loki;
    expect(limits_config.retention_stream).to.deep.equal([{ selector: AUDIT_SELECTOR, priority: 1, period: "8760h" }]);
    expect(authentikEnvironment(home()).AUTHENTIK_LOG_LEVEL).to.equal("info");
  });

  it("reads each node's own pods only", () => {
    expect(config).to.contain('field = "spec.nodeName=" + sys.env("HOSTNAME")');
  });

  it("remembers on the node how far it has read", () => {
    const mounts = values.alloy.mounts as { extra: { name: string; mountPath: string }[] };
    const volumes = values.controller.volumes as { extra: { name: string; hostPath: { path: string } }[] };
    expect(mounts.extra[0].mountPath).to.equal(values.alloy.storagePath);
    expect(volumes.extra[0]).to.deep.equal({
      name: mounts.extra[0].name,
      hostPath: { path: "/var/lib/homelab/alloy", type: "DirectoryOrCreate" },
    });
  });

  it("runs on every node, and may read pods and nodes and no Secret", () => {
    expect(values.controller.type).to.equal("daemonset");
    expect(values.controller.tolerations).to.deep.equal([{ operator: "Exists" }]);
    expect(JSON.stringify(values.rbac)).not.to.match(/secrets|configmaps|\*/);
    // The chart writes the lists below each other, so an empty one would break its YAML.
    expect((values.rbac.rules as unknown[]).length).to.be.above(0);
    expect((values.rbac.clusterRules as unknown[]).length).to.be.above(0);
  });

  it("brings no CRDs", () => {
    expect(values.crds).to.deep.equal({ create: false });
  });
});
