import { execFile, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { fromYaml } from "../../../config/yaml";
import { helmTemplate } from "../../../mirror/helm";
import type { KubeObject } from "./api";

/** What helm needs to know. */
export interface Rendering {
  /** Release name. */
  name: string;
  /** Archive, or a name in the repository. */
  chart: string;
  version?: string;
  repositoryOpts?: { repo?: string };
  namespace?: string;
  skipCrds?: boolean;
  values?: Record<string, unknown>;
  /** As `v1.32.5`. */
  kubernetes: string;
  /** What the cluster serves. */
  apiVersions: readonly string[];
}

/**
 * The objects of a chart whose templates are plain YAML; undefined if one of them is a template.
 *
 * @param archive a chart's .tgz or folder.
 */
export async function objectsOfArchive(
  archive: string,
  { skipCrds }: { skipCrds: boolean },
): Promise<KubeObject[] | undefined> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-chart-"));
  try {
    await promisify(execFile)("tar", ["-xzf", archive, "-C", folder, "--no-same-owner"]);
    const [chart] = fs.readdirSync(folder);
    const root = path.join(folder, chart);
    const templates = textsBelow(path.join(root, "templates"));
    // Charts in charts/ have templates of their own, and conditions on whether they are in.
    if (fs.existsSync(path.join(root, "charts")) || templates.some(({ text }) => text.includes("{{"))) {
      return undefined;
    }
    const definitions = skipCrds ? [] : textsBelow(path.join(root, "crds"));
    return [...definitions, ...templates]
      .filter(({ name }) => /\.(ya?ml|json)$/.test(name))
      .flatMap(({ text }) => objectsIn(text));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The objects of a chart as `helm template` makes them; undefined without a helm.
 *
 * @throws Error with what helm said.
 */
export async function renderWithHelm(rendering: Rendering): Promise<KubeObject[] | undefined> {
  if (spawnSync("helm", ["version", "--short"]).error) {
    return undefined;
  }
  const { name, chart, namespace, kubernetes, values, apiVersions, skipCrds, version, repositoryOpts } = rendering;
  const flags = [
    ...["--no-hooks", "--api-versions", apiVersions.join(",")],
    ...(skipCrds === true ? [] : ["--include-crds"]),
    ...(version === undefined ? [] : ["--version", version]),
    ...(repositoryOpts?.repo === undefined ? [] : ["--repo", repositoryOpts.repo]),
  ];
  return objectsIn(await helmTemplate({ name, chart, namespace, kubernetes, values, flags }));
}

/** Objects of a YAML text, lists taken apart, hooks left out. */
export function objectsIn(text: string): KubeObject[] {
  return (fromYaml(text) as (KubeObject | null)[])
    .flatMap((object) =>
      object?.kind?.endsWith("List") && Array.isArray(object.items) ? (object.items as KubeObject[]) : [object],
    )
    .filter((object): object is KubeObject => object?.kind !== undefined)
    .map(({ metadata, ...object }): KubeObject => ({
      ...object,
      ...(metadata ? { metadata: withoutNulls(metadata) } : {}),
    }))
    .filter(({ metadata }) => metadata?.annotations?.["helm.sh/hook"] === undefined);
}

/** An `annotations:` or `labels:` with nothing below it, as templates leave it behind, is none. */
function withoutNulls<T extends object>(metadata: T): T {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null)) as T;
}

function textsBelow(folder: string): { name: string; text: string }[] {
  if (!fs.existsSync(folder)) {
    return [];
  }
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .map((name) => ({ name, text: fs.readFileSync(name, "utf8") }));
}
