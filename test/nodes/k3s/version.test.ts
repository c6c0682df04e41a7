import { expect } from "chai";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { readScript } from "../../../nodes/host-script";
import { compareK3sVersions, parseK3sVersion, skewProblem, upgradeProblem } from "../../../nodes/k3s/version";

const version = fc
  .tuple(fc.integer({ min: 1, max: 2 }), fc.nat(40), fc.nat(20), fc.integer({ min: 1, max: 12 }))
  .map(([major, minor, patch, build]) => `v${major}.${minor}.${patch}+k3s${build}`);

describe("K3s versions", () => {
  it("parses a release tag", () => {
    expect(parseK3sVersion("v1.32.5+k3s1")).to.deep.equal({ major: 1, minor: 32, patch: 5, build: 1 });
  });

  for (const text of [
    "",
    "1.32.5+k3s1",
    "v1.32.5",
    "v1.32+k3s1",
    "v1.32.5-rc1+k3s1",
    "v1.32.5+k3s",
    "v1.32.5+k3s0",
    "v1.32.5+rke2r1",
    "v01.32.5+k3s1",
    "v1.32.5+k3s1 ",
    " v1.32.5+k3s1",
    "v1.32.5+k3s1\nv1.32.5+k3s1",
  ]) {
    it(`does not parse ${JSON.stringify(text)}`, () => expect(parseK3sVersion(text)).to.equal(undefined));
  }

  it("orders releases by number, not by text", () => {
    const sorted = ["v1.9.0+k3s1", "v1.10.0+k3s1", "v1.10.0+k3s2", "v1.10.0+k3s10", "v1.10.2+k3s1", "v2.0.0+k3s1"];
    const parsed = sorted.map((text) => parseK3sVersion(text)!);
    expect([...parsed].reverse().sort(compareK3sVersions)).to.deep.equal(parsed);
  });

  it("orders totally: antisymmetric, and equal only for the same release", () => {
    fc.assert(
      fc.property(version, version, (one, other) => {
        const forth = compareK3sVersions(parseK3sVersion(one)!, parseK3sVersion(other)!);
        const back = compareK3sVersions(parseK3sVersion(other)!, parseK3sVersion(one)!);
        return Math.sign(forth) === -Math.sign(back) && (forth === 0) === (one === other);
      }),
    );
  });

  describe("skew", () => {
    for (let lag = -2; lag <= 6; lag++) {
      const agent = `v1.${32 - lag}.9+k3s2`;
      it(`${lag >= 0 && lag <= 3 ? "accepts" : "refuses"} agent ${agent} under server v1.32.5+k3s1`, () => {
        const problem = skewProblem("v1.32.5+k3s1", agent);
        if (lag >= 0 && lag <= 3) {
          expect(problem).to.equal(undefined);
        } else {
          expect(problem).to.contain(agent).and.contain("v1.32.5+k3s1");
        }
      });
    }
    it("does not mind a newer patch on the agent", () =>
      expect(skewProblem("v1.32.5+k3s1", "v1.32.9+k3s3")).to.equal(undefined));
    it("refuses another major", () => expect(skewProblem("v2.0.0+k3s1", "v1.32.5+k3s1")).to.contain("major"));
    it("names what is no release", () => {
      expect(skewProblem("latest", "v1.32.5+k3s1")).to.equal("latest is no K3s release such as v1.32.5+k3s1");
      expect(skewProblem("v1.32.5+k3s1", "v1.32")).to.contain("v1.32 is no");
    });
  });

  describe("upgrade in place", () => {
    const cases: [string, string, RegExp | undefined][] = [
      ["v1.32.5+k3s1", "v1.32.5+k3s1", undefined],
      ["v1.32.5+k3s1", "v1.32.5+k3s2", undefined],
      ["v1.32.5+k3s1", "v1.32.10+k3s1", undefined],
      ["v1.31.9+k3s1", "v1.32.5+k3s1", undefined],
      ["v1.9.9+k3s1", "v1.10.0+k3s1", undefined],
      ["v1.30.9+k3s1", "v1.32.5+k3s1", /skips a minor/],
      ["v1.32.5+k3s10", "v1.32.5+k3s9", /downgraded/],
      ["v1.32.10+k3s1", "v1.32.9+k3s1", /downgraded/],
      ["v1.33.0+k3s1", "v1.32.5+k3s1", /downgraded/],
      ["v1.32.5+k3s1", "v2.0.0+k3s1", /skips a minor/],
    ];
    for (const [from, to, message] of cases) {
      it(`${from} to ${to}: ${message?.source ?? "allowed"}`, () => {
        if (message) {
          expect(upgradeProblem(from, to)).to.match(message).and.contain(from).and.contain(to);
        } else {
          expect(upgradeProblem(from, to)).to.equal(undefined);
        }
      });
    }

    it("is judged alike by the script on the machine", () => {
      const pairs = [...cases.map(([from, to]) => [from, to]), ...fc.sample(fc.tuple(version, version), 60)];
      const script = [
        readScript("lib.sh"),
        readScript("k3s/common.sh"),
        ...pairs.map(([from, to]) => `(require_upgrade_path '${from}' '${to}') 2>/dev/null && echo yes || echo no`),
      ].join("\n");
      const answers = spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout.trim().split("\n");
      expect(answers).to.deep.equal(pairs.map(([from, to]) => (upgradeProblem(from, to) ? "no" : "yes")));
    });
  });
});
