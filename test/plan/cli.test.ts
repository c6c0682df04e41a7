import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { root } from "../support/home";

describe("npm run plan", () => {
  let folder: string;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-plan-"));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const plan = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(root, "bin", "plan.js"), ...args], { encoding: "utf8", cwd: folder });
  const noStack = (text: string) => expect(text, "no stack trace for the user's own mistake").not.to.match(/^\s+at /m);

  it("prints the graph, the critical path and what needs the owner, and writes every artefact", () => {
    const { status, stdout, stderr } = plan("--out", "home");
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
    expect(stdout).to.contain("Critical path").and.to.contain("What needs you:").and.to.contain("longhorn");
    expect(stdout).to.contain("machines.k3s3.disks.optane-1.id");
    const svg = fs.readFileSync(path.join(folder, "home", "graph.svg"), "utf8").replaceAll("&#45;", "-");
    expect(svg).to.contain("<svg").and.to.contain("oauth2-proxy-longhorn");
    expect(fs.readdirSync(path.join(folder, "home"))).to.include.members([
      "hosts",
      "charts",
      "manifests",
      "b2",
      "plan.txt",
    ]);
  });

  it("a second run says that nothing changed", () => {
    const { status, stdout } = plan("--out", "again", "--against", "home");
    expect(status).to.equal(0);
    expect(stdout).to.contain("Nothing changed.");
  });

  it("refuses to replace a folder that is not a plan, and leaves it alone", () => {
    const films = path.join(folder, "films");
    fs.mkdirSync(films);
    fs.writeFileSync(path.join(films, "film.mkv"), "30 TB");
    const { status, stderr } = plan("--out", "films");
    expect(status).to.equal(1);
    expect(stderr).to.contain("films exists and is not a plan. Nothing was written.");
    noStack(stderr);
    expect(fs.readdirSync(films)).to.deep.equal(["film.mkv"]);
    expect(fs.readdirSync(folder).filter((name) => name.startsWith(".plan-"))).to.deep.equal([]);
  });

  it("names a stack that does not exist, and those that do", () => {
    const { status, stderr } = plan("--stack", "hoem");
    expect(status).to.equal(1);
    expect(stderr).to.contain("Pulumi.hoem.yaml").and.to.contain("home");
    noStack(stderr);
  });

  it("an unknown option prints the usage and ends with status 2", () => {
    const { status, stderr } = plan("--agianst", "x");
    expect(status).to.equal(2);
    expect(stderr).to.contain("--agianst").and.to.contain("usage: npm run plan");
    noStack(stderr);
  });

  it("an --against that is no plan is refused before anything is written", () => {
    const { status, stderr } = plan("--out", "never", "--against", "films");
    expect(status).to.equal(1);
    expect(stderr).to.contain("films is not the folder of a plan");
    expect(fs.existsSync(path.join(folder, "never"))).to.equal(false);
  });
});
