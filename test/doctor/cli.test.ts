import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { parseOptions } from "../../doctor/options";
import { reportOf, textOf } from "../../doctor/report";
import type { Finding, Severity } from "../../doctor/finding";
import { root } from "../support/home";

/** Only what ends before anything is asked: no test here touches a network. */
const doctor = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(root, "bin", "doctor.js"), ...args], { encoding: "utf8", timeout: 60_000 });

describe("the doctor's command line", function () {
  this.timeout(120_000);

  it("--help says what it does and how it ends", () => {
    const { status, stdout } = doctor("--help");
    expect(status).to.equal(0);
    expect(stdout).to.contain("changes nothing").and.to.contain("Exit status: 0 all in order");
  });

  it("a stack that does not exist is a mistake of the configuration, without a stack trace", () => {
    const { status, stderr, stdout } = doctor("--stack", "hoem");
    expect(status).to.equal(3);
    expect(stdout).to.equal("");
    expect(stderr)
      .to.contain("Pulumi.hoem.yaml")
      .and.not.to.match(/^\s+at /m);
  });

  it("an unknown option ends with status 3 and the usage", () => {
    const { status, stderr } = doctor("--hots", "k3s1");
    expect(status).to.equal(3);
    expect(stderr)
      .to.contain("--hots")
      .and.to.contain("usage: npm run doctor")
      .and.not.to.match(/^\s+at /m);
  });

  it("an unknown machine and an unknown layer are named, with the nearest", () => {
    const { status, stderr } = doctor("--host", "k3s11");
    expect(status).to.equal(3);
    expect(stderr).to.contain("there is no 'k3s11', did you mean 'k3s1'?");
    expect(() => parseOptions(["--layer", "disk"])).to.throw("did you mean 'disks'?");
  });

  it("options have their defaults and their bounds", () => {
    expect(parseOptions([])).to.deep.equal({ stack: "home", hosts: [], layers: [], json: false, seconds: 9 });
    expect(parseOptions(["--host", "a", "--host", "b", "--layer", "ssh", "--json", "--timeout", "60"])).to.deep.equal({
      stack: "home",
      hosts: ["a", "b"],
      layers: ["ssh"],
      json: true,
      seconds: 60,
    });
    for (const wrong of [["--timeout", "1"], ["--timeout", "601"], ["--timeout", "x"], ["--stack", "../x"], ["word"]]) {
      expect(() => parseOptions(wrong), wrong.join(" ")).to.throw();
    }
  });
});

describe("the doctor's report", () => {
  const finding = (severity: Severity, changes: Partial<Finding> = {}): Finding => ({
    check: "port.ssh",
    layer: "port",
    host: "k3s1",
    item: null,
    severity,
    checked: true,
    found: "found",
    expected: "expected",
    why: "why",
    next: severity === "ok" ? null : "next",
    because: null,
    ...changes,
  });
  const exit = (...findings: Finding[]) => reportOf("home", ["k3s1"], findings, 1234).exitStatus;

  it("ends with 0, 1 or 2, by the worst", () => {
    expect(exit()).to.equal(0);
    expect(exit(finding("ok"))).to.equal(0);
    expect(exit(finding("ok"), finding("warning"))).to.equal(1);
    expect(exit(finding("unknown"))).to.equal(1);
    expect(exit(finding("unknown"), finding("error"), finding("warning"))).to.equal(2);
    expect(exit(finding("ok", { checked: false, because: "hypervisor.vm r730" }))).to.equal(0);
  });

  it("has a form that scripts can rely on", () => {
    const report = reportOf("home", ["k3s1"], [finding("error"), finding("unknown", { checked: false })], 1234);
    expect(Object.keys(report)).to.deep.equal([
      "version",
      "stack",
      "hosts",
      "seconds",
      "summary",
      "exitStatus",
      "findings",
    ]);
    expect(report.summary).to.deep.equal({ ok: 0, warning: 0, unknown: 0, error: 1, notChecked: 1 });
    expect(report.seconds).to.equal(1.2);
    expect(Object.keys(report.findings[0])).to.have.members([
      "check",
      "layer",
      "host",
      "item",
      "severity",
      "checked",
      "found",
      "expected",
      "why",
      "next",
      "because",
    ]);
  });

  it("says each finding in one line, and once what hangs on what", () => {
    const text = textOf(
      reportOf(
        "home",
        ["k3s1"],
        [
          finding("warning", { item: "a", next: "do a" }),
          finding("warning", { item: "b", next: "do b" }),
          finding("unknown", {
            check: "ssh.login",
            layer: "ssh",
            checked: false,
            found: "not checked: found",
            because: "port.ssh k3s1",
          }),
        ],
        0,
      ),
    );
    const lines = text.split("\n").filter((line) => line.includes("WARNING"));
    expect(lines).to.have.length(2);
    for (const [index, item] of ["a", "b"].entries()) {
      expect(lines[index]).to.match(
        new RegExp(`^ +WARNING \\S+ k3s1 ${item}: found \\(expected: expected\\) \\| why: why \\| next: do ${item}$`),
      );
    }
    expect(text).to.contain("not checked: found [port.ssh k3s1]: 1 checks of ssh");
    expect(text).not.to.contain("Begin with");
  });
});
