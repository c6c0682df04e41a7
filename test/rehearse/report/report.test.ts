import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import type { Run, StepResult } from "../../../rehearse/deploy/steps";
import { comparison } from "../../../rehearse/report/compare";
import { Progress } from "../../../rehearse/report/progress";
import { readRecord, recordOf, writeRecord } from "../../../rehearse/report/record";
import { reportOf } from "../../../rehearse/report/report";
import { duration } from "../../../rehearse/report/text";
import { criticalPath, makespan, phaseTimes } from "../../../rehearse/report/timings";

/** A step from one second to another. */
function step(name: string, from: number, to: number, more: Partial<StepResult> = {}): StepResult {
  return {
    urn: `urn:${name}`,
    type: "command:remote:Command",
    name,
    phase: "machines",
    began: 1_000_000 + from * 1000,
    ended: 1_000_000 + to * 1000,
    outcome: "created",
    dependencies: [],
    ...more,
  };
}
const after = (...names: string[]) => ({ dependencies: names.map((name) => `urn:${name}`) });
const record = (steps: StepResult[], more: Partial<Run> = {}) =>
  recordOf(
    {
      ok: true,
      steps,
      milliseconds: 60_000,
      errors: [],
      outputs: { kubeconfig: "secret-text" },
      leftBehind: [],
      ...more,
    },
    { at: new Date("2026-01-02T03:04:05Z"), stack: "rehearsal", deployer: "harness" },
  );

describe("the times of a run", () => {
  const steps = [
    step("disks", 0, 4),
    step("k3s", 5, 15, { ...after("disks"), phase: "k3s" }),
    step("packages", 0, 9),
    step("chart", 15, 25, { ...after("k3s", "packages"), phase: "network" }),
    step("chart:one", 15, 24, { ...after("k3s"), phase: "network", partOf: "urn:chart" }),
    step("late", 25, 28, { ...after("chart"), phase: "apps" }),
    step("idle", 40, 41, { phase: "apps" }),
  ];

  it("the critical path is the longest chain by what was waited for, and holds no waiting", () => {
    const path = criticalPath(steps);
    expect(path.steps.map(({ name }) => name)).to.deep.equal(["disks", "k3s", "chart", "late"]);
    expect(path.milliseconds).to.equal(27_000);
    expect(makespan(steps)).to.equal(41_000);
  });

  it("a step that waits for a part waits for the whole, and the whole's time counts once", () => {
    const path = criticalPath([...steps, step("user", 25, 45, after("chart:one"))]);
    expect(path.steps.map(({ name }) => name)).to.deep.equal(["disks", "k3s", "chart", "user"]);
    expect(path.milliseconds).to.equal(44_000);
  });

  it("phases are told by their begin and end, and by the time in which something was done", () => {
    const times = phaseTimes(steps);
    expect(times.map(({ phase }) => phase)).to.deep.equal(["machines", "k3s", "network", "apps"]);
    expect(times[0]).to.deep.equal({ phase: "machines", steps: 2, from: 0, to: 9000, busy: 9000 });
    expect(times[3]).to.deep.equal({ phase: "apps", steps: 2, from: 25_000, to: 41_000, busy: 4000 });
  });

  it("a run without a step takes no time", () => {
    expect([makespan([]), criticalPath([]).milliseconds, phaseTimes([])]).to.deep.equal([0, 0, []]);
  });

  it("durations are for people", () => {
    expect([0, 449, 9949, 9950, 59_499, 59_500, 185_000, 3_723_000].map(duration)).to.deep.equal([
      "0.0 s",
      "0.4 s",
      "9.9 s",
      "10 s",
      "59 s",
      "1:00 min",
      "3:05 min",
      "1:02:03 h",
    ]);
  });
});

