import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { Engine, lockOfADeadRun } from "../../../rehearse/deploy/engine/engine";
import { engineProblem } from "../../../rehearse/deploy/engine/engine-problem";
import { EngineSteps, dependenciesOf } from "../../../rehearse/deploy/engine/engine-steps";
import type { DeployEvent, Run } from "../../../rehearse/deploy/steps";
import { root } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { sshdProblem, startSshd, type TestSshd } from "../../support/sshd";
import { ProgramFolder } from "./programs";

describe("what a resource of the engine's state waits for", () => {
  it("components stand for what is in them, and a chart's objects wait for what the chart waits for", () => {
    const state = [
      { urn: "provider", type: "pulumi:providers:kubernetes", custom: true },
      { urn: "part", type: "homelab:x:Part" },
      { urn: "inside", type: "t", custom: true, parent: "part" },
      { urn: "chart", type: "kubernetes:helm.sh/v4:Chart", dependencies: ["part"] },
      { urn: "object", type: "t", custom: true, parent: "chart", provider: "provider::id" },
      { urn: "user", type: "t", custom: true, propertyDependencies: { a: ["chart"], b: null } },
    ];
    expect(Object.fromEntries(dependenciesOf(state))).to.deep.equal({
      provider: [],
      inside: [],
      object: ["inside", "provider"],
      user: ["object"],
    });
  });
});

describe("the lock of a killed run", () => {
  it("is told from that of a living one; several count as living as long as one does", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-locks-"));
    const lock = (name: string, pid: number) =>
      fs.writeFileSync(path.join(folder, `${name}.json`), JSON.stringify({ pid, hostname: "here" }));
    const dead = spawnSync("true").pid;
    expect(lockOfADeadRun(path.join(folder, "none")), "no folder").to.equal(false);
    expect(lockOfADeadRun(folder), "no lock").to.equal(false);
    lock("dead", dead);
    fs.writeFileSync(path.join(folder, "dead.json.attrs"), "");
    expect(lockOfADeadRun(folder), "a dead one's").to.equal(true);
    lock("alive", process.pid);
    expect(lockOfADeadRun(folder), "a living one's beside it").to.equal(false);
    fs.rmSync(folder, { recursive: true });
  });
});

