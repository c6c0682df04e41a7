/**
 * Layers of the house from the bottom up, in the order in which they are checked and reported. A fault in one explains
 * most of what is wrong above it, so repair begins with the first that is not in order.
 */
export const layers = [
  "configuration",
  "link",
  "address",
  "port",
  "ssh",
  "sudo",
  "identity",
  "system",
  "clock",
  "disks",
  "hypervisor",
  "exports",
  "router",
  "dns",
  "b2",
  "k3s",
  "cluster",
] as const;
export type Layer = (typeof layers)[number];

/** From harmless to harmful; `unknown` is what could not be found out. */
export const severities = ["ok", "warning", "unknown", "error"] as const;
export type Severity = (typeof severities)[number];

/** What a judgement says of one thing. */
export interface Verdict {
  severity: Severity;
  /** Which of several things of the same kind: a disk, a DNS name, a pod. */
  item?: string;
  found: string;
  expected: string;
  /** The next command to type, or the next thing to do; needed wherever something is not in order. */
  next?: string;
  /** Why nothing that needs this can be checked, though nothing is wrong here: there is no VM yet, no cluster yet. */
  absent?: string;
  /** True where checks that need this one can go on although it is not in order. */
  goOn?: boolean;
}

/** One line of the diagnosis. */
export interface Finding {
  /** Name of the check, such as `ssh.host-key`. */
  check: string;
  layer: Layer;
  /** Machine it is about; null for what belongs to the house as a whole. */
  host: string | null;
  item: string | null;
  severity: Severity;
  /** False where the check could not be made because of what `because` names. */
  checked: boolean;
  found: string;
  expected: string;
  /** One sentence. */
  why: string;
  next: string | null;
  /** Check, and machine if it has one, that has to be put in order first: `address.answers k3s1`. */
  because: string | null;
}

/** The worst severity of a list; ok for an empty one. */
export function worst(findings: readonly Pick<Finding, "severity">[]): Severity {
  return severities[Math.max(0, ...findings.map(({ severity }) => severities.indexOf(severity)))];
}
