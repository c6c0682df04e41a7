import type { Facts, HostFacts } from "../../doctor/facts";
import type { Verdict } from "../../doctor/finding";
import { houseOf, type House, type Target } from "../../doctor/house";
import { expect } from "chai";
import { lanConfig, machineIdOf } from "./lan";
import { parseHomelab } from "../../config/parse";

export const KEY = `ssh-ed25519 ${"A".repeat(68)}`;

/** The house of lanConfig, with the VM's host key known. */
export function house(edit?: (config: any) => void, vmHostKey: string | null = KEY): House {
  return houseOf("home", parseHomelab(lanConfig({}, edit)), vmHostKey ?? undefined);
}

export function target(of: House, name: string): Target {
  const found = of.targets.find((candidate) => candidate.name === name);
  if (!found) {
    throw new Error(`no ${name}`);
  }
  return found;
}

/** A machine that answered everything, all in order. */
export function healthy(name: string, system: Record<string, string> = {}): HostFacts {
  return {
    dial: { state: "open" },
    login: { stage: "in", offered: KEY, clock: { offset: 0.1, uncertainty: 0.05 }, complete: true },
    sections: {
      system: {
        uid: "0",
        hostname: name,
        machineId: machineIdOf(name),
        identity: machineIdOf(name),
        "os.id": "ubuntu",
        "os.version": "22.04",
        "os.name": "Ubuntu 22.04.5 LTS",
        kernel: "5.15.0-130-generic",
        architecture: "x86_64",
        clock: "synchronised",
        firewall: "none",
        ...system,
      },
    },
  };
}

export function facts(changes: Partial<Facts> = {}): Facts {
  return {
    at: Date.parse("2026-01-01T00:00:00Z"),
    route: { source: "10.77.0.5", interface: "eth0" },
    router: {},
    hosts: {},
    dns: {},
    b2: {},
    cluster: { lists: {} },
    state: { kubeconfig: false },
    ...changes,
  };
}

/** One verdict, of this severity, with words in what was found; whatever is not in order names a next step. */
export function expectVerdict(verdicts: readonly Verdict[], severity: Verdict["severity"], found: RegExp): Verdict {
  expect(verdicts).to.have.length(1);
  const [verdict] = verdicts;
  expect(verdict.found).to.match(found);
  expect(verdict.severity, verdict.found).to.equal(severity);
  expectNextSteps(verdicts);
  return verdict;
}

export function expectNextSteps(verdicts: readonly Verdict[]): void {
  for (const { severity, found, next } of verdicts) {
    expect((next ?? "") !== "" || severity === "ok", `a next step for: ${found}`).to.equal(true);
  }
}
