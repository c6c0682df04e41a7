import * as helm from "@pulumi/kubernetes/helm/v4";
import type * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../config/homelab";
import { mirroredChart } from "../config/mirror";
import { chartSources, type ChartName } from "../config/pins";

/** Helm values as plain data; leaves may be outputs. */
export type HelmValues = Record<string, unknown>;

export interface PinnedChartArgs {
  homelab: Homelab;
  chart: ChartName;
  namespace: pulumi.Input<string>;
  values: HelmValues;
  /** Leaves out what the chart has in its crds/ folder. Default true: CRDs come before, by a CrdBundle. */
  skipCrds?: boolean;
}

/**
 * A chart at its pinned version, from the mirror's folder if there is one: its digest was checked when the
 * configuration was loaded (config/mirror-lock.ts). Chart v4 makes every object visible to refresh; it drops hooks, so each chart's values
 * must be set such that it needs none.
 *
 * @param name also the release name, hence the prefix of the chart's objects.
 */
export function pinnedChart(name: string, args: PinnedChartArgs, opts: pulumi.ComponentResourceOptions): helm.Chart {
  const { versions } = args.homelab;
  const { repo, chart } = chartSources[args.chart];
  const version = versions.charts[args.chart];
  return new helm.Chart(
    name,
    {
      name,
      ...(versions.mirror
        ? { chart: `${versions.mirror.folder}/${mirroredChart(args.chart, version)}` }
        : { chart, version, repositoryOpts: { repo } }),
      namespace: args.namespace,
      skipCrds: args.skipCrds ?? true,
      values: args.values,
    },
    opts,
  );
}
