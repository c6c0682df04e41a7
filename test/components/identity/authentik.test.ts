import { expect } from "chai";
import { parse } from "yaml";
import { Authentik } from "../../../components/identity/authentik";
import { authentikEnvironment, authentikNames, authentikValues } from "../../../components/identity/authentik-values";
import { GeneratedSecrets } from "../../../components/secrets";
import { isSecret, record, type RecordedResource } from "../../../plan/record";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";
import { controlPlane, dependsOn, plainText } from "./support";

describe("Authentik", () => {
  const homelab = home();
  const values = authentikValues({ config: "c", blueprint: "b" });
  let resources: RecordedResource[];
  const one = (type: string, name: RegExp): RecordedResource => {
    const found = resources.filter((resource) => resource.type === type && name.test(resource.name));
    expect(found, `${type} ${name}`).to.have.length(1);
    return found[0];
  };

  before(async () => {
    ({ resources } = await record(
      () => {
        const secrets = new GeneratedSecrets("secrets", homelab);
        new Authentik("authentik", { homelab, controlPlane, secrets });
      },
      { preview: false },
    ));
  });

  it("sets only values that the chart has", () => {
    expect(unknownValuePaths("authentik", homelab.versions.charts.authentik, values)).to.deep.equal([]);
  });

  it("has nothing secret in values: the chart's own Secret is replaced by ours", () => {
    const chart = one("kubernetes:helm.sh/v4:Chart", /^authentik$/);
    expect(JSON.stringify(chart.inputs)).not.to.contain('"secret":');
    expect(values.authentik).to.deep.equal({ existingSecret: { secretName: "authentik-config" } });
    expect((values.postgresql as { auth: unknown }).auth).to.deep.equal({
      existingSecret: "authentik-database",
      enablePostgresUser: false,
    });
  });

  it("keeps every secret a secret", () => {
    for (const name of [
      /^authentik-config$/,
      /^authentik-bootstrap$/,
      /^authentik-database$/,
      /^authentik-blueprint$/,
    ]) {
      const { stringData } = one("kubernetes:core/v1:Secret", name).inputs as { stringData: unknown };
      const data = isSecret(stringData) ? (stringData.secret as Record<string, unknown>) : stringData;
      const loose = Object.entries(data as Record<string, unknown>).filter(
        ([key, value]) =>
          /SECRET_KEY|PASSWORD|TOKEN|password|yaml/.test(key) && !isSecret(value) && !isSecret(stringData),
      );
      expect(loose.map(([key]) => key)).to.deep.equal([]);
    }
  });

  it("trap 52: the first password reaches the worker alone", () => {
    expect((values.worker as { envFrom: unknown }).envFrom).to.deep.equal([
      { secretRef: { name: authentikNames.bootstrap } },
    ]);
    expect(JSON.stringify(values.server)).not.to.contain(authentikNames.bootstrap);
    expect(Object.keys(authentikEnvironment(homelab)).join()).not.to.contain("BOOTSTRAP");
  });

  it("trap 48: believes the gateway about scheme and host, and nobody else", () => {
    expect(authentikEnvironment(homelab).AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS.split(",")).to.deep.equal([
      homelab.network.podCidr,
      ...homelab.nodes.map(({ address }) => `${address}/32`),
    ]);
  });

  it("mounts the blueprint from a Secret, under a key that is read", () => {
    expect(values.blueprints).to.deep.equal({ secrets: ["authentik-blueprint"] });
    const { stringData } = plainText(one("kubernetes:core/v1:Secret", /-blueprint$/).inputs) as {
      stringData: Record<string, string>;
    };
    const [[key, yaml]] = Object.entries(stringData);
    expect(key).to.match(/\.yaml$/);
    expect((parse(yaml, { logLevel: "error" }) as { version: number }).version).to.equal(1);
  });

  it("trap 55: changed secrets and blueprints restart the pods that read them", () => {
    const chart = one("kubernetes:helm.sh/v4:Chart", /^authentik$/).inputs as {
      values: { global: { podAnnotations: object }; worker: { podAnnotations: object } };
    };
    for (const { podAnnotations } of [chart.values.global, chart.values.worker]) {
      expect(Object.values(podAnnotations)).to.have.length(1);
      expect(Object.values(podAnnotations)[0]).to.match(/^[0-9a-f]{16}$/);
    }
  });

  it("keeps the database's volume whatever happens to chart and namespace", () => {
    const claim = one("kubernetes:core/v1:PersistentVolumeClaim", /database/);
    expect(claim.retainOnDelete).to.equal(true);
    expect(one("kubernetes:core/v1:Namespace", /^authentik$/).retainOnDelete).to.equal(true);
    expect(claim.inputs).to.deep.include({
      spec: {
        accessModes: ["ReadWriteOnce"],
        storageClassName: "longhorn",
        resources: { requests: { storage: homelab.identity.databaseSize } },
      },
    });
    const { primary } = values.postgresql as { primary: { persistence: unknown } };
    expect(primary.persistence).to.deep.equal({ existingClaim: authentikNames.databaseClaim });
  });

  it("dumps the database onto its volume before a backup copies the files", () => {
    const { primary } = values.postgresql as { primary: { podAnnotations: Record<string, string> } };
    const command = JSON.parse(primary.podAnnotations["pre.hook.backup.velero.io/command"]) as string[];
    expect(command.slice(0, 2)).to.deep.equal(["/bin/sh", "-c"]);
    expect(command[2]).to.match(/pg_dump .* -f \/bitnami\/postgresql\/.*&& mv /);
    expect(primary.podAnnotations["pre.hook.backup.velero.io/on-error"]).to.equal("Fail");
  });

  it("trap 53: is ready only when the gate has seen every client's discovery through the gateway", () => {
    const gate = one("command:remote:Command", /discovery/);
    expect(dependsOn(resources, gate, one("kubernetes:helm.sh/v4:Chart", /^authentik$/))).to.equal(true);
    expect(
      dependsOn(resources, gate, one("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", /^authentik-route$/)),
    ).to.equal(true);
    const text = JSON.stringify(plainText(gate.inputs.stdin));
    for (const client of ["prometheus", "alertmanager", "longhorn", "grafana"]) {
      expect(text).to.contain(`/application/o/${client}/.well-known/openid-configuration`);
    }
    expect(text).to.contain("GATEWAY_IP='192.168.10.224'").and.to.contain("TRUST_ANY_CERTIFICATE='true'");
  });

  it("routes its host to the server", () => {
    const route = one("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", /^authentik-route$/);
    expect(JSON.stringify(route.inputs.spec)).to.contain('"backendRefs":[{"name":"authentik-server","port":80}]');
  });
});
