import { expect } from "chai";
import { evaluate, type Check, type HostCheck, type HouseCheck } from "../../doctor/check";
import { allChecks } from "../../doctor/checks";
import { layers, type Verdict } from "../../doctor/finding";
import { houseOf } from "../../doctor/house";
import { home } from "../support/home";

const OK: Verdict = { severity: "ok", found: "fine", expected: "fine" };
const fault: Verdict = { severity: "error", found: "broken", expected: "fine", next: "repair it" };
const given = { house: houseOf("home", home(), undefined), facts: {} as never };

const onHost = (
  name: string,
  needs: string[],
  verdicts: (host: string) => Verdict[],
  more: Partial<HostCheck> = {},
): HostCheck => ({
  scope: "host",
  name,
  layer: "system",
  why: "because",
  needs,
  judge: (target) => verdicts(target.name),
  ...more,
});
const ofHouse = (name: string, needs: string[], verdicts: Verdict[]): HouseCheck => ({
  scope: "house",
  name,
  layer: "link",
  why: "because",
  needs,
  judge: () => verdicts,
});
const of = (checks: readonly Check[], check: string, host: string | null = null) =>
  evaluate(checks, given).filter((finding) => finding.check === check && finding.host === host);

describe("the graph of checks", () => {
  it("a fault is one error; all above it are not checked, and name the root", () => {
    const checks = [
      ofHouse("link", [], [OK]),
      onHost("address", ["link"], (host) => (host === "k3s1" ? [fault] : [OK])),
      onHost("port", ["address"], () => [OK]),
      onHost("login", ["port"], () => [OK]),
    ];
    for (const check of ["port", "login"]) {
      expect(of(checks, check, "k3s1")).to.have.length(1);
      expect(of(checks, check, "k3s1")[0]).to.include({
        severity: "unknown",
        checked: false,
        because: "address k3s1",
        found: "not checked: broken",
      });
      expect(of(checks, check, "k3s2")[0]).to.include({ severity: "ok", checked: true });
    }
  });

  it("a fault of the house stops every machine", () => {
    const checks = [ofHouse("link", [], [fault]), onHost("address", ["link"], () => [OK])];
    const unchecked = evaluate(checks, given).filter(({ because }) => because === "link");
    expect(unchecked.map(({ host }) => host)).to.deep.equal(["r730", "k3s-master1", "k3s1", "k3s2", "k3s3"]);
  });

  it("a warning, and a fault that says `go on`, stop nothing", () => {
    for (const verdict of [
      { ...fault, severity: "warning" as const },
      { ...fault, goOn: true },
    ]) {
      const checks = [onHost("one", [], () => [verdict]), onHost("two", ["one"], () => [OK])];
      expect(of(checks, "two", "k3s1")[0]).to.include({ checked: true });
    }
  });

  it("what is not there yet stops without being a fault", () => {
    const checks = [onHost("vm", [], () => [{ ...OK, absent: "no VM yet" }]), onHost("up", ["vm"], () => [fault])];
    expect(of(checks, "up", "k3s1")[0]).to.include({ severity: "ok", checked: false, found: "not checked: no VM yet" });
  });

  it("a need that does not apply to a machine stops nothing", () => {
    const checks = [
      onHost("vm", [], () => [fault], { applies: ({ machine }) => machine.role === "hypervisor" }),
      onHost("up", ["vm"], () => [OK]),
    ];
    expect(of(checks, "up", "k3s1")[0]).to.include({ checked: true });
    expect(of(checks, "up", "r730")[0]).to.include({ checked: false });
  });

  it("a fault that another machine's explains is that one's; without a fault here there is nothing to explain", () => {
    const checks = (answers: boolean) => [
      onHost("vm", [], () => [fault], { applies: ({ name }) => name === "r730" }),
      onHost("address", [], () => [answers ? OK : fault], {
        explainedBy: ({ hypervisor }) => (hypervisor ? { check: "vm", host: hypervisor } : undefined),
      }),
    ];
    expect(of(checks(false), "address", "k3s-master1")[0]).to.include({ checked: false, because: "vm r730" });
    expect(of(checks(false), "address", "k3s1")[0]).to.include({ checked: true, severity: "error" });
    expect(of(checks(true), "address", "k3s-master1")[0]).to.include({ checked: true, severity: "ok" });
  });

  it("a need that does not exist, and a circle, are our mistakes and said so", () => {
    expect(() => evaluate([ofHouse("one", ["none"], [OK])], given)).to.throw("there is no check none");
    const circle = [ofHouse("one", ["two"], [OK]), ofHouse("two", ["one"], [OK])];
    expect(() => evaluate(circle, given)).to.throw("needs itself");
  });
});

describe("the declared checks", () => {
  it("have names of their own, stand from the bottom up and need only what is there", () => {
    const names = allChecks.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    const order = allChecks.map(({ layer }) => layers.indexOf(layer));
    expect(order).to.deep.equal([...order].sort((one, other) => one - other));
    const { targets } = given.house;
    for (const check of allChecks) {
      const needs =
        check.scope === "house" || typeof check.needs !== "function"
          ? [check.needs as readonly string[]]
          : targets.map(check.needs);
      needs.flat().forEach((need) => expect(names, check.name).to.include(need));
    }
  });

  it("say in one sentence why they matter", () => {
    for (const { name, why } of allChecks) {
      expect(why, name).to.match(/^[`a-zA-Z].{20,140}[^.]$/);
    }
  });
});
