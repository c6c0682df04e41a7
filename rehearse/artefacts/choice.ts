import type { ChartName } from "../../config/pins";

/** Files with CRDs that have a digest in the configuration, by their key below `versions`. */
export type BundleName = "gatewayApi" | "prometheusOperatorCrds";

/** Where an artefact of a rehearsal comes from. A stand-in without a reason: no mirror was named. */
export type Source = "real" | "stand-in" | { standIn: string };

/** What of a rehearsal is the real thing. */
export interface Choice {
  k3s: Source;
  charts: Readonly<Record<ChartName, Source>>;
  bundles: Readonly<Record<BundleName, Source>>;
}

/** Of each artefact why a mirror cannot give it; undefined if it can. */
export interface Lacks {
  k3s: string | undefined;
  charts: Readonly<Record<ChartName, string | undefined>>;
  bundles: Readonly<Record<BundleName, string | undefined>>;
}

/** What decides whether pods can run. */
export interface Pods {
  /** Charts of the rehearsal's program; a stack pins more. */
  charts: readonly ChartName[];
  /** Images of the rebuild that the mirror has not completely, or lists of images that could not be read. */
  images: readonly string[];
}

const SHOWN = 3;

/**
 * What is real and what a stand-in, and why. A chart or bundle is real if the mirror has it. K3s is more: its kubelet runs
 * pods, or fails to, so every image must be there, and every chart, for a stand-in's pods have no image at all.
 *
 * @param pods undefined if no pod has to run.
 */
export function choiceOf({ k3s, charts, bundles }: Lacks, pods: Pods | undefined): Choice {
  return {
    k3s: sourceOf(k3s ?? (pods && podless(charts, pods))),
    charts: mapped(charts, sourceOf),
    bundles: mapped(bundles, sourceOf),
  };
}

/** Everything is a stand-in, for no mirror was named. */
export function standInsOnly(charts: readonly ChartName[]): Choice {
  return {
    k3s: "stand-in",
    charts: Object.fromEntries(charts.map((name) => [name, "stand-in"])) as Record<ChartName, Source>,
    bundles: { gatewayApi: "stand-in", prometheusOperatorCrds: "stand-in" },
  };
}

/** `: <why>` of a stand-in that has a reason, to be put behind what it is. */
export function because(source: Source): string {
  return typeof source === "object" ? `: ${source.standIn}` : "";
}

function podless(lacks: Lacks["charts"], { charts, images }: Pods): string | undefined {
  const standIns = charts.filter((name) => lacks[name] !== undefined);
  if (standIns.length > 0) {
    return `pods of stand-in charts have no images, and there are ${standIns.length} such charts: ${some(standIns)}`;
  }
  const number = images.length === 1 ? "1 image is" : `${images.length} images are`;
  return images.length > 0 ? `${number} not complete in the mirror: ${some(images)}` : undefined;
}

function some(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `${names.slice(0, SHOWN).join(", ")}${more}`;
}

function sourceOf(lack: string | undefined): Source {
  return lack === undefined ? "real" : { standIn: lack };
}

function mapped<K extends string, T, U>(record: Readonly<Record<K, T>>, map: (value: T) => U): Record<K, U> {
  return Object.fromEntries(Object.entries<T>(record).map(([key, value]) => [key, map(value)])) as Record<K, U>;
}
