import type { Homelab } from "../../config/homelab";
import type { ChartName } from "../../config/pins";
import { gatewayApiBundle, monitoringBundle } from "./bundles";
import { standIns } from "./charts";
import { because, type Choice, type Source } from "./choice";

/** Stand-ins of a choice that cannot be made, because nobody has derived the CRDs of that version. */
export function standInProblems(homelab: Homelab, { charts, bundles }: Choice): string[] {
  const made: [Source, () => unknown][] = [
    ...(Object.keys(standIns) as ChartName[]).map((name): [Source, () => unknown] => [
      charts[name],
      () => standIns[name](homelab),
    ]),
    [bundles.gatewayApi, () => gatewayApiBundle(homelab)],
    [bundles.prometheusOperatorCrds, () => monitoringBundle(homelab)],
  ];
  return made.flatMap(([source, make]) => {
    const problem = source === "real" ? undefined : problemOf(make);
    return problem === undefined ? [] : [`${problem}${because(source)}`];
  });
}

function problemOf(make: () => unknown): string | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
