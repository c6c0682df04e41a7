import { expect } from "chai";
import fc from "fast-check";
import { prometheusValues, retentionSize } from "../../../components/monitoring/prometheus";
import { awayFromControlPlane } from "../../../components/monitoring/placement";
import { toMib } from "../../../config/units";
import { home } from "../../support/home";
import { singleNode } from "./homes";

interface Spec {
  storageSpec: { volumeClaimTemplate: { spec: { storageClassName: string; resources: { requests: unknown } } } };
  retention: string;
  retentionSize: string;
  [key: string]: unknown;
}

describe("Prometheus", () => {
  const spec = prometheusValues(home()).prometheusSpec as Spec;

  it("keeps its blocks below the claim's size, for any size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom("Mi", "Gi", "Ti"), (count, unit) => {
        const claim = toMib(`${count}${unit}`);
        const match = /^([1-9][0-9]*)MiB$/.exec(retentionSize(`${count}${unit}`));
        expect(match).not.to.be.null;
        const kept = Number(match?.[1]);
        expect(kept).to.be.at.least(1);
        if (claim > 1) {
          expect(kept).to.be.below(claim);
          expect(kept).to.be.at.least(Math.floor(claim / 2));
        }
      }),
    );
    expect(retentionSize("100Gi")).to.equal("81920MiB");
  });

  it("refuses a size without a binary unit", () => {
    expect(() => retentionSize("100G")).to.throw("100G");
  });

  it("stands on local-path, with the retention of the configuration in days", () => {
    expect(spec.storageSpec.volumeClaimTemplate.spec.storageClassName).to.equal("local-path");
    expect(spec.storageSpec.volumeClaimTemplate.spec.resources.requests).to.deep.equal({ storage: "100Gi" });
    expect(spec.retention).to.equal("30d");
  });

  it("picks up rules and monitors of every release", () => {
    const selectors = Object.entries(spec).filter(([key]) => key.endsWith("SelectorNilUsesHelmValues"));
    expect(Object.fromEntries(selectors)).to.deep.equal({
      ruleSelectorNilUsesHelmValues: false,
      serviceMonitorSelectorNilUsesHelmValues: false,
      podMonitorSelectorNilUsesHelmValues: false,
      probeSelectorNilUsesHelmValues: false,
      scrapeConfigSelectorNilUsesHelmValues: false,
    });
  });

  it("is waited for until the operator calls it Available", () => {
    expect(prometheusValues(home()).annotations).to.include({ "pulumi.com/waitFor": "condition=Available" });
  });

  it("stays off the control plane where there are workers, and runs there where there are none", () => {
    expect(JSON.stringify(awayFromControlPlane(home()))).to.contain("node-role.kubernetes.io/control-plane");
    expect(awayFromControlPlane(singleNode())).to.deep.equal({});
  });
});
