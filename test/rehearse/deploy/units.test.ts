import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { absentStep } from "../../../rehearse/deploy/absent";
import { canonical } from "../../../plan/canonical";
import { digest } from "../../../rehearse/deploy/digest";
import { driftOf } from "../../../rehearse/deploy/executors/dynamic";
import { randomText } from "../../../rehearse/deploy/executors/random";
import { objectsIn } from "../../../rehearse/deploy/kubernetes/chart";
import { differencesOf } from "../../../rehearse/deploy/kubernetes/drift";
import { at, readiness } from "../../../rehearse/deploy/kubernetes/ready";
import { Masking } from "../../../rehearse/deploy/masking";
import { seconds, urnOf } from "../../../rehearse/deploy/registration";
import { StateFile } from "../../../rehearse/deploy/state";
import { phaseOf } from "../../../rehearse/deploy/steps";
import { unwrap, wrap } from "../../../rehearse/deploy/wire";
import { recordedHome } from "../../support/stack";

describe("the harness's state", () => {
  let folder: string;
  const file = () => path.join(folder, "state.json");
  const recorded = (id: string) => ({ type: "t", id, inputs: "i", outputs: {} });
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-state-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("is on the disk as soon as it is said to be, and nobody else may read it", async () => {
    const state = StateFile.open(file(), "test");
    await Promise.all(Array.from({ length: 200 }, (_, index) => state.set(`urn:${index}`, recorded(String(index)))));
    const read = JSON.parse(fs.readFileSync(file(), "utf8")) as { resources: Record<string, { id: string }> };
    expect(Object.keys(read.resources)).to.have.length(200);
    expect(fs.statSync(file()).mode & 0o777).to.equal(0o600);
    await state.delete("urn:7");
    state.close();
    expect(StateFile.open(file(), "test").urns()).to.have.length(199);
  });

  it("is open once at a time; the lock of a process that is gone is taken over", () => {
    const state = StateFile.open(file(), "test");
    expect(() => StateFile.open(file(), "test")).to.throw(`process ${process.pid}`);
    state.close();
    fs.writeFileSync(`${file()}.lock`, "999999 1");
    StateFile.open(file(), "test").close();
    // The number belongs to another process by now.
    fs.writeFileSync(`${file()}.lock`, `${process.pid} 1`);
    StateFile.open(file(), "test").close();
  });

  it("of another stack, torn or foreign is refused, and left as it is", async () => {
    const state = StateFile.open(file(), "test");
    await state.set("urn:a", recorded("a"));
    state.close();
    expect(() => StateFile.open(file(), "other")).to.throw("is the state of stack test, not of other");
    for (const text of ["{", "{}", '{"version":2}']) {
      fs.writeFileSync(file(), text);
      expect(() => StateFile.open(file(), "test")).to.throw("Nothing was touched");
      expect(fs.readFileSync(file(), "utf8")).to.equal(text);
      expect(fs.existsSync(`${file()}.lock`)).to.equal(false);
    }
  });
});

