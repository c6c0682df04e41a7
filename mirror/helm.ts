import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { toYaml } from "../config/yaml";

const LARGEST = 512 * 1024 * 1024;

/** A release as `helm template` is told of it. */
export interface Release {
  name: string;
  /** Archive, folder, or a name in the repository of `flags`. */
  chart: string;
  namespace?: string;
  /** Version of the cluster, as `v1.32.5`. */
  kubernetes: string;
  values?: unknown;
  /** Further words of the command line. */
  flags?: readonly string[];
}

/**
 * What `helm template` prints of a release: YAML documents. Values lie in a file that only this user may read.
 *
 * @throws Error with what helm said.
 */
export async function helmTemplate(release: Release): Promise<string> {
  const { name, chart, namespace = "default", kubernetes, values = {}, flags = [] } = release;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-helm-"));
  try {
    const file = path.join(folder, "values.yaml");
    fs.writeFileSync(file, toYaml(values), { mode: 0o600 });
    const about = ["--namespace", namespace, "--kube-version", kubernetes, "--values", file];
    const { stdout } = await promisify(execFile)("helm", ["template", name, chart, ...about, ...flags], {
      maxBuffer: LARGEST,
    });
    return stdout;
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    throw new Error(`helm template of ${name}: ${stderr.trim() || message}`, { cause: error });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
