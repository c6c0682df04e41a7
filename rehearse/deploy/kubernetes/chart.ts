import { execFile, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments, stringify } from "yaml";
import type { KubeObject } from "./api";

const run = promisify(execFile);
const LARGEST = 512 * 1024 * 1024;

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
    await run("tar", ["-xzf", archive, "-C", folder, "--no-same-owner"]);
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
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-chart-"));
  try {
    const values = path.join(folder, "values.yaml");
    fs.writeFileSync(values, stringify(rendering.values ?? {}), { mode: 0o600 });
    const { repo } = rendering.repositoryOpts ?? {};
    const { stdout } = await run(
      "helm",
      [
        "template",
        rendering.name,
        rendering.chart,
        ...["--namespace", rendering.namespace ?? "default", "--values", values, "--no-hooks"],
        ...["--kube-version", rendering.kubernetes, "--api-versions", rendering.apiVersions.join(",")],
        ...(rendering.skipCrds === true ? [] : ["--include-crds"]),
        ...(rendering.version === undefined ? [] : ["--version", rendering.version]),
        ...(repo === undefined ? [] : ["--repo", repo]),
      ],
      { maxBuffer: LARGEST },
    );
    return objectsIn(stdout);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`helm template of ${rendering.name}: ${said ?? (error as Error).message}`, { cause: error });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Objects of a YAML text, lists taken apart, hooks left out. */
export function objectsIn(text: string): KubeObject[] {
  return parseAllDocuments(text, { merge: true })
    .map((document) => {
      if (document.errors.length > 0) {
        throw document.errors[0];
      }
      return document.toJS({ maxAliasCount: -1 }) as KubeObject | null;
    })
    .flatMap((object) =>
      object?.kind?.endsWith("List") && Array.isArray(object.items) ? (object.items as KubeObject[]) : [object],
    )
    .filter((object): object is KubeObject => object?.kind !== undefined)
    .filter(({ metadata }) => metadata?.annotations?.["helm.sh/hook"] === undefined);
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
