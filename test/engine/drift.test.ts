import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { cliProblem } from "../../rehearse/deploy/engine/engine-problem";
import { EngineProject } from "../support/engine";
import { root } from "../support/home";
import { skipBecause } from "../support/skip";
import { sshdProblem, startSshd, type TestSshd } from "../support/sshd";

describe("drift of a machine on a real engine, over a real sshd", function () {
  this.timeout(300_000);
  let project: EngineProject | undefined;
  let sshd: TestSshd | undefined;
  let watched: string;

  before(async function () {
    const problem = cliProblem() ?? sshdProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    sshd = await startSshd();
    project = EngineProject.of("drift", program(sshd));
    watched = path.join(project.folder, "watched");
    fs.writeFileSync(watched, "as it should be\n");
    const up = project.run("up", "--yes", "--skip-preview", "--stack", "drift");
    expect(up.status, up.stdout + up.stderr).to.equal(0);
  });
  after(() => {
    sshd?.stop();
    project?.remove();
  });

  /** The provider as the program has it; the connection is told by the environment, as a second run must find it. */
  const program = ({ connectionSource }: TestSshd) => `
    import { HostState } from ${JSON.stringify(path.join(root, "nodes", "host-state"))};
    import * as path from "path";
    import * as pulumi from "@pulumi/pulumi";
    const watched = path.join(process.cwd(), "watched");
    new HostState("k3s1", {
      machine: "k3s1",
      connection: { ${connectionSource} },
      probe: \`printf '{"file":"%s"}\\\\n' "$(cat \${watched})"\`,
      expected: { file: "as it should be" },
      repair: \`echo 'as it should be' >\${watched}\`,
    });
  `;
  const drift = () =>
    (project as EngineProject).run(...["refresh", "--preview-only", "--expect-no-changes", "--stack", "drift"]);

  it("a refresh of an untouched machine finds nothing", () => {
    const { status, stdout, stderr } = drift();
    expect(status, stdout + stderr).to.equal(0);
  });

  it("a refresh of a machine that was edited by hand ends with status 7, and up repairs it", () => {
    fs.writeFileSync(watched, "edited by hand\n");
    const found = drift();
    expect(found.status, found.stdout + found.stderr).to.equal(7);
    const repaired = (project as EngineProject).run("up", "--refresh", "--yes", "--skip-preview", "--stack", "drift");
    expect(repaired.status, repaired.stdout + repaired.stderr).to.equal(0);
    expect(fs.readFileSync(watched, "utf8")).to.equal("as it should be\n");
    expect(drift().status).to.equal(0);
  });

  it("a machine that cannot be reached is an error, not drift", () => {
    sshd?.stop();
    sshd = undefined;
    const { status, stdout, stderr } = drift();
    expect(status).not.to.be.oneOf([0, 7]);
    expect(stdout + stderr)
      .to.contain("k3s1 (127.0.0.1:")
      .and.to.contain("This is no drift");
  });

  it("no private key stands in the state in clear", () => {
    const state = (project as EngineProject).run("stack", "export", "--stack", "drift").stdout;
    expect(state).to.contain("as it should be");
    expect(state).not.to.contain("PRIVATE KEY");
  });
});
