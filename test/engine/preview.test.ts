import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { cliProblem } from "../../rehearse/deploy/engine/engine-problem";
import { EngineProject } from "../support/engine";
import { skipBecause } from "../support/skip";
import { recordedHome } from "../support/stack";

describe("pulumi preview on a real engine", function () {
  this.timeout(300_000);
  let project: EngineProject | undefined;

  before(function () {
    const problem = cliProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    project = new EngineProject("this program");
    expect(project.run("stack", "init", "home").status).to.equal(0);
  });
  after(() => project?.remove());

  it("from zero, with the home stack as it is, creates what the plan shows", async function () {
    const start = performance.now();
    const { status, stdout, stderr } = (project as EngineProject).run("preview", "--stack", "home");
    if (/no resource plugin|could not (find|load) plugin|failed to (install|download) plugin/i.test(stdout + stderr)) {
      skipBecause(this, "the engine has no plugin for a provider, and cannot download it here");
    }
    expect(status, stdout + stderr).to.equal(0);
    const count = Number(/\+ (\d+) to create/.exec(stdout)?.[1]);
    console.log(`      ${count} resources in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    // The engine adds default providers, which the program does not register.
    expect(count - (await recordedHome()).resources.length).to.be.within(0, 5);
  });

  it("a mistake in the configuration is said without a stack, and nothing is planned", () => {
    const { folder } = project as EngineProject;
    const file = path.join(folder, "Pulumi.home.yaml");
    const text = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, text.replace("ip: 192.168.10.224", "ip: 192.168.10.7"));
    const { status, stdout, stderr } = (project as EngineProject).run("preview", "--stack", "home");
    fs.writeFileSync(file, text);
    expect(status).not.to.equal(0);
    expect(stdout + stderr)
      .to.contain("network.gateway.ip")
      .and.to.contain("nothing was touched");
    expect(stdout + stderr).not.to.match(/^\s+at .*\.ts/m);
  });

  it("up refuses every placeholder by name before anything is made", () => {
    // No machine is reached: the program ends before it registers a resource. The home stack's addresses are replaced
    // all the same.
    const { folder } = project as EngineProject;
    const file = path.join(folder, "Pulumi.home.yaml");
    const text = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, text.replaceAll("192.168.10.", "127.0.10."));
    const { status, stdout, stderr } = (project as EngineProject).run(
      "up",
      "--stack",
      "home",
      "--yes",
      "--skip-preview",
    );
    fs.writeFileSync(file, text);
    expect(status).not.to.equal(0);
    expect(stdout + stderr)
      .to.contain("machines.k3s3.disks.optane-1.id")
      .and.to.contain("secrets.b2ApplicationKey");
    expect(stdout + stderr).not.to.contain("command:remote:Command");
  });
});
