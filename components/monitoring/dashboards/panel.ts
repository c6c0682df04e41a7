import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type * as sdk from "@grafana/grafana-foundation-sdk/dashboard";

/** A panel that knows its size; the board gives it a place. */
export interface PanelSource {
  panel: Builder<sdk.Panel>;
  /** Name of the alert whose page of runbooks it links to. */
  alert?: string;
}

/** One query of a panel. */
export interface Query {
  /** PromQL. `$__rate_interval` and the board's variables are filled in by Grafana. */
  expr: string;
  /** Name of a series, with labels in double braces. Default: its labels. */
  legend?: string;
}

/** What every kind of panel says of itself. */
export interface PanelSpec {
  title: string;
  /** What it shows and, where a colour asks for it, what to do first. Markdown. */
  description: string;
  queries: readonly Query[];
  /** Unit by Grafana's id, e.g. `bytes`, `percentunit`, `s`, `short` (SDK units). */
  unit: string;
  /** Columns of 24. */
  width: number;
  /** Rows of about 30 pixels. */
  height: number;
  /** Alert whose page of runbooks the panel links to; an alert that this house does not have is a mistake. */
  alert?: string;
  /** Steps from the lowest up; the first has no value. */
  thresholds?: Thresholds;
  /** Instead of a number that nobody measures. Default "no data". */
  noValue?: string;
  min?: number;
  max?: number;
  decimals?: number;
}

export type Colour = "green" | "orange" | "red" | "blue" | "text";

/** A colour from a value on. */
export type Thresholds = readonly [Colour, ...(readonly [number, Colour])[]];

/** Green below `warn`, orange from there, red from `bad`. */
export function highIsBad(warn: number, bad?: number): Thresholds {
  return bad === undefined ? ["green", [warn, "orange"]] : ["green", [warn, "orange"], [bad, "red"]];
}

/** Red below `bad`, orange below `good`, then green. */
export function lowIsBad(bad: number, good: number): Thresholds {
  return ["red", [bad, "orange"], [good, "green"]];
}

/** No colour has a meaning here. */
export const plain: Thresholds = ["text"];

/**
 * A count that is zero when nothing is found, but only while somebody looks: without series of `watched` there is no
 * answer, and a house that nobody measures does not look fine.
 */
export function countOrZero(found: string, watched: string): string {
  return `(count(${found}) or vector(0)) and on () (count(${watched}) > 0)`;
}
