import { expect } from "chai";
import { ciliumFeatures, ciliumMinor } from "../../../components/network/cilium-version";
import { ciliumLines } from "../../../config/compatibility";
import { ciliumReleases } from "./support";

describe("Cilium's versions", () => {
  it("are read from the release, with or without a v", () => {
    expect(ciliumMinor("1.17.18")).to.equal(17);
    expect(ciliumMinor("v1.9.0")).to.equal(9);
    for (const wrong of ["2.0.0", "1.17", "1.18.0-rc.1", "latest", ""]) {
      expect(() => ciliumMinor(wrong), wrong).to.throw("not a release of Cilium 1");
    }
  });

  it("are only those of the compatibility table, and agree with it about the channel of Gateway API", () => {
    expect(() => ciliumFeatures("1.14.0")).to.throw("compatibility.ts");
    for (const [line, { experimentalChannel }] of Object.entries(ciliumLines)) {
      const { grpcroutes, tlsroutes } = ciliumFeatures(`${line}.0`).routes;
      expect(grpcroutes === "v1alpha2" || tlsroutes === "v1alpha2", line).to.equal(experimentalChannel);
    }
  });

  it("trap 1: only 1.16 and later know ALPN", () => {
    expect(ciliumReleases.map((version) => ciliumFeatures(version).alpn)).to.deep.equal([false, true, true, true]);
  });

  it("trap 7: 1.15 has no controller for the second generation of BGP", () => {
    expect(ciliumReleases.map((version) => ciliumFeatures(version).bgp)).to.deep.equal([
      "peering-policy",
      "cluster-config",
      "cluster-config",
      "cluster-config",
    ]);
  });
});
