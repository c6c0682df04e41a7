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

/** The report for a terminal: a line for each layer, one for each finding that is not in order, and where to begin. */
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
    return [`${layer.padEnd(width)}${head}`, ...detailsOf(made, indent)];
  });
  const begin = findings.find(({ severity, checked }) => severity === "error" && checked);
  return [
    `Stack ${stack}: ${hosts.length === 1 ? "1 machine" : `${hosts.length} machines`}, ${findings.length} findings in ${seconds.toFixed(1)} s. Nothing was changed anywhere.`,
    "",
    ...lines,
    "",
    ...skippedOf(findings),
    ...(begin
      ? [`Begin with ${titleOf(begin)}: ${begin.found}. What is above it in the house may only follow from it.`]
      : []),
    `${summary.ok} ok, ${summary.warning} warnings, ${summary.unknown} unknown, ${summary.error} errors, ${summary.notChecked} not checked; exit status ${exitStatus}`,
  ].join("\n");
}

function titleOf({ check, host, item }: Finding): string {
  return [check, host, item].filter((part) => part !== null).join(" ");
}

/** A line for each finding that is not in order: what, where, why it matters, what to type next. */
function detailsOf(made: readonly Finding[], indent: string): string[] {
  return made
    .filter(({ severity }) => severity !== "ok")
    .map(
      (finding) =>
        `${indent}${finding.severity.toUpperCase()} ${titleOf(finding)}: ${finding.found} (expected: ${finding.expected})` +
        ` | why: ${finding.why}${finding.next === null ? "" : ` | next: ${finding.next}`}`,
    );
}

/** What could not be checked, by what has to be put in order first. */
function skippedOf(findings: readonly Finding[]): string[] {
  const groups = grouped(
    findings.filter(({ checked }) => !checked),
    ({ because, found }) => `${because}\n${found}`,
  );
  return groups.map((group) => {
    const of = [...new Set(group.map(({ layer }) => layer))].join(", ");
    const [{ found, because }] = group;
    return `${found} [${because}]: ${group.length} checks of ${of}`;
  });
}

function grouped(findings: readonly Finding[], key: (finding: Finding) => string): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    groups.set(key(finding), [...(groups.get(key(finding)) ?? []), finding]);
  }
  return [...groups.values()];
}
