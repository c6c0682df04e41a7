import { layers, severities, worst, type Finding, type Severity } from "./finding";

/** The whole diagnosis; also what `--json` prints. Names and meanings stay; keys may be added. */
export interface Report {
  /** Version of this form. */
  version: 1;
  stack: string;
  /** Names of the machines that were asked. */
  hosts: readonly string[];
  seconds: number;
  summary: Readonly<Record<Severity, number>> & { notChecked: number };
  /** As the process ends: 0, 1 or 2. */
  exitStatus: number;
  /** From the bottom up. */
  findings: readonly Finding[];
}

/** What the process ends with: 0 in order, 1 warnings or something that could not be found out, 2 errors. */
const EXIT: Readonly<Record<Severity, number>> = { ok: 0, warning: 1, unknown: 1, error: 2 };

export function reportOf(
  stack: string,
  hosts: readonly string[],
  findings: readonly Finding[],
  milliseconds: number,
): Report {
  const made = findings.filter(({ checked }) => checked);
  const count = (severity: Severity) => made.filter((finding) => finding.severity === severity).length;
  return {
    version: 1,
    stack,
    hosts,
    seconds: Math.round(milliseconds / 100) / 10,
    summary: {
      ok: count("ok"),
      warning: count("warning"),
      unknown: count("unknown"),
      error: count("error"),
      notChecked: findings.length - made.length,
    },
    exitStatus: EXIT[worst(findings)],
    findings,
  };
}

/** The report for a terminal: a line for each layer, details of what is not in order, and where to begin. */
export function textOf({ stack, hosts, seconds, summary, exitStatus, findings }: Report): string {
  const width = Math.max(...layers.map(({ length }) => length)) + 2;
  const indent = " ".repeat(width);
  const lines = layers.flatMap((layer) => {
    const all = findings.filter((finding) => finding.layer === layer);
    if (all.length === 0) {
      return [];
    }
    const made = all.filter(({ checked }) => checked);
    const counts = [...severities]
      .reverse()
      .map((severity) => [severity, made.filter((finding) => finding.severity === severity).length] as const)
      .filter(([, number]) => number > 0)
      .map(([severity, number]) => `${number} ${severity}`);
    const skipped = all.length - made.length;
    const head = [...counts, ...(skipped > 0 ? [`${skipped} not checked`] : [])].join(", ");
    return [`${layer.padEnd(width)}${head}`, ...detailsOf(made, indent), ...skippedOf(all, indent)];
  });
  const begin = findings.find(({ severity, checked }) => severity === "error" && checked);
  return [
    `Stack ${stack}: ${hosts.length === 1 ? "1 machine" : `${hosts.length} machines`}, ${findings.length} findings in ${seconds.toFixed(1)} s. Nothing was changed anywhere.`,
    "",
    ...lines,
    "",
    ...(begin
      ? [`Begin with ${titleOf(begin)}: ${begin.found}. What is above it in the house may only follow from it.`]
      : []),
    `${summary.ok} ok, ${summary.warning} warnings, ${summary.unknown} unknown, ${summary.error} errors, ${summary.notChecked} not checked; exit status ${exitStatus}`,
  ].join("\n");
}

function titleOf({ check, host, item }: Finding): string {
  return [check, host, item].filter((part) => part !== null).join(" ");
}

/** Findings of one check on one machine stand together, and their reason is said once. */
function detailsOf(made: readonly Finding[], indent: string): string[] {
  const faults = made.filter(({ severity }) => severity !== "ok");
  const groups = new Map<string, Finding[]>();
  for (const finding of faults) {
    const key = `${finding.check} ${finding.host}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].flatMap((group) => [
    ...group.flatMap((finding) => [
      `${indent}${finding.severity.toUpperCase()} ${titleOf(finding)}: ${finding.found}`,
      `${indent}  expected: ${finding.expected}`,
      `${indent}  next: ${finding.next ?? ""}`,
    ]),
    `${indent}  why: ${group[0].why}`,
  ]);
}

function skippedOf(all: readonly Finding[], indent: string): string[] {
  const byReason = new Map<string, Finding[]>();
  for (const finding of all.filter(({ checked }) => !checked)) {
    const key = `${finding.found.replace(/^not checked: /, "")} [${finding.because}]`;
    byReason.set(key, [...(byReason.get(key) ?? []), finding]);
  }
  return [...byReason].map(([reason, findings]) => {
    const hosts = [...new Set(findings.map(({ host }) => host ?? "the house"))].join(", ");
    return `${indent}not checked (${findings.length}, ${hosts}): ${reason}`;
  });
}
