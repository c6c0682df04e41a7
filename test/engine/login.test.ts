import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { cliProblem } from "../../rehearse/deploy/engine/engine-problem";
import { EngineProject } from "../support/engine";
import { root } from "../support/home";
import { skipBecause } from "../support/skip";
import { sshdProblem, startSshd, type TestSshd } from "../support/sshd";

describe("the first login on a machine, by a real engine and command provider, over a real sshd", function () {
  this.timeout(300_000);
  let project: EngineProject;
  let sshd: TestSshd;

  before(async function () {
    const problem = cliProblem() ?? sshdProblem();
    if (problem) {
      skipBecause(this, problem);
    }
    sshd = await startSshd();
    project = EngineProject.of("login", program(sshd));
  });
  after(() => {
    sshd?.stop();
    project?.remove();
  });

  /** A step as the program has it; which key is pinned is told by the file `key`. */
  const program = ({ connectionSource }: TestSshd) => `
    import { remote } from "@pulumi/command";
    import * as pulumi from "@pulumi/pulumi";
    import * as fs from "fs";
    import { HostLogin } from ${JSON.stringify(path.join(root, "nodes", "host-login"))};
    const connection = {
      ${connectionSource}, hostKey: fs.readFileSync("key", "utf8"), dialErrorLimit: 120, perDialTimeout: 15,
    };
    const host = {
      name: "k3s1", address: "127.0.0.1", user: "root", identity: { kind: "machine-id", value: "" } as const,
      incarnation: connection.hostKey, otherKey: "What to do.", connection,
    };
    const login = new HostLogin("k3s1-login", host);
    new remote.Command("step", { connection, create: "echo ran >>" + process.cwd() + "/ran" }, { dependsOn: [login] });
  `;
  const up = (hostKey: string) => {
    fs.writeFileSync(path.join(project.folder, "key"), hostKey);
    return project.run("up", "--yes", "--skip-preview", "--stack", "login");
  };

  it("another host key than the pinned one ends the run at once, before the step; the right one lets it pass", () => {
    // The command provider alone would dial for ten minutes; a run that takes four is killed.
    const refused = up(sshd.otherHostKey);
    expect(refused.status, refused.stdout + refused.stderr)
      .to.be.a("number")
      .and.not.to.equal(0);
    expect(refused.stdout + refused.stderr)
      .to.contain("another host key than the pinned one")
      .and.to.contain("What to do.");
    expect(fs.existsSync(path.join(project.folder, "ran"))).to.equal(false);
    const right = up(sshd.hostKey);
    expect(right.status, right.stdout + right.stderr).to.equal(0);
    expect(fs.readFileSync(path.join(project.folder, "ran"), "utf8")).to.equal("ran\n");
  });

  it("no private key stands in the state in clear", () => {
    expect(project.run("stack", "export", "--stack", "login").stdout).not.to.contain("PRIVATE KEY");
  });
});
