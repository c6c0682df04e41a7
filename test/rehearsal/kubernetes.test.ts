import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import type { Stack } from "../../rehearse/deploy/deployer";
import type { Run, StepResult } from "../../rehearse/deploy/steps";
import { finished, must, run as runHere } from "../../sandbox/processes";
import { root } from "../support/home";
import { skipBecause } from "../support/skip";
import { ProgramFolder } from "../rehearse/deploy/programs";
import { StandIn, type Node } from "./stand-in";

const SERVER = "10.9.0.1";
const RUNNER = `
  import { Harness } from ${JSON.stringify(path.join(root, "rehearse", "deploy", "harness"))};
  import * as fs from "node:fs";
  const [stack, result] = process.argv.slice(2);
  void new Harness(JSON.parse(stack)).up(() => undefined).then((run) => fs.writeFileSync(result, JSON.stringify(run)));
`;

/** A real API server with its controllers, in a network of its own; the harness runs in there, too. */
describe("the harness, on a real API server", function () {
  this.timeout(180_000);
  let standIn: StandIn;
  let server: Node;
  let program: ProgramFolder;

  before(async function () {
    this.timeout(1_800_000);
    standIn = await StandIn.start(this, "rehearse", [SERVER]);
    server = standIn.configureServer("one", SERVER);
    await standIn.up(standIn.run(server));
    program = new ProgramFolder("");
    fs.writeFileSync(program.path("run.ts"), RUNNER);
  });
  after(async () => {
    await standIn?.end([server]);
    program?.remove();
  });

  const kubectl = (args: string, input = "") => standIn.kubectl(server, args, input);
  const up = async (body: string, more: Partial<Stack> = {}): Promise<Run> => {
    program.write(`
      import * as fs from "node:fs";
      import { CustomResource } from "@pulumi/kubernetes/apiextensions";
      import { CustomResourceDefinition } from "@pulumi/kubernetes/apiextensions/v1";
      import * as apps from "@pulumi/kubernetes/apps/v1";
      import * as core from "@pulumi/kubernetes/core/v1";
      import { Chart } from "@pulumi/kubernetes/helm/v4";
      import { Provider } from "@pulumi/kubernetes/provider";
      import { StorageClass } from "@pulumi/kubernetes/storage/v1";
      import * as pulumi from "@pulumi/pulumi";
      const kubeconfig = fs.readFileSync(${JSON.stringify(path.join(server.etc, "k3s/k3s.yaml"))}, "utf8");
      const identity = new pulumi.Config().get("identity") ?? "one";
      const provider = new Provider("cluster", { kubeconfig: pulumi.secret(kubeconfig), clusterIdentifier: identity });
      const opts = { provider };
      ${body}
    `);
    const result = program.path("run.json");
    fs.rmSync(result, { force: true });
    const node = [process.execPath, "--require", path.join(root, "node_modules/ts-node/register/transpile-only")];
    const command = [...node, program.path("run.ts"), JSON.stringify(program.stack(more)), result];
    const ran = await finished(standIn.inside(command));
    if (!fs.existsSync(result)) {
      throw new Error(`the harness ended with ${ran.status}: ${ran.stderr}`);
    }
    return JSON.parse(fs.readFileSync(result, "utf8")) as Run;
  };
  const told = ({ steps }: Run) =>
    Object.fromEntries(
      steps.map(({ name, outcome, message }) => [name, message === undefined ? outcome : `${outcome}: ${message}`]),
    );
  const step = ({ steps }: Run, name: string) => steps.find((one) => one.name === name) as StepResult;

  const objects = `
    const space = new core.Namespace("space", { metadata: { name: "space" } }, opts);
    const metadata = (name: string) => ({ name, namespace: space.metadata.name });
    const labels = { app: "web" };
    new core.ConfigMap("map", { metadata: metadata("map"), data: { a: "b" } }, opts);
    const secret = new core.Secret("secret", { metadata: metadata("secret"), stringData: { key: "a-hidden-value" } }, opts);
    new core.ServiceAccountPatch("account", { metadata: metadata("default"), automountServiceAccountToken: false }, opts);
    const deployment = new apps.Deployment("web", {
      metadata: metadata("web"),
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "example.invalid/app:1" }] } },
      },
    }, opts);
    new core.Service("service", { metadata: metadata("web"), spec: { selector: labels, ports: [{ port: 80 }] } }, opts);
    const late = new StorageClass("late", {
      metadata: { name: "late" }, provisioner: "rancher.io/local-path", volumeBindingMode: "WaitForFirstConsumer",
    }, opts);
    new core.PersistentVolumeClaim("claim", {
      metadata: metadata("claim"),
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: late.metadata.name, resources: { requests: { storage: "1Gi" } } },
    }, opts);
    const lamps = new CustomResourceDefinition("lamps", {
      metadata: { name: "lamps.example.com" },
      spec: {
        group: "example.com", scope: "Namespaced", names: { plural: "lamps", singular: "lamp", kind: "Lamp" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: {
          type: "object", properties: { spec: { type: "object", properties: { watts: { type: "integer", maximum: 60 } } } },
        } } }],
      },
    }, opts);
    new CustomResource("lamp", {
      apiVersion: "example.com/v1", kind: "Lamp", spec: { watts: 40 },
      metadata: { ...metadata("lamp"), annotations: { "pulumi.com/waitFor": "jsonpath={.spec.watts}=40" } },
    }, { ...opts, dependsOn: lamps });
    export const replicas = deployment.status.readyReplicas;
    export const uid = deployment.metadata.uid;
  `;

  it("objects of every sort are made and waited for; a second run changes nothing", async () => {
    const first = await up(objects);
    expect(first.errors).to.deep.equal([]);
    expect(first.ok, JSON.stringify(told(first))).to.equal(true);
    expect(first.outputs.replicas).to.equal(2);
    expect(
      Buffer.from(await kubectl("get secret secret -n space -o jsonpath={.data.key}"), "base64").toString(),
    ).to.equal("a-hidden-value");
    expect(await kubectl("get sa default -n space -o jsonpath={.automountServiceAccountToken}")).to.equal("false");
    const versions = () => kubectl("get configmap,deployment,pod,lamp,sa -n space -o jsonpath={..resourceVersion}");
    const before = await versions();

    const second = await up(objects);
    expect(second.ok, JSON.stringify(told(second))).to.equal(true);
    expect(second.steps.filter(({ outcome }) => outcome !== "same")).to.deep.equal([]);
    expect(second.outputs.uid).to.equal(first.outputs.uid);
    expect(await versions()).to.equal(before);
  });

  it("what was deleted or edited behind its back is named and repaired", async () => {
    await kubectl("delete storageclass late");
    const manager = (
      JSON.parse(await kubectl("get configmap map -n space -o json --show-managed-fields")) as {
        metadata: { managedFields: { manager: string }[] };
      }
    ).metadata.managedFields[0].manager;
    const edited = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "map", namespace: "space" },
      data: { a: "edited" },
    };
    await kubectl(`apply --server-side --field-manager=${manager} -f -`, JSON.stringify(edited));
    const run = await up(objects);
    expect(run.ok, JSON.stringify(told(run))).to.equal(true);
    expect(told(run)).to.include({ late: "updated: drift: it was gone", map: "updated: drift: .data.a", web: "same" });
    expect(await kubectl("get configmap map -n space -o jsonpath={.data.a}")).to.equal("b");
    expect(await kubectl("get storageclass late -o name")).to.contain("late");
  });

  it("what is refused is said with the API server's own words", async () => {
    await kubectl("create configmap foreign -n default");
    const run = await up(`
      new core.ConfigMap("foreign", { metadata: { name: "foreign", namespace: "default" }, data: { a: "b" } }, opts);
      new CustomResource("lamp", {
        apiVersion: "example.com/v1", kind: "Lamp", spec: { watts: 100 }, metadata: { name: "bright", namespace: "space" },
      }, opts);
      const job = new CustomResource("job", {
        apiVersion: "batch/v1", kind: "Job",
        metadata: { name: "stuck", namespace: "default", annotations: { "pulumi.com/timeoutSeconds": "2" } },
        spec: { suspend: true, template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } },
      }, opts);
      new core.ConfigMap("never", { metadata: { name: "never", namespace: "default" } }, { ...opts, dependsOn: job });
    `);
    const said = told(run);
    expect(said.foreign).to.contain("failed: ConfigMap default/foreign exists already");
    expect(said.lamp).to.match(/failed: Lamp space\/bright: .*less than or equal to 60/);
    expect(said.job)
      .to.contain("Job default/stuck was made, but after 2 s still waits for the Job to complete")
      .and.contain("kubectl describe job stuck --namespace default");
    expect(said).not.to.have.property("never");
  });

  it("a field that somebody else has taken is not taken back, as with the provider: the conflict is said", async () => {
    await kubectl('patch configmap map -n space -p {"data":{"a":"by-hand"}}');
    const run = await up(objects);
    expect(told(run).map).to.match(/^failed: ConfigMap space\/map: Apply failed with 1 conflict.*\.data\.a/s);
    expect(await kubectl("get configmap map -n space -o jsonpath={.data.a}")).to.equal("by-hand");
  });

  it("with the provider's own settings, it is taken, and what exists is adopted", async () => {
    const run = await up(`
      const willing = new Provider("willing", { kubeconfig: pulumi.secret(kubeconfig), enablePatchForce: true, upsertExistingObjects: true });
      new core.ConfigMap("adopted", { metadata: { name: "map", namespace: "space" }, data: { a: "taken" } }, { provider: willing });
    `);
    expect(run.ok, JSON.stringify(told(run))).to.equal(true);
    expect(await kubectl("get configmap map -n space -o jsonpath={.data.a}")).to.equal("taken");
  });

  it("for another cluster, nothing of the old one's state counts", async () => {
    const run = await up(objects, { config: { identity: "two" } });
    // It is the same cluster, in truth, and what is there would be refused by the provider, too.
    expect(told(run).space).to.contain("failed: Namespace space exists already");
    expect(told(run)).not.to.have.property("map");
  });

  describe("charts", () => {
    const chart = async (name: string, files: Record<string, string>): Promise<string> => {
      const source = path.join(standIn.folder, "charts", name);
      const all = { "Chart.yaml": `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`, ...files };
      for (const [file, text] of Object.entries(all)) {
        fs.mkdirSync(path.dirname(path.join(source, file)), { recursive: true });
        fs.writeFileSync(path.join(source, file), text);
      }
      const archive = path.join(standIn.folder, `${name}.tgz`);
      await must("tar", ["-czf", archive, "-C", path.join(standIn.folder, "charts"), name]);
      return archive;
    };
    const crd = stringify({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "bulbs.example.org" },
      spec: {
        group: "example.org",
        scope: "Namespaced",
        names: { plural: "bulbs", singular: "bulb", kind: "Bulb" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    });
    const bulb = (name: string) =>
      stringify({ apiVersion: "example.org/v1", kind: "Bulb", metadata: { name }, spec: {} });
    const made = (archive: string, more = "") => `
      const space = new core.Namespace("charted", { metadata: { name: "charted" } }, opts);
      new Chart("light", { name: "light", chart: ${JSON.stringify(archive)}, namespace: space.metadata.name, values: { watts: 7 }, ${more} }, opts);
    `;

    it("of plain YAML is applied object by object, its CRDs first, its hooks never", async () => {
      const hook = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: hook, annotations: { helm.sh/hook: pre-install } }\n`;
      const archive = await chart("plain", {
        "crds/bulbs.yaml": crd,
        "templates/all.yaml": `${bulb("a")}---\n${bulb("b")}---\n${hook}`,
      });
      const run = await up(made(archive));
      expect(run.ok, JSON.stringify(told(run))).to.equal(true);
      expect(told(run)).to.include({
        light: "created",
        "light:bulbs.example.org": "created",
        "light:charted/a": "created",
        "light:charted/b": "created",
      });
      expect(step(run, "light:charted/a").began).to.be.at.least(step(run, "light:bulbs.example.org").ended);
      expect(step(run, "light:charted/a").partOf).to.equal(step(run, "light").urn);
      expect(Object.keys(told(run))).not.to.include("light:charted/hook");
      await kubectl("delete bulb a -n charted");
      const again = await up(made(archive));
      expect(told(again)).to.include({
        light: "updated",
        "light:charted/a": "updated: drift: it was gone",
        "light:charted/b": "same",
      });
    });

    it("with templates is rendered by helm, with the program's values", async function () {
      if ((await runHere("sh", ["-c", "command -v helm"])).status !== 0) {
        skipBecause(this, "needs helm on PATH");
      }
      const template = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}" }\ndata: { watts: "{{ .Values.watts }}", api: "{{ .Capabilities.APIVersions.Has "example.org/v1/Bulb" }}", version: "{{ .Capabilities.KubeVersion }}" }\n`;
      const run = await up(made(await chart("templated", { "templates/map.yaml": template })));
      expect(run.ok, JSON.stringify(told(run))).to.equal(true);
      const { gitVersion } = JSON.parse(await kubectl("get --raw /version")) as { gitVersion: string };
      expect(JSON.parse(await kubectl("get configmap light -n charted -o jsonpath={.data}"))).to.deep.equal({
        watts: "7",
        api: "true",
        version: gitVersion.replace(/\+.*/, ""),
      });
    });

    it("that is absent, or of kinds that nobody serves, is named; what is a stand-in is said to be one", async () => {
      const archive = await chart("other", {
        "templates/all.yaml": `apiVersion: unknown.example/v1\nkind: Thing\nmetadata: { name: thing }\n---\n${bulb("c")}`,
      });
      const run = await up(
        `${made(archive)}
        const absent = new Chart("absent", { chart: "/nowhere/absent-1.tgz", namespace: "default" }, opts);
        new CustomResource("policy", {
          apiVersion: "cilium.io/v2", kind: "Policy", metadata: { name: "policy", namespace: "default" },
        }, { ...opts, dependsOn: absent });
        new CustomResource("waits", {
          apiVersion: "example.org/v1", kind: "Bulb",
          metadata: { name: "waits", namespace: "default", annotations: { "pulumi.com/waitFor": "condition=Ready" } },
        }, opts);
        `,
        {
          notRehearsed: {
            light: "a stand-in chart",
            absent: "the chart cannot be had",
            "cilium.io": "Cilium's CRDs come with its chart",
            "unknown.example": "nobody has it",
            "example.org": "its controller is not there",
          },
        },
      );
      expect(run.ok, JSON.stringify(told(run))).to.equal(true);
      expect(told(run)).to.include({
        "light:thing": "not rehearsed: unknown.example/v1 Thing: nobody has it",
        light: "updated: 1 of its 2 objects are of kinds that are not served here",
        absent: "not rehearsed: the chart cannot be had",
        policy: "not rehearsed: cilium.io/v2 Policy: Cilium's CRDs come with its chart",
        waits: "created",
      });
      expect(step(run, "light").standIn).to.equal("a stand-in chart");
      expect(step(run, "waits").standIn).to.equal("its controller is not there");
    });
  });
});
