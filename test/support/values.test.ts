import { expect } from "chai";
import { chartSources, defaultPins, type ChartName } from "../../config/pins";
import { schemaErrors, unknownValuePaths } from "./values";

const paths = (chart: string, version: string, values: unknown) =>
  unknownValuePaths(chart, version, values).map(({ path }) => path);

describe("test support: values contract", () => {
  it("knows every chart at its default pin, by either name", () => {
    for (const [name, version] of Object.entries(defaultPins.charts)) {
      expect(unknownValuePaths(name, version, {}), name).to.deep.equal([]);
      expect(unknownValuePaths(chartSources[name as ChartName].chart, version, {}), name).to.deep.equal([]);
    }
    expect(() => unknownValuePaths("cilium", "1.0.0", {})).to.throw("derive");
  });

  it("trap 66: names the nearest real key of one that the chart would silently ignore", () => {
    const found = unknownValuePaths("cilium", "1.17.18", {
      gatewayAPI: { enableALPN: true },
      operator: { replica: 1 },
    });
    expect(found.map(({ path, nearest }) => [path, nearest[0]])).to.deep.equal([
      ["gatewayAPI.enableALPN", "gatewayAPI.enableAlpn"],
      ["operator.replica", "operator.replicas"],
    ]);
  });

  it("trap 66: finds the keys that the homelab's own repository set in vain", () => {
    expect(paths("velero", "11.4.0", { features: "EnableCSI", serviceMonitor: {} })).to.have.members([
      "features",
      "serviceMonitor",
    ]);
    const longhorn = { resources: { limits: {} }, defaultSettings: { createDefaultStorageClass: true } };
    expect(paths("longhorn", "1.6.2", longhorn)).to.have.members([
      "resources",
      "defaultSettings.createDefaultStorageClass",
    ]);
    expect(paths("dcgmExporter", "4.8.2", { extraVolumes: [] })).to.deep.equal(["extraVolumes"]);
  });

  it("stops at maps that are handed on unread, and checks subcharts by their own values", () => {
    expect(paths("cilium", "1.17.18", { extraConfig: { any: "thing" }, podAnnotations: { "a/b": "c" } })).to.deep.equal(
      [],
    );
    const grafana = { persistence: { lookupVolumeName: false }, "grafana.ini": { server: { root_url: "x" } } };
    expect(paths("kubePrometheusStack", "77.14.0", { grafana })).to.deep.equal([]);
    expect(paths("kubePrometheusStack", "77.14.0", { grafana: { persistance: {} } })).to.deep.equal([
      "grafana.persistance",
    ]);
  });

  it("tells a map from a plain value", () => {
    expect(paths("cilium", "1.17.18", { operator: "two" })).to.deep.equal(["operator"]);
    expect(paths("cilium", "1.17.18", { routingMode: { mode: "tunnel" } })).to.deep.equal(["routingMode"]);
  });

  it("looks into the elements of lists whose keys the chart takes apart", () => {
    const location = (entry: Record<string, unknown>) =>
      paths("velero", "11.4.0", { configuration: { backupStorageLocation: [entry] } });
    expect(
      location({ name: "b2", provider: "aws", bucket: "x", config: { s3Url: "y", checksumAlgorithm: "" } }),
    ).to.deep.equal([]);
    expect(location({ bucketName: "x" })).to.deep.equal(["configuration.backupStorageLocation.0.bucketName"]);
  });

  it("uses the chart's own schema where it refuses unknown keys", () => {
    expect(schemaErrors("certManager", "v1.18.6", { crds: { enabled: true } })).to.deep.equal([]);
    expect(schemaErrors("certManager", "v1.18.6", { crd: {} }).join()).to.contain("crd");
    expect(schemaErrors("longhorn", "1.6.2", { crd: {} })).to.deep.equal([]);
  });
});
