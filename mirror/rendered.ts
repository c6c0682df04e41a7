import { fromYaml } from "../config/yaml";
import { masked } from "../plan/masking";
import type { RecordedResource, Recording } from "../plan/record";
import { helmTemplate } from "./helm";
import { imagesIn } from "./references";

/** Images of the objects that the program makes itself. */
export function imagesOfObjects(recording: Recording): Set<string> {
  return imagesIn(
    recording.resources
      .filter(({ type }) => type.startsWith("kubernetes:") && !isChart(type))
      .map(({ inputs }) => inputs),
  );
}

/** Charts as the program registers them. */
export function chartsOf(recording: Recording): RecordedResource[] {
  return recording.resources.filter(({ type }) => isChart(type));
}

/**
 * Images of a chart with the program's own values, by `helm template`: what a chart starts depends on its values, and
 * only Helm knows how.
 *
 * @param archive the chart's archive in the mirror.
 * @throws Error with what Helm said.
 */
export async function imagesOfChart(
  { name, inputs }: RecordedResource,
  archive: string,
  kubernetes: string,
): Promise<Set<string>> {
  const text = await helmTemplate({ name, chart: archive, kubernetes, values: masked(inputs.values ?? {}) });
  return imagesIn(fromYaml(text));
}

function isChart(type: string): boolean {
  return type === "kubernetes:helm.sh/v4:Chart";
}
