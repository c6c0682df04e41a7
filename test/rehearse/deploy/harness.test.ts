import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { Harness } from "../../../rehearse/deploy/harness";
import type { DeployEvent, Run, StepResult } from "../../../rehearse/deploy/steps";
import { root } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { sshdProblem, startSshd, type TestSshd } from "../../support/sshd";
import { ProgramFolder } from "./programs";

const from = (...parts: string[]) => JSON.stringify(path.join(root, ...parts));

/** Real programs in the SDK's own process, real commands over a real sshd. */
describe("the harness, over a real sshd", function () {
  this.timeout(120_000);
  let sshd: TestSshd;
  let program: ProgramFolder;

  before(async function () {
    const problem = sshdProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    sshd = await startSshd();
  });
  after(() => sshd?.stop());
  beforeEach(() => (program = new ProgramFolder("")));
  afterEach(() => program.remove());

  const head = () => `
    import * as pulumi from "@pulumi/pulumi";
    import { local, remote } from "@pulumi/command";
    import * as random from "@pulumi/random";
    import { HostState } from ${from("nodes", "host-state")};
    const connection = {
      ${sshd.connectionSource}, dialErrorLimit: 2,
    };
    const trace = ${JSON.stringify(program.path("trace"))};
    const step = (name: string, text: string, opts: pulumi.CustomResourceOptions = {}) =>
      new remote.Command(name, { connection, create: "bash", stdin: \`echo \${name} >>\${trace}; \${text}\` }, opts);
  `;
  const up = async (body: string, events: DeployEvent[] = []): Promise<Run> => {
    program.write(`${head()}\n${body}`);
    return new Harness(program.stack()).up((event) => events.push(event));
  };
  const outcomes = ({ steps }: Run) => Object.fromEntries(steps.map(({ name, outcome }) => [name, outcome]));
  const step = ({ steps }: Run, name: string) => steps.find((one) => one.name === name) as StepResult;
  const trace = () => (fs.existsSync(program.path("trace")) ? program.read("trace").trim().split("\n") : []);

  it("carries a program out in its order, and a second time changes nothing", async () => {
    const body = `
      class Part extends pulumi.ComponentResource {
        constructor(name: string, opts: pulumi.ComponentResourceOptions = {}) {
          super("homelab:storage:Part", name, {}, opts);
          step("inside", "sleep 0.5", { parent: this });
          this.registerOutputs();
        }
      }
      const password = new random.RandomPassword("password", { length: 24, special: false });
      const id = new random.RandomId("id", { byteLength: 8, prefix: "home-" });
      const one = new remote.Command("one", { connection, create: "cat", stdin: password.result });
      const part = new Part("part", { dependsOn: one });
      step("after", "true", { dependsOn: part });
      const own = new local.Command("own", { create: "cat; echo $WORD >&2", stdin: "read", environment: { WORD: "said" } });
      export const echoed = one.stdout;
      export const generated = password.result;
      export const prefixed = id.hex;
      export const here = pulumi.interpolate\`\${own.stdout}, \${own.stderr}\`;
    `;
    const first = await up(body);
    expect(first.errors).to.deep.equal([]);
    expect(first.ok).to.equal(true);
    expect(first.outputs.echoed)
      .to.equal(first.outputs.generated)
      .and.to.match(/^[A-Za-z0-9]{24}$/);
    expect(first.outputs.prefixed).to.match(/^home-[0-9a-f]{16}$/);
    expect(first.outputs.here).to.equal("read, said");
    expect(trace()).to.deep.equal(["inside", "after"]);
    expect(step(first, "after").began, "dependsOn a component waits for its parts").to.be.at.least(
      step(first, "inside").ended,
    );
    expect(step(first, "inside").phase).to.equal("storage");
    expect(fs.statSync(program.stateFile).mode & 0o777).to.equal(0o600);

    const logins = sshd.logins();
    const second = await up(body);
    expect(second.ok).to.equal(true);
    expect(new Set(Object.values(outcomes(second)))).to.deep.equal(new Set(["same"]));
    expect(second.outputs).to.deep.equal(first.outputs);
    expect(trace()).to.deep.equal(["inside", "after"]);
    expect(sshd.logins(), "nobody was even asked").to.equal(logins);
  });

  it("a failure says where and why; what needs it is not begun, what does not is finished", async () => {
    const run = await up(`
      const secret = new random.RandomPassword("secret", { length: 20, special: false });
      const bad = new remote.Command("bad", {
        connection, create: "bash",
        stdin: pulumi.interpolate\`echo \${secret.result}; seq 1 30; echo 'it is full' >&2; exit 7\`,
      });
      const also = step("also-bad", "exit 3");
      step("never", "true", { dependsOn: bad });
      step("never-either", "true", { dependsOn: also });
      const slow = step("slow", "sleep 1");
      step("after-slow", "true", { dependsOn: slow });
    `);
    expect(run.ok).to.equal(false);
    expect(outcomes(run)).to.deep.equal({
      secret: "created",
      bad: "failed",
      "also-bad": "failed",
      slow: "created",
      "after-slow": "created",
    });
    const { message = "" } = step(run, "bad");
    expect(message)
      .to.contain("step bad on root@127.0.0.1")
      .and.contain("status 7")
      .and.contain("it is full")
      .and.contain(`ssh -p ${sshd.port} root@127.0.0.1`);
    expect(message, "only the last lines").not.to.match(/\| 3$/m);
    expect(trace()).not.to.include("never");
    expect(run.errors, "what follows from a failure is no error of its own").to.deep.equal([]);
  });

  it("a secret is kept out of messages", async () => {
    const run = await up(`
      const secret = new random.RandomPassword("secret", { length: 20, special: false });
      new remote.Command("bad", { connection, create: "bash", stdin: pulumi.interpolate\`echo \${secret.result}; exit 1\` });
      export const value = pulumi.unsecret(secret.result);
    `);
    expect(step(run, "bad").message).to.contain("[secret]");
    expect(JSON.stringify(run.steps)).not.to.contain(String(run.outputs.value));
  });

  it("a changed text runs again as an update, other triggers as a new one", async () => {
    const body = (update: string, trigger: number) => `
      new remote.Command("step", {
        connection, create: \`echo create >>\${trace}\`, update: \`echo ${update} >>\${trace}\`, triggers: [${trigger}],
      });`;
    await up(body("first", 1));
    const second = await up(body("second", 1));
    expect(outcomes(second)).to.deep.equal({ step: "updated" });
    const third = await up(body("second", 2));
    expect(outcomes(third)).to.deep.equal({ step: "updated" });
    expect(trace()).to.deep.equal(["create", "second", "create"]);
  });

  it("drift of a machine is found on the next run, named, and repaired", async () => {
    const file = program.path("watched");
    const body = `
      new HostState("watched", {
        machine: "k3s1", connection,
        probe: \`printf '{"file":"%s"}\\\\n' "$(cat ${file})"\`,
        expected: { file: "good" },
        repair: \`echo good >${file}; echo repaired >>\${trace}\`,
      });`;
    fs.writeFileSync(file, "good\n");
    expect(outcomes(await up(body))).to.deep.equal({ watched: "created" });
    expect(outcomes(await up(body))).to.deep.equal({ watched: "same" });
    fs.writeFileSync(file, "edited by hand\n");
    const found = await up(body);
    expect(outcomes(found)).to.deep.equal({ watched: "updated" });
    expect(step(found, "watched").message).to.equal("drift of k3s1: file was 'edited by hand', should be 'good'");
    expect(fs.readFileSync(file, "utf8")).to.equal("good\n");
    expect(trace()).to.deep.equal(["repaired"]);
  });

  it("a machine that shows another host key is refused at once, before anything runs on it", async () => {
    const began = Date.now();
    const run = await up(`
      const wrong = { ...connection, dialErrorLimit: 1000, hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBbTn1Ux4p1c0h1nNf6xS1b6f6f9Qv7QmQ1uT3h2s4Zx" };
      new remote.Command("step", { connection: wrong, create: \`touch \${trace}\` });
      new remote.Command("unpinned", { connection: { ...connection, hostKey: undefined }, create: \`touch \${trace}\` });
    `);
    expect(step(run, "step").message).to.contain("another host key").and.contain(sshd.hostKey.split(" ")[1]);
    expect(step(run, "unpinned").message).to.contain("host key is not pinned");
    expect(trace()).to.deep.equal([]);
    expect(Date.now() - began).to.be.below(60_000);
  });

  it("what cannot be had is named with its reason, and never said to be done", async () => {
    program.write(`${head()}
      class Bucket extends pulumi.CustomResource {
        declare readonly bucketId: pulumi.Output<string>;
        constructor(name: string) { super("b2:index/bucket:Bucket", name, { bucketId: undefined }, { provider: undefined }); }
      }
      class Strange extends pulumi.CustomResource {
        constructor(name: string) { super("strange:index:Thing", name, {}); }
      }
      const bucket = new Bucket("backups");
      new Strange("thing");
      step("gate-apply", "exit 1", { dependsOn: bucket });
      export const id = bucket.bucketId;
    `);
    const run = await new Harness(program.stack({ notRehearsed: { gate: "there is no GPU" } })).up(() => undefined);
    expect(run.ok).to.equal(true);
    const told = Object.fromEntries(run.steps.map(({ name, outcome, message }) => [name, `${outcome}: ${message}`]));
    expect(told).to.deep.equal({
      backups: "not rehearsed: there is no Backblaze here",
      thing: "not rehearsed: the harness makes no resource of type strange:index:Thing",
      "gate-apply": "not rehearsed: there is no GPU",
    });
    expect(run.outputs.id).to.equal("backups-id");
    expect(trace()).to.deep.equal([]);
  });

  it("bad configuration is said once, without a stack, and nothing is begun", async () => {
    const run = await up(`throw new pulumi.RunError("homelab:x is 3, it may be 1 or 2");`);
    expect(run.ok).to.equal(false);
    expect(run.errors).to.deep.equal(["homelab:x is 3, it may be 1 or 2"]);
    expect(run.steps).to.deep.equal([]);
  });

  it("what is waited for is told while it is waited for", async () => {
    const events: DeployEvent[] = [];
    await up(`new remote.Command("down", { connection: { ...connection, port: 1 }, create: "true" });`, events);
    const waits = events.flatMap((event) => (event.kind === "waiting" ? [event.on] : []));
    expect(waits.join("\n")).to.contain("root@127.0.0.1:1 to answer").and.contain("ECONNREFUSED");
  });

  it("a run that is killed goes on where it was, and makes no second secret", async () => {
    program.write(`${head()}
      const secret = new random.RandomPassword("secret", { length: 20, special: false });
      const first = new remote.Command("first", { connection, create: "bash", stdin: pulumi.interpolate\`echo \${secret.result} >>\${trace}\` });
      const second = step("second", "sleep 15", { dependsOn: first });
      step("third", "true", { dependsOn: second });
    `);
    const runner = program.path("run.ts");
    fs.writeFileSync(
      runner,
      `import { Harness } from ${from("rehearse", "deploy", "harness")};
       void new Harness(JSON.parse(process.argv[2])).up(() => undefined);`,
    );
    const killed = spawn(
      process.execPath,
      [
        "--require",
        path.join(root, "node_modules/ts-node/register/transpile-only"),
        runner,
        JSON.stringify(program.stack()),
      ],
      { cwd: root, stdio: "inherit" },
    );
    const ended = new Promise((resolve) => killed.once("exit", resolve));
    while (!trace().includes("second")) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(killed.exitCode).to.equal(null);
    }
    let refused = "";
    await new Harness(program.stack()).up(() => undefined).catch((error: Error) => (refused = error.message));
    expect(refused).to.contain("Another run").and.contain(String(killed.pid));
    killed.kill("SIGKILL");
    await ended;

    program.write(program.read("index.ts").replace("sleep 15", "true"));
    const run = await new Harness(program.stack()).up(() => undefined);
    expect(run.errors).to.deep.equal([]);
    expect(outcomes(run)).to.deep.equal({ secret: "same", first: "same", second: "created", third: "created" });
    expect(trace().slice(1)).to.deep.equal(["second", "second", "third"]);
  });

  it("a run that is stopped ends soon, says so, and goes on the next time", async () => {
    const stop = new AbortController();
    program.write(`${head()}
      const quick = step("quick", "true");
      step("slow", "sleep 15", { dependsOn: quick });
    `);
    const began = Date.now();
    const run = await new Harness(program.stack({ signal: stop.signal })).up((event) => {
      if (event.kind === "began" && event.name === "slow") {
        setTimeout(() => stop.abort(), 1000);
      }
    });
    expect(Date.now() - began).to.be.below(40_000);
    expect(run.ok).to.equal(false);
    expect(run.errors.join()).to.contain("the next run goes on");
    expect(outcomes(run)).to.deep.equal({ quick: "created", slow: "failed" });
    program.write(program.read("index.ts").replace("sleep 15", "true"));
    expect(outcomes(await new Harness(program.stack()).up(() => undefined))).to.deep.equal({
      quick: "same",
      slow: "created",
    });
  });
});
