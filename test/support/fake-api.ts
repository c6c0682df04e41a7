import { execFile, execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import type { Context } from "mocha";
import { renderStep, type ShellValue } from "../../nodes/host-script";
import { skipBecause } from "./skip";

/** A Kubernetes object as the API server would return it. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  [field: string]: unknown;
}

/** Plural names of the kinds that tests ask for. */
const plurals: Readonly<Record<string, string>> = {
  "v1 Node": "nodes",
  "apps/v1 DaemonSet": "daemonsets",
  "storage.k8s.io/v1 CSINode": "csinodes",
  "storage.k8s.io/v1 StorageClass": "storageclasses",
  "longhorn.io/v1beta2 Node": "nodes",
  "longhorn.io/v1beta2 Setting": "settings",
  "apiextensions.k8s.io/v1 CustomResourceDefinition": "customresourcedefinitions",
  "velero.io/v1 BackupStorageLocation": "backupstoragelocations",
};
const clusterScoped = [
  "apiextensions.k8s.io/v1 CustomResourceDefinition",
  "v1 Node",
  "storage.k8s.io/v1 CSINode",
  "storage.k8s.io/v1 StorageClass",
];

export interface GateRun {
  status: number;
  output: string;
}

/** Skips where gates cannot run. */
export function needKubectl(context: Context): void {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
  } catch {
    skipBecause(context, "kubectl is not installed");
  }
}

/**
 * Runs a gate as the control plane would: its rendered text in bash, with the real kubectl, against a server on loopback
 * that answers with these objects and nothing else, or with errors only.
 *
 * @param source file below nodes/scripts/gates.
 * @param libraries as in HostScript. Default: none.
 */
export async function runGate(
  source: string,
  variables: Readonly<Record<string, ShellValue>>,
  objects: readonly ApiObject[] | "down",
  libraries: readonly string[] = [],
): Promise<GateRun> {
  const server = http.createServer((request, response) => {
    if (objects === "down") {
      response.writeHead(500).end();
      return;
    }
    const answer = respond(new URL(request.url ?? "/", "http://localhost").pathname, objects);
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(
      JSON.stringify(answer ?? { kind: "Status", apiVersion: "v1", status: "Failure", code: 404, reason: "NotFound" }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gate-"));
  try {
    const { port } = server.address() as AddressInfo;
    // `k3s kubectl ...` becomes the kubectl of this machine, with a cache of its own.
    fs.writeFileSync(
      path.join(folder, "k3s"),
      `#!/bin/sh\nshift\nexec kubectl --server=http://127.0.0.1:${port} --cache-dir='${folder}/cache' "$@"\n`,
      { mode: 0o755 },
    );
    const script = renderStep({
      name: "gate",
      source: `gates/${source}`,
      libraries,
      variables: { WAIT_SECONDS: 0, ...variables },
      timeoutSeconds: 60,
    });
    return await bash(script, { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}`, KUBECONFIG: "/dev/null" });
  } finally {
    server.close();
    server.closeAllConnections();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function bash(script: string, env: NodeJS.ProcessEnv): Promise<GateRun> {
  return new Promise((resolve) => {
    const child = execFile("bash", ["-s"], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
    child.stdin?.end(script);
  });
}

function respond(at: string, objects: readonly ApiObject[]): unknown {
  const groups = [...new Set(Object.keys(plurals).map((key) => key.split(" ")[0]))].filter(
    (version) => version !== "v1",
  );
  if (at === "/api") {
    return { kind: "APIVersions", versions: ["v1"] };
  }
  if (at === "/apis") {
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groups.map((groupVersion) => {
        const [name, version] = groupVersion.split("/");
        const entry = { groupVersion, version };
        return { name, versions: [entry], preferredVersion: entry };
      }),
    };
  }
  const match = /^\/(?:api|apis)\/(v1|[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(at);
  if (!match) {
    return undefined;
  }
  const [, apiVersion, namespace, plural, name] = match;
  const kinds = Object.keys(plurals).filter((key) => key.startsWith(`${apiVersion} `));
  if (plural === undefined) {
    return kinds.length === 0
      ? undefined
      : {
          kind: "APIResourceList",
          apiVersion: "v1",
          groupVersion: apiVersion,
          resources: kinds.map((key) => ({
            name: plurals[key],
            singularName: key.split(" ")[1].toLowerCase(),
            kind: key.split(" ")[1],
            namespaced: !clusterScoped.includes(key),
            verbs: ["get", "list"],
          })),
        };
  }
  const kind = kinds.find((key) => plurals[key] === plural)?.split(" ")[1];
  const found = objects.filter(
    (object) =>
      object.apiVersion === apiVersion &&
      object.kind === kind &&
      (namespace === undefined || object.metadata.namespace === namespace),
  );
  return name === undefined
    ? { apiVersion, kind: `${kind}List`, metadata: {}, items: found }
    : found.find((object) => object.metadata.name === name);
}
