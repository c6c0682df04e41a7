import type { Facts } from "./facts";
import type { Finding, Layer, Verdict } from "./finding";
import type { House, Target } from "./house";

/** What is looked at: everything that was found out, and what the configuration says of it. */
export interface Case {
  house: House;
  facts: Facts;
}

interface CheckBase {
  /** Unique, `<topic>.<what>`. */
  name: string;
  layer: Layer;
  /** Why it matters, in one sentence. */
  why: string;
}

/** A check of one machine. It needs other checks of the same machine, or of the house. */
export interface HostCheck extends CheckBase {
  scope: "host";
  /** Left out: every machine. */
  applies?: (target: Target, house: House) => boolean;
  needs: readonly string[] | ((target: Target) => readonly string[]);
  /** Check of another machine whose fault explains one here: a VM does not answer because its hypervisor is off. */
  explainedBy?: (target: Target) => { check: string; host: string } | undefined;
  judge: (target: Target, given: Case) => readonly Verdict[];
}

/** A check of the house as a whole; it needs other checks of the house. */
export interface HouseCheck extends CheckBase {
  scope: "house";
  applies?: (house: House) => boolean;
  needs: readonly string[];
  judge: (given: Case) => readonly Verdict[];
}

export type Check = HostCheck | HouseCheck;

/** Why those who need a check cannot be made. */
interface Stop {
  /** Check and machine at the root. */
  because: string;
  reason: string;
  /** Nothing is wrong: the thing is not there yet. */
  harmless: boolean;
}

interface Result {
  findings: Finding[];
  stop?: Stop;
}

/**
 * Makes every check, each after what it needs. A check whose need is not in order is not made: its finding names the root,
 * so that one dead machine is one error and not fifteen. Findings come in the order of the list, then of the machines.
 *
 * @throws Error for a need that does not exist, and for checks that need each other.
 */
export function evaluate(checks: readonly Check[], given: Case): Finding[] {
  const { house } = given;
  const byName = new Map(checks.map((check) => [check.name, check]));
  const results = new Map<string, Result | "in progress">();

  /** Undefined where the check does not apply: a machine of metal has no VM, and that stops nothing. */
  const resultOf = (name: string, host?: string): Result | undefined => {
    const check = byName.get(name);
    if (!check) {
      throw new Error(`there is no check ${name}`);
    }
    const target = house.targets.find((candidate) => candidate.name === host);
    const applies =
      check.scope === "house"
        ? (check.applies?.(house) ?? true)
        : target !== undefined && (check.applies?.(target, house) ?? true);
    if (!applies) {
      return undefined;
    }
    const key = check.scope === "house" ? name : `${name} ${host}`;
    const known = results.get(key);
    if (known === "in progress") {
      throw new Error(`${key} needs itself`);
    }
    if (known) {
      return known;
    }
    results.set(key, "in progress");
    const result = check.scope === "house" ? ofHouse(check) : ofHost(check, target as Target);
    results.set(key, result);
    return result;
  };

  const ofHouse = (check: HouseCheck): Result => {
    const stop = firstStop(check.needs.map((need) => resultOf(need)));
    return stop ? unchecked(check, undefined, stop) : judged(check, undefined, check.judge(given));
  };

  const ofHost = (check: HostCheck, target: Target): Result => {
    const { name } = target;
    const needs = typeof check.needs === "function" ? check.needs(target) : check.needs;
    const stop = firstStop(needs.map((need) => resultOf(need, name)));
    if (stop) {
      return unchecked(check, name, stop);
    }
    const result = judged(check, name, check.judge(target, given));
    const after = result.stop && check.explainedBy?.(target);
    const explanation = after && resultOf(after.check, after.host)?.stop;
    return explanation ? unchecked(check, name, explanation) : result;
  };

  return checks.flatMap((check) =>
    check.scope === "house"
      ? (resultOf(check.name)?.findings ?? [])
      : house.targets.flatMap(({ name }) => resultOf(check.name, name)?.findings ?? []),
  );
}

function firstStop(results: readonly (Result | undefined)[]): Stop | undefined {
  return results.find((result) => result?.stop)?.stop;
}

function unchecked({ name, layer, why }: Check, host: string | undefined, stop: Stop): Result {
  const finding: Finding = {
    check: name,
    layer,
    host: host ?? null,
    item: null,
    severity: stop.harmless ? "ok" : "unknown",
    checked: false,
    found: `not checked: ${stop.reason}`,
    expected: "checked",
    why,
    next: null,
    because: stop.because,
  };
  return { findings: [finding], stop };
}

function judged({ name, layer, why }: Check, host: string | undefined, verdicts: readonly Verdict[]): Result {
  const findings = verdicts.map(({ severity, item = null, found, expected, next = null }): Finding => ({
    check: name,
    layer,
    host: host ?? null,
    item,
    severity,
    checked: true,
    found,
    expected,
    why,
    next,
    because: null,
  }));
  const because = host === undefined ? name : `${name} ${host}`;
  const fault = verdicts.find(({ severity, goOn }) => /error|unknown/.test(severity) && goOn !== true);
  const absent = verdicts.find((verdict) => verdict.absent !== undefined);
  if (fault) {
    return { findings, stop: { because, reason: fault.found, harmless: false } };
  }
  return absent ? { findings, stop: { because, reason: absent.absent ?? "", harmless: true } } : { findings };
}
