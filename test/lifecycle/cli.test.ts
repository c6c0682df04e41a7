import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { Cluster } from "../../lifecycle/actors/cluster";
import { parseOptions } from "../../lifecycle/options";
import { freePort } from "../support/sshd";
import { edited, root } from "../support/home";
import { worker } from "./facts";

describe("npm run node", function () {
  // A whole process each; slow on a busy machine.
  this.timeout(120_000);
  let folder: string;
  let kubeconfig: string;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-node-"));
    const config = edited(({ machines }) => {
      machines.k3s3.identity = { ...worker().identity };
      machines.k3s3.ssh.hostKey = worker().ssh.hostKey;
    });
    const keys = Object.fromEntries(Object.entries(config).map(([key, value]) => [`homelab:${key}`, value]));
    fs.writeFileSync(path.join(folder, "Pulumi.home.yaml"), stringify({ config: keys }));
    kubeconfig = path.join(folder, "kubeconfig");
    fs.writeFileSync(
      kubeconfig,
      stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "home", cluster: { server: `https://127.0.0.1:${await freePort()}` } }],
        users: [{ name: "home", user: {} }],
        contexts: [{ name: "home", context: { cluster: "home", user: "home" } }],
        "current-context": "home",
      }),
    );
    fs.writeFileSync(path.join(folder, "key"), "not looked at before the cluster answers");
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** Without a Pulumi CLI, whatever there is on this machine, and without an SSH agent. */
  const run = (...args: string[]) => {
    const files = fs.readdirSync(folder);
    const ran = spawnSync(process.execPath, [path.join(root, "bin", "node.js"), ...args], {
      encoding: "utf8",
      cwd: folder,
      timeout: 60_000,
      env: { ...process.env, PATH: "/nowhere", SSH_AUTH_SOCK: "", KUBECONFIG: kubeconfig },
    });
    expect(fs.readdirSync(folder), "nothing is written").to.deep.equal(files);
    expect(ran.stderr, "no stack trace for the user's own mistake").not.to.match(/^\s+at /m);
    return ran;
  };

  it("a mistake in its words ends with the usage and status 2", () => {
    for (const [args, message] of [
      [[], "which command?"],
      [["destroy", "k3s3"], "'destroy' is no command"],
      [["remove"], "remove which node?"],
      [["remove", "k3s1", "k3s2"], "one node at a time"],
      [["remove", "k3s3", "--force"], "Unknown option '--force'"],
      [["drain", "k3s3", "--timeout", "soon"], "--timeout: 'soon' is not a number above 0"],
      [["drain", "k3s3", "--timeout", "0"], "--timeout: '0' is not a number above 0"],
      [["drain", "k3s3", "--yes-remove", "k3s3"], "--yes-remove does not go with drain"],
      [["remove", "k3s3", "--keep-volumes"], "go with forget only"],
      [["forget", "k3s3", "--keep-volumes", "--give-up-volumes"], "exclude each other"],
    ] as const) {
      expect(() => parseOptions(args), args.join(" ")).to.throw(message);
    }
    const { status, stderr } = run("remove");
    expect(status).to.equal(2);
    expect(stderr).to.contain("remove which node?").and.to.contain("usage: npm run node");
  });

  it("the control plane is refused before anybody is asked", () => {
    expect(run("remove", "k3s4").stderr).to.contain("no machine of that name in Pulumi.home.yaml");
    expect(run("drain", "k3s3", "--stack", "hom").stderr)
      .to.contain("Pulumi.hom.yaml")
      .and.to.contain("home");
    const { status, stderr } = run("remove", "k3s-master1", "--yes-remove", "k3s-master1");
    expect(status).to.equal(1);
    expect(stderr).to.contain("is the control plane").and.to.contain("raise cluster.generation");
  });

  it("without the CLI it says how to get a kubeconfig, and never takes the one of the environment", () => {
    const { status, stderr } = run("drain", "k3s3");
    expect(status).to.equal(1);
    expect(stderr).to.contain("there is no pulumi on PATH").and.to.contain("--kubeconfig kubeconfig");
  });

  it("a kubeconfig that is none is refused", () => {
    for (const text of ["not one", "{}", "apiVersion: v1\nkind: Config\n"]) {
      expect(() => Cluster.of(text), text).to.throw(/kubeconfig (cannot be read|names no current cluster)/);
    }
  });

  it("without any SSH key it says so before it asks the cluster", () => {
    expect(run("remove", "k3s3", "--kubeconfig", kubeconfig).stderr).to.contain("There is no SSH key");
  });

  it("an API server that does not answer, and a kubeconfig that is none, are errors that say so", () => {
    for (const words of [["drain"], ["remove", "--identity-file", "key"]]) {
      const [command, ...more] = words;
      const { status, stderr } = run(command, "k3s3", "--kubeconfig", "kubeconfig", ...more);
      expect(status).to.equal(1);
      expect(stderr).to.match(/The API server at https:\/\/127\.0\.0\.1:\d+ does not answer .*ECONNREFUSED/);
    }
    expect(run("drain", "k3s3", "--kubeconfig", "nofile").stderr).to.contain("--kubeconfig: nofile cannot be read");
  });
});
