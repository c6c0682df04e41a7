import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { chart } from "../../../rehearse/deploy/executors/chart";
import type { Context } from "../../../rehearse/deploy/executors/executor";
import { closeApis } from "../../../rehearse/deploy/executors/kubernetes";
import type { KubeObject } from "../../../rehearse/deploy/kubernetes/api";
import type { Registration } from "../../../rehearse/deploy/registration";

/** A cluster that nobody answers for: what this asks of it is only whether a kind has namespaces. */
const KUBECONFIG = stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "it", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "it", user: { token: "none" } }],
  contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
  "current-context": "it",
});

describe("a chart in the harness, whose pods are not real", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-chart-"))));
  afterEach(() => {
    closeApis();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("has the objects of its controllers beside its own, definitions first, and each says what it stands for", async () => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "own", namespace: "it" } };
    fs.mkdirSync(path.join(folder, "longhorn", "templates"), { recursive: true });
    fs.writeFileSync(path.join(folder, "longhorn", "templates", "it.yaml"), stringify(map));
    const archive = path.join(folder, "longhorn.tgz");
    expect(spawnSync("tar", ["-C", folder, "-czf", archive, "longhorn"]).status).to.equal(0);
    const inPlace: KubeObject[] = [
      { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "longhorn" } },
      {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "things.example.org" },
        spec: { group: "example.org", scope: "Namespaced", names: { kind: "Thing" } },
      },
    ];
    const made: string[] = [];
    const context = (place: readonly KubeObject[], whole?: string): Context => ({
      folder,
      unchanged: false,
      signal: new AbortController().signal,
      waiting: () => undefined,
      provider: () => ({ id: "it", inputs: { kubeconfig: KUBECONFIG } }),
      notRehearsed: (name) => (name === "longhorn" ? whole : undefined),
      inControllersPlace: (release) => (release === "longhorn" ? place : []),
      begin: () => Promise.resolve(),
      part: ({ type, name }, standIn) => {
        made.push(`${type.split(":").at(-1)} ${name.split(":")[1]} ${standIn ?? "real"}`);
        return Promise.resolve({ outcome: "created", id: name, outputs: {} });
      },
    });
    const registration = {
      urn: "urn:pulumi:s::p::kubernetes:helm.sh/v4:Chart::longhorn",
      type: "kubernetes:helm.sh/v4:Chart",
      name: "longhorn",
      inputs: { name: "longhorn", chart: archive, namespace: "it" },
      dependencies: [],
    } as unknown as Registration;
    const place = "made in the place of the chart's controllers, whose pods are not real";
    await chart(registration, undefined, context(inPlace));
    expect(made).to.have.members([
      `CustomResourceDefinition things.example.org ${place}`,
      "ConfigMap it/own real",
      `StorageClass longhorn ${place}`,
    ]);
    expect(made[0]).to.match(/^CustomResourceDefinition/);

    made.length = 0;
    await chart(registration, undefined, context([], "a stand-in chart"));
    expect(made).to.deep.equal(["ConfigMap it/own a stand-in chart"]);
  });
});
