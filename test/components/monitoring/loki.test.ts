import { expect } from "chai";
import { lokiValues } from "../../../components/monitoring/loki-values";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";

describe("Loki", () => {
  const homelab = home();
  const values = lokiValues(homelab) as Record<string, Record<string, unknown>>;

  it("sets only values that the chart has", () => {
    expect(unknownValuePaths("loki", homelab.versions.charts.loki, values)).to.deep.equal([]);
  });

  it("trap 41: one binary, with the scalable targets at zero by name", () => {
    expect(values.deploymentMode).to.equal("SingleBinary");
    expect(values.singleBinary.replicas).to.equal(1);
    for (const target of ["read", "write", "backend"]) {
      expect(values[target], target).to.deep.equal({ replicas: 0 });
    }
    expect(values.loki.commonConfig).to.deep.equal({ replication_factor: 1 });
  });

  it("trap 41: no caches of gigabytes, no canary, no gateway", () => {
    for (const part of ["chunksCache", "resultsCache", "lokiCanary", "test", "gateway"]) {
      expect(values[part], part).to.deep.equal({ enabled: false });
    }
  });

  it("trap 41: the logs outlive the StatefulSet", () => {
    expect(values.singleBinary.persistence).to.deep.include({
      enableStatefulSetAutoDeletePVC: false,
      whenDeleted: "Retain",
      whenScaled: "Retain",
    });
  });

  it("stands on local-path: readable while Longhorn is down", () => {
    expect(values.singleBinary.persistence).to.include({ storageClass: "local-path", size: "50Gi" });
  });

  it("deletes what is older than the configuration's days", () => {
    expect(values.loki.limits_config).to.deep.equal({
      retention_period: "720h",
      retention_stream: [{ selector: '{audit="authentik"}', priority: 1, period: "8760h" }],
    });
    expect(values.loki.compactor).to.deep.equal({ retention_enabled: true, delete_request_store: "filesystem" });
  });

  it("asks for no tenant", () => {
    expect(values.loki.auth_enabled).to.be.false;
  });

  it("trap 69: asks for nothing that the chart makes only if the cluster already knows a kind", () => {
    expect(values.monitoring).to.deep.equal({ serviceMonitor: { enabled: false } });
  });
});