describe("what the harness decides", () => {
  it("digests do not depend on the order of keys", () => {
    expect(digest({ a: 1, b: { c: [1, 2], d: undefined } })).to.equal(digest({ b: { c: [1, 2] }, a: 1 }));
    expect(digest({ a: [1, 2] })).not.to.equal(digest({ a: [2, 1] }));
    expect(canonical({ b: null, a: "x" })).to.equal('{"a":"x","b":null}');
  });

  it("marks of secrets are taken off, remembered, and put on again", () => {
    const secret = (value: unknown) => ({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value,
    });
    const { inputs, secretKeys, secrets } = unwrap({
      plain: "a",
      nested: { list: ["b", secret("hidden")] },
      connection: secret({ host: "machine", privateKey: "the-key" }),
    });
    expect(inputs).to.deep.equal({
      plain: "a",
      nested: { list: ["b", "hidden"] },
      connection: { host: "machine", privateKey: "the-key" },
    });
    expect(secretKeys).to.deep.equal(["nested", "connection"]);
    expect(secrets).to.deep.equal(["hidden", "the-key"]);
    expect(unwrap(wrap(inputs, secretKeys)).secretKeys).to.deep.equal(secretKeys);
  });

  it("secrets are masked, lines of keys too, texts of scripts not", () => {
    const masking = new Masking();
    masking.add([
      "password-1",
      "authentik",
      "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----",
      "set -e\nls /etc",
      "short",
    ]);
    expect(masking.mask("password-1 authentik abcdefgh ls /etc short")).to.equal(
      "[secret] authentik [secret] ls /etc short",
    );
  });

  it("URNs are the engine's", () => {
    const stack = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s";
    expect(urnOf("s", "p", { type: "a:b:C", name: "n", parent: stack })).to.equal("urn:pulumi:s::p::a:b:C::n");
    expect(urnOf("s", "p", { type: "d:e:F", name: "m", parent: "urn:pulumi:s::p::a:b:C::n" })).to.equal(
      "urn:pulumi:s::p::a:b:C$d:e:F::m",
    );
  });

  it("durations of custom timeouts", () => {
    expect([undefined, "", "30s", "10m", "1h30m"].map(seconds)).to.deep.equal([undefined, undefined, 30, 600, 5400]);
  });

  it("every step of the home stack has a phase that says where it belongs", async () => {
    const home = await recordedHome();
    const phases = new Map<string, number>();
    for (const resource of home.resources.filter(({ custom, remote }) => custom || remote)) {
      // The recorder's own URNs name the closest parent only; the engine's, and the harness', all of them.
      const urn = home
        .lineage(resource)
        .reverse()
        .reduce((parent, { type, name }) => urnOf("home", "homelab", { type, name, parent }), "");
      phases.set(phaseOf(urn), (phases.get(phaseOf(urn)) ?? 0) + 1);
    }
    expect([...phases.keys()].sort()).to.deep.equal(
      "apps backup certificates gpu identity k3s machines monitoring network secrets stack storage".split(" "),
    );
    expect(phases.get("stack"), "the generation, and providers").to.be.at.most(3);
  }).timeout(120_000);

  it("absent steps are found by name; charts and objects of that name are not", () => {
    const absent = { longhorn: "no iSCSI", "nvidia-ready": "no GPU", "kubernetes:core/v1:Secret::token": "no account" };
    const reason = (type: string, name: string) => absentStep({ type, name }, absent);
    expect(reason("command:remote:Command", "nvidia-ready-apply")).to.equal("no GPU");
    expect(reason("pulumi-nodejs:dynamic/homelab:HostState", "nvidia-ready-state")).to.equal("no GPU");
    expect(reason("command:remote:Command", "nvidia")).to.equal(undefined);
    expect(reason("kubernetes:helm.sh/v4:Chart", "longhorn")).to.equal(undefined);
    expect(reason("kubernetes:core/v1:Namespace", "longhorn")).to.equal(undefined);
    expect(reason("kubernetes:core/v1:Secret", "token")).to.equal("no account");
    expect(reason("command:remote:Command", "toString")).to.equal(undefined);
    const webhooks = { "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration": "no pod" };
    const [type] = Object.keys(webhooks);
    expect(absentStep({ type, name: "cert-manager:cert-manager-webhook" }, webhooks)).to.equal("no pod");
    expect(absentStep({ type: type.replace("Mutating", "Other"), name: "it" }, webhooks)).to.equal(undefined);
  });

  it("random text keeps to its classes and its length", () => {
    for (let round = 0; round < 50; round++) {
      expect(randomText({ length: 32, special: false })).to.match(/^[A-Za-z0-9]{32}$/);
      expect(randomText({ length: 48, special: false, upper: false })).to.match(/^[a-z0-9]{48}$/);
      expect(randomText({ length: 8, minNumeric: 7, special: false }).replace(/\D/g, "").length).to.be.at.least(7);
      expect(randomText({ length: 16, lower: false, upper: false, numeric: false, overrideSpecial: "-_" })).to.match(
        /^[-_]{16}$/,
      );
    }
  });

  it("drift is said fact by fact", () => {
    const inputs = { expected: { a: "1", b: "2" } };
    expect(driftOf(inputs, { machine: "k3s1", facts: { a: "1", b: "2", c: "3" } })).to.equal(undefined);
    expect(driftOf(inputs, { machine: "k3s1", facts: { a: "0" } })).to.equal(
      "drift of k3s1: a was '0', should be '1'; b was 'unknown', should be '2'",
    );
  });
});