describe("what the engine tells of its steps", () => {
  const told = (type: string, name: string, notRehearsed: Record<string, string> = {}) => {
    const events: DeployEvent[] = [];
    const steps = new EngineSteps((event) => events.push(event), notRehearsed);
    const metadata = { urn: `urn:pulumi:test::homelab::${type}::${name}`, type, op: "create", new: { type } } as never;
    steps.take({ resourcePreEvent: { metadata } } as never, 1);
    steps.take({ resOutputsEvent: { metadata } } as never, 2);
    return { events, steps: steps.results([]) };
  };

  it("what only groups others is no step: the stack, components, charts", () => {
    for (const type of ["pulumi:pulumi:Stack", "homelab:storage:Longhorn", "kubernetes:helm.sh/v4:Chart"]) {
      expect(told(type, "x"), type).to.deep.equal({ events: [], steps: [] });
    }
  });

  it("a gate that was empty is not called created, and its reason goes with it to whoever watches", () => {
    const { events, steps } = told("command:remote:Command", "gate-apply", { gate: "nobody answers" });
    expect(steps).to.have.length(1);
    expect(steps[0]).to.include({ outcome: "not rehearsed", message: "nobody answers" });
    expect(events[1]).to.have.nested.include({ "step.outcome": "not rehearsed", "step.message": "nobody answers" });
  });

  it("a refresh says by path what it found otherwise, and calls nothing drift that is as it was known", () => {
    const steps = new EngineSteps(() => undefined, {}, "refresh");
    const look = (name: string, op: string, found: object) => {
      const type = "pulumi-nodejs:dynamic/homelab:HostState";
      const old = { type, custom: true, outputs: { facts: { "unit.iscsid": "active", swap: "off" }, list: [1] } };
      const metadata = { urn: `urn:pulumi:test::homelab::${type}::${name}`, type, op, old, new: { ...old, ...found } };
      steps.take({ resOutputsEvent: { metadata } } as never, 1);
    };
    look("moved", "update", { outputs: { facts: { "unit.iscsid": "inactive" }, list: [1] } });
    look("as it was", "update", {});
    look("asked", "refresh", {});
    look("gone", "delete", {});
    expect(steps.results([]).map(({ name, outcome, message }) => [name, outcome, message])).to.deep.equal([
      ["moved", "updated", "changed: facts.swap, facts.unit.iscsid"],
      ["as it was", "same", undefined],
      ["asked", "same", undefined],
      ["gone", "deleted", undefined],
    ]);
  });

  it("of an object in the cluster, what the program asked for counts, and not what controllers write", () => {
    const steps = new EngineSteps(() => undefined, {}, "refresh");
    const look = (name: string, outputs: object) => {
      const type = "kubernetes:apps/v1:Deployment";
      const known = { __inputs: { spec: { replicas: 1 } }, spec: { replicas: 1, paused: false }, status: { ready: 0 } };
      const [old, found] = [known, { ...known, ...outputs }].map((all) => ({ type, custom: true, outputs: all }));
      const metadata = { urn: `urn:pulumi:test::homelab::${type}::${name}`, type, op: "update", old, new: found };
      steps.take({ resOutputsEvent: { metadata } } as never, 1);
    };
    look("ready", { status: { ready: 1 } });
    look("scaled", { __inputs: { spec: { replicas: 3 } }, spec: { replicas: 3, paused: false } });
    expect(steps.results([]).map(({ name, message }) => [name, message])).to.deep.equal([
      ["ready", undefined],
      ["scaled", "changed: spec.replicas"],
    ]);
  });

  it("an object is on a stand-in by its chart, its group or its kind", () => {
    const list = { cilium: "no chart", "velero.io": "no Velero", "v1/Service": "no address" };
    const of = (type: string, name: string) => told(type, name, list).steps[0].standIn;
    expect(of("kubernetes:helm.sh/v4:Chart$kubernetes:apps/v1:Deployment", "cilium:kube-system/x")).to.equal(
      "no chart",
    );
    expect(of("kubernetes:velero.io/v1:Schedule", "hourly")).to.equal("no Velero");
    expect(of("kubernetes:core/v1:Service", "web")).to.equal("no address");
    expect(of("kubernetes:core/v1:Secret", "web")).to.equal(undefined);
  });
});

