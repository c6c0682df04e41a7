import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { expect } from "chai";
import { chooseAccelerator } from "../../../sandbox/accelerator";
import { debianImage } from "../../../sandbox/image";
import { Machine } from "../../../sandbox/machine";
import { must, removeFolder, run, temporaryFolder } from "../../../sandbox/processes";
import { PACKAGES } from "../../../nodes/os/settings";
import { failure } from "../../support/failure";
import { needMachines, timed } from "../lab";
import type { FullDisk } from "./full-disk";

/** The image of the other suites, so that none is built for this one. */
const IMAGE = [...PACKAGES, "nfs-kernel-server"];

describe("the sandbox's own promises, with the real QEMU and the real image", () => {
  before(function () {
    needMachines(this);
  });

  it("the accelerator is found out by trying, within seconds, and remembered", async () => {
    const image = await debianImage(IMAGE);
    const folder = temporaryFolder("trial");
    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = folder;
    fs.mkdirSync(path.join(folder, "homelab-sandbox"));
    try {
      const found = await timed("trial", () => chooseAccelerator(image));
      const remembered = fs.readFileSync(path.join(folder, "homelab-sandbox", "accelerator.json"), "utf8");
      expect(JSON.parse(remembered)).to.deep.include({ accelerator: found });
      console.log(`      /dev/kvm is ${fs.existsSync("/dev/kvm") ? "there" : "absent"}; machines run by ${found}`);
      const began = performance.now();
      expect(await chooseAccelerator(image)).to.equal(found);
      // Shorter than any boot of a kernel: nothing was tried.
      expect(performance.now() - began).to.be.lessThan(200);
    } finally {
      if (before === undefined) {
        delete process.env.XDG_CACHE_HOME;
      } else {
        process.env.XDG_CACHE_HOME = before;
      }
      removeFolder(folder);
    }
  });

  it("a port that somebody else has taken meanwhile is named at once, and the machine boots nowhere else", async () => {
    const machine = await Machine.create({ name: "port", packages: IMAGE });
    const { port } = machine.connection();
    const other = net.createServer().listen(port, "127.0.0.1");
    try {
      expect(await failure(timed("refusal", () => machine.boot()))).to.contain(
        `port does not start: port ${port} of 127.0.0.1 is taken by somebody else`,
      );
      expect(await failure(machine.checkpoint("x"))).to.equal("port is not on");
    } finally {
      other.close();
      await machine.destroy();
    }
  });

  it("a computer's disk that becomes full ends the machine with that reason, instead of a machine that hangs", async () => {
    const folder = temporaryFolder("full");
    fs.mkdirSync(path.join(folder, "small"));
    await must("truncate", ["-s", "5G", path.join(folder, "disk")]);
    await must("mkfs.ext4", ["-q", "-m", "0", path.join(folder, "disk")]);
    // Nobody else sees the mount, and it ends with who has made it.
    const mounted = 'mount -o loop "$1/disk" "$1/small"; export TMPDIR=$1/small; shift; exec "$@"';
    const program = [
      process.execPath,
      "--require",
      "ts-node/register/transpile-only",
      path.join(__dirname, "full-disk.ts"),
    ];
    const { stdout } = await must("unshare", [
      ...["--mount", "--propagation", "private", "bash", "-euc", mounted, "bash", folder, ...program, ...IMAGE],
    ]);
    const { said, told, seconds, left } = JSON.parse(stdout) as FullDisk;
    console.log(`      until it is told: ${seconds.toFixed(1)} s`);
    expect(said).to.contain("the disk of this computer is full");
    expect(told, "whoever watches, and nobody when it is switched off").to.have.length(1);
    expect(told[0]).to.contain("full has stopped").and.to.contain("the disk of this computer is full");
    expect(left).to.deep.equal([]);
    removeFolder(folder);
  });

  it("a suite that is killed while it builds an image leaves no process and no mount", async () => {
    const cache = temporaryFolder("killed");
    const text = 'require("./sandbox/image").debianImage();';
    const suite = spawn(process.execPath, ["-r", "ts-node/register/transpile-only", "-e", text], {
      env: { ...process.env, XDG_CACHE_HOME: cache },
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => suite.once("exit", resolve));
    const processes = async () => (await run("pgrep", ["-f", cache])).stdout.split("\n").filter((pid) => pid !== "");
    const mountsOf = (pid: string) => {
      try {
        return fs.readFileSync(`/proc/${pid}/mountinfo`, "utf8").includes(cache);
      } catch {
        return false;
      }
    };
    try {
      // Where the builder itself sees its mounts.
      while (!(await processes()).some(mountsOf)) {
        expect(suite.exitCode, "the build goes on").to.equal(null);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(mountsOf(String(process.pid)), "this computer does not see them").to.equal(false);
    } finally {
      suite.kill("SIGKILL");
      await ended;
    }
    for (let attempt = 0; (await processes()).length > 0; attempt++) {
      expect(attempt, `left: ${(await processes()).join(" ")}`).to.be.lessThan(50);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(mountsOf(String(process.pid))).to.equal(false);
    removeFolder(cache);
  });
});
