import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { masked } from "../plan/masking";
import type { RecordedResource, Recording } from "../plan/record";
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
export function imagesOfChart(chart: RecordedResource, archive: string, kubernetes: string): Set<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-mirror-"));
  try {
    const values = path.join(folder, "values.yaml");
    fs.writeFileSync(values, stringify(masked(chart.inputs.values ?? {})), { mode: 0o600 });
    const { status, stdout, stderr, error } = spawnSync(
      "helm",
      ["template", chart.name, archive, "--namespace", "default", "--kube-version", kubernetes, "--values", values],
      { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
    );
    if (error || status !== 0) {
      throw new Error(`helm template of ${chart.name}: ${error?.message ?? stderr.trim()}`);
    }
    return imagesIn(parseAllDocuments(stdout).map((document) => document.toJS() as unknown));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function isChart(type: string): boolean {
  return type === "kubernetes:helm.sh/v4:Chart";
}
