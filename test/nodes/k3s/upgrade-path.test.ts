import { expect } from "chai";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { readScript } from "../../../nodes/host-script";

interface Release {
  major: number;
  minor: number;
  patch: number;
  build: number;
}

const tag = ({ major, minor, patch, build }: Release) => `v${major}.${minor}.${patch}+k3s${build}`;

/** What the script on a machine says about going from one release to another: empty if it may. */
function refusals(pairs: readonly (readonly [string, string])[]): string[] {
  const script = [
    readScript("lib.sh"),
    readScript("versions-lib.sh"),
    readScript("k3s/common.sh"),
    ...pairs.map(([from, to]) => `(require_upgrade_path '${from}' '${to}') 2>&1 | tr '\\n' ' ' || true; echo`),
  ].join("\n");
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  expect(stderr).to.equal("");
  const answers = stdout.split("\n").slice(0, -1);
  expect(answers).to.have.length(pairs.length);
  return answers;
}

describe("K3s upgrade in place", () => {
  const cases: [from: string, to: string, message: RegExp | undefined][] = [
    ["", "v1.32.5+k3s1", undefined],
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
    it(`${from || "nothing"} to ${to}: ${message?.source ?? "allowed"}`, () => {
      const [said] = refusals([[from, to]]);
      if (message) {
        expect(said).to.match(message).and.contain(from).and.contain(to);
      } else {
        expect(said).to.equal("");
      }
    });
  }

  it("goes up within a minor version and to the next one, and never down, from any release", () => {
    const release = fc.record({
      major: fc.integer({ min: 1, max: 2 }),
      minor: fc.nat(40),
      patch: fc.nat(20),
      build: fc.integer({ min: 1, max: 12 }),
    });
    const pairs = fc.sample(fc.tuple(release, fc.integer({ min: 1, max: 9 })), 40).flatMap(([from, step]) => {
      const up = [
        { ...from, build: from.build + step },
        { ...from, patch: from.patch + step },
        { ...from, minor: from.minor + 1, patch: step },
      ];
      return [
        ...up.map((to) => ({ from, to, says: "" })),
        ...up.map((to) => ({ from: to, to: from, says: "downgraded" })),
        { from, to: { ...from, minor: from.minor + 1 + step }, says: "skips a minor" },
      ];
    });
    refusals(pairs.map(({ from, to }) => [tag(from), tag(to)] as const)).forEach((said, index) => {
      const { from, to, says } = pairs[index];
      const path = `${tag(from)} to ${tag(to)}: ${said}`;
      expect(says === "" ? said === "" : said.includes(says), path).to.equal(true);
    });
  });
});
