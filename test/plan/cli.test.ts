import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { root } from "../support/home";

describe("npm run plan", function () {
  // A whole process each; slow on a busy machine.
  this.timeout(120_000);
  let folder: string;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-plan-"));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const plan = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(root, "bin", "plan.js"), ...args], {
      encoding: "utf8",
      cwd: folder,
      timeout: 110_000,
    });
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

  it("an --out that cannot be written is said without a stack", () => {
    fs.writeFileSync(path.join(folder, "file"), "");
    const { status, stderr } = plan("--out", "file/home");
    expect(status).to.equal(1);
    expect(stderr).to.contain("nothing can be written beside file/home");
    noStack(stderr);
  });

  it("every mistake of a stack's configuration is said at once, and nothing is written", () => {
    const stack = path.join(root, "Pulumi.five-mistakes-of-a-test.yaml");
    const home = fs.readFileSync(path.join(root, "Pulumi.home.yaml"), "utf8");
    const wrong = home
      .replace("ip: 192.168.10.224", "ip: 192.168.10.1")
      .replace("podCidr: 10.42.0.0/16", "podCidr: 10.42.0.1/16")
      .replace("defaultTier: standard", "defaultTier: standart")
      .replace('cron: "15 * * * *"', 'cron: "75 * * * *"')
      .replace("quickSync: {}", "quickSink: {}");
    fs.writeFileSync(stack, wrong);
    try {
      const { status, stderr } = plan("--stack", "five-mistakes-of-a-test", "--out", "wrong");
      expect(status).to.equal(1);
      for (const key of [
        "network.podCidr",
        "network.gateway.ip",
        "storage.defaultTier",
        "backup.schedules.hourly.cron",
        "machines.k3s1.quickSink",
      ]) {
        expect(stderr).to.contain(key);
      }
      expect(stderr).to.contain("nothing was touched").and.to.contain("did you mean 'quickSync'?");
      noStack(stderr);
      expect(fs.existsSync(path.join(folder, "wrong"))).to.equal(false);
    } finally {
      fs.rmSync(stack);
    }
  });
});