describe("the engine, over a real sshd", function () {
  this.timeout(600_000);
  let sshd: TestSshd;
  let program: ProgramFolder;

  before(async function () {
    const problem = engineProblem() ?? sshdProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    sshd = await startSshd();
    program = new ProgramFolder("");
  });
  after(() => {
    sshd?.stop();
    program?.remove();
  });

  const write = (more: string) =>
    program.write(`
      import * as pulumi from "@pulumi/pulumi";
      import { remote } from "@pulumi/command";
      import * as b2 from "@pulumi/b2";
      import * as random from "@pulumi/random";
      import { HostState } from ${JSON.stringify(path.join(root, "nodes", "host-state"))};
      const connection = {
        ${sshd.connectionSource}, dialErrorLimit: 2,
      };
      const kept = new random.RandomPassword("kept", { length: 20, special: false }, { protect: true });
      const one = new remote.Command("one", { connection, create: "cat; sleep 1", stdin: kept.result });
      const file = ${JSON.stringify(program.path("watched"))};
      new HostState("watched", {
        machine: "k3s1", connection, expected: { file: "good" },
        probe: \`printf '{"file":"%s"}\\\\n' "$(cat \${file})"\`, repair: \`echo good >\${file}\`,
      }, { dependsOn: one });
      const gate = new remote.Command("gate-apply", { connection, create: "echo asked; exit 9" }, { dependsOn: one });
      new HostState("gate-state", {
        machine: "k3s1", connection, expected: { answer: "it's so" }, probe: "exit 9", repair: "exit 9",
      }, { dependsOn: gate });
      const account = new b2.Provider("account", { applicationKeyId: "id", applicationKey: pulumi.secret("key") });
      const bucket = new b2.Bucket("bucket", { bucketName: "films", bucketType: "allPrivate" }, { provider: account });
      const key = new b2.ApplicationKey(
        "key", { keyName: "films", capabilities: ["readFiles"], bucketIds: [bucket.bucketId] }, { provider: account },
      );
      new remote.Command("user", { connection, create: "cat", stdin: key.applicationKey }, { dependsOn: gate });
      export const word = new pulumi.Config().require("word");
      ${more}
    `);
  const engine = () =>
    new Engine(program.stack({ config: { word: "said" }, notRehearsed: { gate: "there is no GPU" } }));
  const outcomes = ({ steps }: Run) => Object.fromEntries(steps.map(({ name, outcome }) => [name, outcome]));

  it("up, an empty preview, drift, a failure, and a destroy that leaves what is protected", async () => {
    write("");
    const events: DeployEvent[] = [];
    const up = await engine().up((event) => events.push(event));
    expect(up.ok, up.errors.join("\n")).to.equal(true);
    expect(outcomes(up)).to.include({ kept: "created", one: "created", watched: "created" });
    // What nobody here could answer holds up nobody, and is not called done.
    expect(outcomes(up)).to.include({
      ...{ "gate-apply": "not rehearsed", "gate-state": "not rehearsed", user: "created" },
      ...{ bucket: "not rehearsed", key: "not rehearsed" },
    });
    expect(up.steps.find(({ name }) => name === "gate-state")!.message).to.equal("there is no GPU");
    expect(up.steps.find(({ name }) => name === "key")!.message).to.equal("there is no Backblaze here");
    expect(up.outputs).to.deep.equal({ word: "said" });
    const watched = up.steps.find(({ name }) => name === "watched")!;
    const one = up.steps.find(({ name }) => name === "one")!;
    expect(watched.dependencies).to.include(one.urn);
    expect(watched.began).to.be.at.least(one.ended);
    expect(one.ended - one.began).to.be.at.least(900);
    expect(events.filter(({ kind }) => kind === "began").length).to.be.at.least(3);
    expect(fs.existsSync(program.path("Pulumi.test.yaml")), "the program's folder stays as it is").to.equal(false);

    const preview = await engine().preview(() => undefined);
    expect(preview.ok, preview.errors.join("\n")).to.equal(true);
    expect(preview.steps.filter(({ outcome }) => !["same", "not rehearsed"].includes(outcome))).to.deep.equal([]);

    fs.writeFileSync(program.path("watched"), "edited by hand\n");
    const refresh = await engine().refresh(() => undefined);
    expect(refresh.ok, refresh.errors.join("\n")).to.equal(true);
    // By name, and nothing else: providers, which the engine calls updated at each refresh, are none of it.
    const drifted = refresh.steps.filter(({ outcome }) => outcome === "updated");
    expect(drifted.map(({ name, message }) => `${name} ${message}`)).to.deep.equal(["watched changed: facts.file"]);
    expect(outcomes(refresh).one).to.equal("same");
    const repaired = await engine().up(() => undefined);
    expect(outcomes(repaired).watched).to.equal("updated");
    expect(program.read("watched")).to.equal("good\n");

    write(`
      new remote.Command("bad", { connection, create: "echo it is full >&2; exit 7" });
      new remote.Command("good", { connection, create: "sleep 1" });
    `);
    const failed = await engine().up(() => undefined);
    expect(failed.ok).to.equal(false);
    expect(outcomes(failed)).to.include({ bad: "failed", good: "created" });
    expect(failed.steps.find(({ name }) => name === "bad")!.message).to.contain("it is full");

    const destroyed = await engine().destroy(() => undefined);
    expect(outcomes(destroyed)).to.include({ one: "deleted", watched: "deleted" });
    expect(outcomes(destroyed)).not.to.have.property("kept", "deleted");
  });
});