describe("the report of a run", () => {
  it("names what failed, what was repaired, and what was not real", () => {
    const text = reportOf(
      record(
        [
          step("disks", 0, 10),
          step("sysctl", 10, 12, { ...after("disks"), outcome: "updated", message: "drift of k3s1: swap was 'on'" }),
          step("cilium", 12, 20, { ...after("disks"), standIn: "a chart of our own", phase: "network" }),
          step("bucket", 0, 0, { outcome: "not rehearsed", message: "there is no Backblaze here", phase: "backup" }),
          step("k3s", 12, 15, { outcome: "failed", message: "it is full\nTo look further: ssh root@x", phase: "k3s" }),
        ],
        { ok: false, errors: ["the program said no"], leftBehind: ["urn:old"] },
      ),
    );
    expect(text).to.match(
      /^Stack rehearsal, carried out by the harness.*: FAILED after 1:00 min; 2 created, 1 updated, 1 failed, 1 not rehearsed\.$/m,
    );
    expect(text).to.contain("k3s (k3s): it is full\n    To look further: ssh root@x");
    expect(text).to.contain("the program said no");
    expect(text).to.contain("sysctl (machines): drift of k3s1: swap was 'on'");
    expect(text).to.contain("2 of 5 steps were carried out as they are in the house");
    expect(text).to.contain("on a stand-in: 1 because a chart of our own: cilium");
    expect(text).to.contain("not rehearsed: 1 because there is no Backblaze here: bucket");
    expect(reportOf({ ...record([]), leftOut: ["what is in the cluster"] })).to.contain(
      "not rehearsed: what is in the cluster",
    );
    expect(text).to.contain("makespan 20 s, critical path 18 s: ratio 1.11");
    expect(text).to.contain("urn:old");
    expect(text).not.to.contain("secret-text");
  });

  it("compares with an earlier run, the largest change first, and says nothing of noise", () => {
    const before = record([step("disks", 0, 10), step("k3s", 10, 20, after("disks")), step("gone", 0, 1)]);
    const now = record([step("disks", 0, 11), step("k3s", 11, 41, after("disks"))]);
    expect(comparison(before, now)).to.deep.equal([
      "makespan: 20 s before, 41 s now, +105 %",
      "critical path: 20 s before, 41 s now, +105 %",
      "phase machines: 20 s before, 41 s now, +105 %",
      "k3s (machines): 10 s before, 30 s now, +200 %",
      "0 steps are new, 1 are gone",
    ]);
    expect(reportOf(now, before)).to.contain("Against the run of 2026-01-02T03:04:05.000Z:");
  });

  it("a record is written and read again; another file is refused by name", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-report-"));
    try {
      const file = path.join(folder, "below", "run.json");
      const written = record([step("disks", 0, 10)]);
      writeRecord(file, written);
      expect(readRecord(file)).to.deep.equal(JSON.parse(JSON.stringify(written)));
      expect(fs.readFileSync(file, "utf8")).not.to.contain("secret-text");
      fs.writeFileSync(file, "{}");
      expect(() => readRecord(file)).to.throw("run.json is no record of a run");
      expect(() => readRecord(path.join(folder, "none.json"))).to.throw("none.json cannot be read");
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("progress", () => {
  const began = (name: string, at: number, phase = "machines") =>
    ({ kind: "began", at, urn: `urn:${name}`, type: "command:remote:Command", name, phase }) as const;

  it("says what is waited for and since when", () => {
    const progress = new Progress();
    expect(progress.take(began("boot", 0))).to.deep.equal(["  0:00  machines begins"]);
    expect(progress.take(began("disks", 1000))).to.deep.equal([]);
    progress.take({ kind: "waiting", at: 20_000, urn: "urn:boot", on: "root@r730 to answer (ECONNREFUSED)" });
    expect(progress.status(65_000)).to.equal(
      "  1:05  0 done, under way: boot 1:05 min: waits for root@r730 to answer (ECONNREFUSED) since 45 s; disks 1:04 min",
    );
    for (const name of ["c", "d", "e"]) {
      progress.take(began(name, 66_000));
    }
    expect(progress.status(70_000)).to.match(/; c 4\.0 s; and 2 more$/);
  });

  it("failures, repairs and what is not rehearsed are said at once; what went well in no time is not", () => {
    const progress = new Progress();
    progress.take(began("disks", 1_000_000));
    const ended = (result: StepResult) => progress.take({ kind: "ended", at: result.ended, step: result });
    expect(ended(step("disks", 0, 1))).to.deep.equal([]);
    expect(ended(step("slow", 0, 61))).to.deep.equal(["  1:01  slow done in 1:01 min"]);
    expect(ended(step("bad", 0, 3, { outcome: "failed", message: "one\ntwo" }))).to.deep.equal([
      "  0:03  FAILED bad after 3.0 s: one\n          two",
    ]);
    expect(ended(step("s", 0, 1, { outcome: "updated", message: "drift: x" }))).to.deep.equal([
      "  0:01  s updated in 1.0 s; drift: x",
    ]);
    expect(ended(step("b2", 0, 0, { outcome: "not rehearsed", message: "no account" }))).to.deep.equal([
      "  0:00  not rehearsed: b2, because no account",
    ]);
    expect(progress.status(1_100_000)).to.equal(undefined);
  });
});
