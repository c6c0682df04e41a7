import * as path from "node:path";
import { parseHomelab } from "../config/parse";
import { readStackFile } from "../config/stack-file";
import { evaluate } from "./check";
import { allChecks } from "./checks";
import { examine, type Examination } from "./examine";
import type { Finding, Layer } from "./finding";
import { ROOT } from "./knowledge";
import { oneOf, type Options } from "./options";
import { reportOf, type Report } from "./report";

/** @throws ConfigError for a stack file that is wrong, UsageError for a machine that it does not have. */
export async function diagnose({ stack, hosts, layers: chosen, seconds }: Options): Promise<Report> {
  const homelab = parseHomelab(readStackFile(path.join(ROOT, `Pulumi.${stack}.yaml`)));
  const names = [...homelab.hypervisors, ...homelab.nodes].map(({ name }) => name);
  const only = hosts.map((name) => oneOf("--host", name, names));
  return report({ stack, homelab, only, timeout: seconds * 1000, env: process.env }, chosen);
}

/** Examines and judges. */
export async function report(examination: Examination, chosen: readonly Layer[] = []): Promise<Report> {
  const began = performance.now();
  const { house, facts } = await examine(examination);
  const findings = selected(evaluate(allChecks, { house, facts }), chosen);
  return reportOf(
    house.stack,
    house.targets.map(({ name }) => name),
    findings,
    performance.now() - began,
  );
}

/** The findings of these layers, and the faults that keep them from being checked. */
function selected(findings: readonly Finding[], chosen: readonly Layer[]): readonly Finding[] {
  if (chosen.length === 0) {
    return findings;
  }
  const own = findings.filter(({ layer }) => chosen.includes(layer));
  const roots = new Set(own.map(({ because }) => because));
  return findings.filter(
    (finding) =>
      own.includes(finding) ||
      (finding.checked &&
        finding.severity !== "ok" &&
        roots.has(finding.host === null ? finding.check : `${finding.check} ${finding.host}`)),
  );
}
