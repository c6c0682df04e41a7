import type { Homelab } from "../../../config/homelab";
import { literal } from "../regex";

/** One alert, as a person thinks of it. */
export interface Alert {
  /** Name in PascalCase; also a heading of its runbook. */
  name: string;
  /** PromQL; each series of the result is one alert. */
  expr: string;
  /** How long it must hold. Left out: at once. */
  for?: string;
  /** How long it stays after it held last, for what silences others: they take longer to recover. Default not at all. */
  keepFiringFor?: string;
  /** `critical`: data or the whole house is at risk, wake somebody. `warning`: look at it today. */
  severity: "warning" | "critical";
  /** Labels that the series do not have. Needed where several alerts share name and severity. */
  labels?: Readonly<Record<string, string>>;
  /** One line, for a phone. */
  summary: string;
  /** The first thing to do. */
  description: string;
  /** Heading of the page that explains it. Default its name. */
  runbook?: string;
}

/** A series that Prometheus computes and keeps, for alerts that look far back. */
export interface RecordingRule {
  /** Name, as level:metric:operation. */
  name: string;
  expr: string;
  labels?: Readonly<Record<string, string>>;
}

/** Alerts that one page of runbooks explains. */
export interface AlertGroup {
  /** Its page: runbooks/<topic>.md. */
  topic: string;
  /** Name of the group and of its PrometheusRule, where a page explains several. Default the topic. */
  name?: string;
  /** Evaluated before the alerts. */
  recordings?: readonly RecordingRule[];
  alerts: readonly Alert[];
}

/** GitHub's anchor of a heading: the alert's name, unless it says another. */
export function runbookUrl(homelab: Homelab, topic: string, heading: string): string {
  return `${homelab.monitoring.runbookBase.replace(/\/+$/, "")}/${topic}.md#${heading.toLowerCase()}`;
}

/** A PromQL matcher's regular expression that is exactly one of these names; in PromQL's strings a backslash is doubled. */
export function oneOf(names: readonly string[]): string {
  return names.map((name) => literal(name).replaceAll("\\", "\\\\")).join("|");
}
