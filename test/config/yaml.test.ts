import { spawnSync } from "node:child_process";
import { expect } from "chai";
import * as fc from "fast-check";
import { fromYaml, toYaml } from "../../config/yaml";
import { skipBecause } from "../support/skip";

/** Texts that are something else in YAML 1.1 unless they are quoted. */
const AMBIGUOUS = [
  ...["no", "on", "Off", "yes", "y", "N", "true", "~", "null", "", "*a", "&a", "!a", "- a", "a: b", "#a"],
  ...["0400", "0o17", "0x1F", "1e3", "1_000", "+1", ".5", ".inf", "10:30", "52:54:00:12:34:56", "2026-12-01"],
];

describe("YAML for readers of version 1.1", () => {
  it("texts stay texts, read by our own reader", () => {
    expect(fromYaml(toYaml(AMBIGUOUS))).to.deep.equal([AMBIGUOUS]);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // YAML has no negative zero.
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(fromYaml(toYaml({ value: plain }))).to.deep.equal([{ value: plain }]);
      }),
      { numRuns: 100 },
    );
  });

  it("texts stay texts, read by PyYAML", function () {
    const read = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    const { status, stdout, stderr } = spawnSync("python3", ["-c", read], {
      input: toYaml(AMBIGUOUS),
      encoding: "utf8",
    });
    if (status !== 0 && /No module named|ENOENT/.test(stderr ?? "ENOENT")) {
      skipBecause(this, "python3-yaml is not installed");
    }
    expect(JSON.parse(stdout)).to.deep.equal(AMBIGUOUS);
  });

  it("is read as Kubernetes reads it: modes to the base 8, words as truth values, times and dates as texts", () => {
    const text = "mode: 0400\non: no\nwindow: 10:30\nday: 2026-12-01\n---\nbase: &a { x: 1 }\nmore: { <<: *a, z: 2 }\n";
    expect(fromYaml(text)).to.deep.equal([
      { mode: 0o400, true: false, window: "10:30", day: "2026-12-01" },
      { base: { x: 1 }, more: { x: 1, z: 2 } },
    ]);
    expect(() => fromYaml("a: [")).to.throw();
  });
});
