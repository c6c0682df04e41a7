import { expect } from "chai";
import * as fc from "fast-check";
import { agentSkewProblem, compareVersions, line, lineWithin, parseVersion, version } from "../../config/version";

const number = fc.nat({ max: 40 });
const release = fc.record({ major: number, minor: number, patch: number });

describe("versions", () => {
  it("are read with and without a v, whatever follows", () => {
    for (const text of ["1.32.5", "v1.32.5", "v1.32.5+k3s1", "v1.32.5@sha256:00", "1.32.5-distroless"]) {
      expect(parseVersion(text), text).to.deep.equal({ major: 1, minor: 32, patch: 5 });
    }
  });

  it("are three numbers", () => {
    for (const text of ["1.32", "latest", "", "x1.2.3", "1.2.3.4"]) {
      expect(parseVersion(text), text).to.equal(undefined);
      expect(() => version(text)).to.throw("not a version");
    }
  });

  it("are ordered by number, not by text", () => {
    expect(compareVersions(version("1.9.2"), version("1.10.0"))).to.be.lessThan(0);
    fc.assert(
      fc.property(release, release, (one, other) => {
        const forth = Math.sign(compareVersions(one, other));
        expect(forth + Math.sign(compareVersions(other, one))).to.equal(0);
        expect(forth === 0).to.equal(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it("belong to a span of lines, whatever their patch", () => {
    expect(line(version("v1.17.18"))).to.equal("1.17");
    expect(lineWithin(version("2025.12.4"), "2025.10", "2025.12")).to.equal(true);
    expect(lineWithin(version("1.2.99"), "1.1", "1.2")).to.equal(true);
    expect(lineWithin(version("1.3.0"), "1.1", "1.2")).to.equal(false);
  });
});

describe("K3s skew", () => {
  const server = "v1.32.5+k3s1";
  for (const agent of ["v1.32.5+k3s1", "v1.32.9+k3s2", "v1.31.0+k3s1", "v1.29.15+k3s1"]) {
    it(`an agent ${agent} works with a server ${server}`, () => {
      expect(agentSkewProblem(server, agent)).to.equal(undefined);
    });
  }
  it("an agent is never newer than its server", () => {
    expect(agentSkewProblem(server, "v1.33.0+k3s1")).to.include("never of a newer");
    expect(agentSkewProblem(server, "v2.0.0+k3s1")).to.include("never of a newer");
  });
  it("an agent is at most three minors behind", () => {
    expect(agentSkewProblem(server, "v1.28.15+k3s1")).to.include("at most 3");
  });
});
