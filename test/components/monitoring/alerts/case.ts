import type { Homelab } from "../../../../config/homelab";
import type { Series } from "../dashboards/series";

/** An alert as somebody gets it. */
export interface Told {
  /** Every label but alertname. */
  labels: Readonly<Record<string, string>>;
  /** The line on the phone, word by word. */
  summary: string;
}

/** What Prometheus has seen, and what it must make of it. */
export interface AlertCase {
  alert: string;
  /** The situation in a few words. */
  when: string;
  /** Labels of the rules that this is about; left out: every rule of the alert's name. */
  rule?: Readonly<Record<string, string>>;
  series: readonly Series[];
  at: string;
  fires: readonly Told[];
  /** Time between samples. Default 1m. */
  interval?: string;
  /** Default: the home stack. */
  house?: () => Homelab;
}

export const of = (series: string, values: string): Series => ({ series, values });

/** One alert told, with its severity. */
export function told(severity: string, labels: Record<string, string>, summary: string): Told {
  return { labels: { severity, ...labels }, summary };
}