describe("Kubernetes objects in the harness", () => {
  const around = { update: false };
  const object = (apiVersion: string, kind: string, rest: object) => ({ apiVersion, kind, ...rest });

  it("a Deployment is ready when this very form of it is", () => {
    const deployment = (status: object) =>
      readiness(
        object("apps/v1", "Deployment", { metadata: { generation: 2 }, spec: { replicas: 2 }, status }),
        around,
      );
    const good = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
    expect(deployment(good)).to.equal("ready");
    expect(deployment({ ...good, observedGeneration: 1 })).to.have.property("waitsFor");
    expect(deployment({ ...good, availableReplicas: 1 })).to.deep.equal({
      waitsFor: "1 of 2 pods available, 2 of the new form",
    });
    expect(deployment({ ...good, replicas: 3 }), "one of the old form is left").to.have.property("waitsFor");
    const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "late" }];
    expect(deployment({ ...good, availableReplicas: 0, conditions })).to.deep.equal({ failed: "late" });
  });

  it("a claim of a class that waits for its pod is not waited for", () => {
    const claim = (phase: string, bindingMode?: string, update = false) =>
      readiness(object("v1", "PersistentVolumeClaim", { status: { phase } }), { bindingMode, update });
    expect(claim("Bound")).to.equal("ready");
    expect(claim("Pending", "WaitForFirstConsumer")).to.equal("ready");
    expect(claim("Pending", "Immediate")).to.deep.equal({ waitsFor: "the claim to be bound, is Pending" });
    expect(claim("Pending", "WaitForFirstConsumer", true)).to.have.property("waitsFor");
  });

  it("a Service waits for pods and for its address, unless it has none", () => {
    const service = (spec: object, endpoints = { ready: 0, pending: 0 }, status = {}) =>
      readiness(object("v1", "Service", { spec, status }), { update: false, endpoints });
    const selector = { app: "web" };
    expect(service({ selector })).to.have.property("waitsFor");
    expect(service({ selector }, { ready: 1, pending: 0 })).to.equal("ready");
    expect(service({ selector }, { ready: 1, pending: 1 })).to.have.property("waitsFor");
    expect(service({ selector, clusterIP: "None" })).to.equal("ready");
    expect(service({})).to.equal("ready");
    expect(service({ type: "LoadBalancer", selector }, { ready: 1, pending: 0 })).to.have.property("waitsFor");
  });

  it("conditions of the program's own come before those of the kind", () => {
    const job = (annotation: string, status: object) =>
      readiness(
        object("batch/v1", "Job", { metadata: { annotations: { "pulumi.com/waitFor": annotation } }, status }),
        around,
      );
    const conditions = [{ type: "Ready", status: "True" }];
    expect(job("condition=Ready", { conditions })).to.equal("ready");
    expect(job("condition=Ready=False", { conditions })).to.have.property("waitsFor");
    const both = JSON.stringify(["condition=Ready", "jsonpath={.status.addresses[0].value}=10.0.0.1"]);
    expect(job(both, { conditions, addresses: [{ value: "10.0.0.1" }] })).to.equal("ready");
    expect(job(both, { conditions })).to.deep.equal({ waitsFor: ".status.addresses[0].value to be 10.0.0.1" });
    expect(job("jsonpath={.status.bundle}", { bundle: "x" })).to.equal("ready");
    expect(() => job("nothing=x", {})).to.throw("neither condition=");
    expect(() => at({}, ".a[?(@.b)]")).to.throw("cannot follow");
  });

  it("every wait of the home stack can be followed", async () => {
    const { resources } = await recordedHome();
    const waits = resources.flatMap(({ inputs }) => {
      const { metadata } = inputs as { metadata?: { annotations?: Record<string, string> } };
      return metadata?.annotations?.["pulumi.com/waitFor"] === undefined ? [] : [{ metadata }];
    });
    expect(waits).not.to.have.length(0);
    for (const { metadata } of waits) {
      expect(readiness({ metadata }, around)).to.have.property("waitsFor");
    }
  }).timeout(120_000);

  it("differences are paths; what the API server keeps of its own is none", () => {
    const live = {
      metadata: { name: "a", resourceVersion: "1", managedFields: [] },
      data: { x: "1", y: "2" },
      status: 1,
    };
    expect(
      differencesOf(live, { metadata: { name: "a", resourceVersion: "2" }, data: { y: "2", x: "1" } }),
    ).to.deep.equal([]);
    expect(
      differencesOf(live, { metadata: { name: "a", labels: { l: "1" } }, data: { x: "0", y: "2" } }),
    ).to.deep.equal([".data.x", ".metadata.labels"]);
  });

  it("YAML of charts: lists are taken apart, hooks and empty documents left out", () => {
    const text = `# nothing
---
kind: ConfigMapList
apiVersion: v1
items: [{ kind: ConfigMap, apiVersion: v1, metadata: { name: a } }]
---
kind: Job
metadata: { name: hook, annotations: { helm.sh/hook: post-install } }
---
kind: Secret
metadata: { name: b }
`;
    expect(objectsIn(text).map(({ kind, metadata }) => `${kind} ${metadata?.name}`)).to.deep.equal([
      "ConfigMap a",
      "Secret b",
    ]);
    // As Cilium 1.17 writes them.
    expect(objectsIn("kind: A\nmetadata: { name: a, annotations: , labels: }\nmode: 0400\n")).to.deep.equal([
      { kind: "A", metadata: { name: "a" }, mode: 0o400 },
    ]);
    expect(() => objectsIn("a: [")).to.throw();
  });
});
