import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";
import { expect } from "chai";
import { chooseAccelerator } from "../../sandbox/accelerator";
import { cacheFolder } from "../../sandbox/cache";
import { identityFiles, smbiosString, tmpfilesLines } from "../../sandbox/credentials";
import { debianMirror } from "../../sandbox/debian";
import { USER } from "../../sandbox/image";
import { startPackageProxy } from "../../sandbox/package-proxy";
import { must, removeFolder, run, temporaryFolder } from "../../sandbox/processes";
import { byId, qemuArguments, type QemuSpec } from "../../sandbox/qemu";
import { skipBecause } from "../support/skip";

const spec: QemuSpec = {
  name: "k3s3",
  accelerator: "tcg",
  image: { root: "/c/root.img", kernel: "/c/vmlinuz", initrd: "/c/initrd.img", fresh: false },
  memoryMib: 1024,
  processors: 1,
  uuid: "5f0c1d7e-2b6a-4c39-9f58-7a3e61d2b0c4",
  serial: "SANDBOX1",
  credentials: "/t/a,b/credentials",
  overlay: "/t/root.qcow2",
  disks: [
    { serial: "NVME1", bytes: 1, bus: "virtio", file: "/t/nvme-1.qcow2" },
    { serial: "SAS1", bytes: 1, bus: "scsi", file: "/t/sas-1.qcow2" },
  ],
  network: { kind: "user", sshPort: 2222, proxyRelay: ["/bin/bash", "/t/relay", "3128"] },
  control: "/t/control",
  console: "/t/console.log",
};

describe("sandbox", () => {
  it("a machine reaches nothing but the package proxy, and is reached on loopback only", () => {
    const networks = qemuArguments(spec).filter((argument) => argument.startsWith("user,"));
    expect(networks).to.deep.equal([
      "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22,guestfwd=tcp:10.0.2.100:3128-cmd:/bin/bash /t/relay 3128",
    ]);
  });

  it("the root image is never written to, only its overlay", () => {
    expect(qemuArguments(spec).join(" ")).not.to.contain("/c/root.img");
  });

  it("keys are in no command line, and commas in paths end no option", () => {
    expect(qemuArguments(spec)).to.include("type=11,path=/t/a,,b/credentials");
  });

  it("disks have serial numbers, by which they are found again", () => {
    const line = qemuArguments(spec).join(" ");
    expect(line).to.contain("virtio-blk-pci,drive=disk0,serial=NVME1").and.to.contain("drive=disk1,serial=SAS1");
    expect(spec.disks.map(byId)).to.deep.equal([
      "/dev/disk/by-id/virtio-NVME1",
      "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_SAS1",
    ]);
  });

  it("injected files arrive byte for byte, in folders that sshd accepts", () => {
    const files = identityFiles(
      { privateKey: "line 1\nline 2\n", publicKey: "ssh-ed25519 AAAA x" },
      "ssh-ed25519 BBBB",
    );
    const lines = tmpfilesLines(files).trimEnd().split("\n");
    expect(lines)
      .to.include(`d /home/${USER}/.ssh 0700 ${USER} ${USER} -`)
      .and.to.include("d /root/.ssh 0700 root root -");
    const key = lines.find((line) => line.includes("/ssh_host_ed25519_key 0600 root root"));
    expect(Buffer.from(key?.split(" ").pop() ?? "", "base64").toString()).to.equal("line 1\nline 2\n");
    expect(smbiosString(files)).to.match(/^io\.systemd\.credential\.binary:tmpfiles\.extra=[A-Za-z0-9+/=]+$/);
  });

  it("the package proxy lets through the mirror and nothing else", async () => {
    const proxy = await startPackageProxy();
    const ask = (method: string, path: string) =>
      new Promise<number>((resolve, reject) => {
        const request = http.request({ host: "127.0.0.1", port: proxy.port, method, path }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        request.once("error", reject);
        request.end();
      });
    try {
      expect(await ask("GET", "http://192.168.10.1/")).to.equal(403);
      expect(await ask("GET", `http://${debianMirror().host}.example.org/debian`)).to.equal(403);
      expect(await ask("GET", `http://${debianMirror().hostname}:22/`)).to.equal(403);
      expect(await ask("POST", `${debianMirror().href}debian`)).to.equal(403);
      expect(await ask("GET", "/etc/passwd")).to.equal(403);
    } finally {
      proxy.stop();
    }
  });

  it("commands report their status, and what must succeed says what was printed last", async () => {
    expect(await run("sh", ["-c", "cat; exit 3"], "text")).to.include({ status: 3, stdout: "text" });
    const failure = await must("sh", ["-c", "echo reason >&2; exit 1"]).catch((error: Error) => error.message);
    expect(failure).to.equal("sh ended with status 1:\nreason");
  });

  describe("nothing is left behind", () => {
    // Programs of these tests clean up in here alone: a mistake in the cleaning must meet no machine that runs.
    let env: NodeJS.ProcessEnv;
    before(() => {
      env = { ...process.env, TMPDIR: temporaryFolder("left") };
    });
    after(() => removeFolder(env.TMPDIR!));

    /** A program that uses the sandbox, says `PID of a child, its folder`, and then does what the text says. */
    const program = (then: string) => {
      const text = `
        const { start, temporaryFolder } = require("./sandbox/processes");
        const child = start("sleep", ["1000"], { stdio: "ignore" });
        console.log(child.pid, temporaryFolder("test"));
        ${then}`;
      return [process.execPath, "-r", "ts-node/register/transpile-only", "-e", text];
    };
    const ended = (signal: string) => {
      const [command, ...args] = program(`setTimeout(() => process.kill(process.pid, "${signal}"), 300);`);
      const [pid, folder] = spawnSync(command, args, { encoding: "utf8", env }).stdout.trim().split(" ");
      const state = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.trim();
      expect(state === "" || state.startsWith("Z"), `${signal}: ${state}`).to.equal(true);
      return folder;
    };

    it("processes and folders end with the program", () => {
      expect(fs.existsSync(ended("SIGTERM"))).to.equal(false);
    });

    it("a killed program's processes end with it, and the next program deletes its folder, but none of a living one", () => {
      const [command, ...args] = program("setTimeout(() => undefined, 60000);");
      const living = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], env });
      return new Promise<void>((resolve, reject) => {
        living.stdout.once("data", (data: Buffer) => {
          try {
            const mine = data.toString().trim().split(" ")[1];
            const left = ended("SIGKILL");
            expect(fs.existsSync(left)).to.equal(true);
            const next = ended("SIGTERM");
            expect([left, next].map((folder) => fs.existsSync(folder))).to.deep.equal([false, false]);
            expect(fs.existsSync(mine), "of the living program").to.equal(true);
            living.once("exit", () => (fs.existsSync(mine) ? reject(new Error(`${mine} is left`)) : resolve()));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          } finally {
            living.kill("SIGTERM");
          }
        });
      });
    });

    it("a folder in which something is mounted is not deleted, and what is mounted stays whole", function () {
      const folder = temporaryFolder("mount point");
      const inside = path.join(folder, "somebody's films");
      fs.mkdirSync(inside);
      if (spawnSync("mount", ["-t", "tmpfs", "tmpfs", inside]).status !== 0) {
        removeFolder(folder);
        skipBecause(this, "needs root, to mount something");
      }
      try {
        fs.writeFileSync(path.join(inside, "film"), "film");
        expect(() => removeFolder(folder)).to.throw(`because ${inside} is mounted in it`);
        expect(fs.readFileSync(path.join(inside, "film"), "utf8")).to.equal("film");
      } finally {
        spawnSync("umount", [inside]);
      }
      removeFolder(folder);
      expect(fs.existsSync(folder)).to.equal(false);
    });

    it("too little space is refused before anything is written, with what is needed", () => {
      expect(() => temporaryFolder("k3s3", 2 ** 60)).to.throw(
        /has \d+ MiB free, k3s3 needs \d+ MiB: free some, or set TMPDIR/,
      );
    });
  });

  it("of two accelerators the one that boots is taken: a KVM that aborts or says nothing is none, and it is remembered", async function () {
    if (!fs.existsSync("/dev/kvm")) {
      skipBecause(this, "there is no /dev/kvm, so there is nothing to try");
    }
    // A stand-in for QEMU; the real one boots in test/machines.
    const folder = temporaryFolder("accelerator");
    const { PATH, XDG_CACHE_HOME } = process.env;
    const boots = "echo Run /init as init process; sleep 5";
    const choose = async (qemu: string, cache: string, trialSeconds?: number) => {
      fs.writeFileSync(path.join(folder, "qemu-system-x86_64"), `#!/bin/sh\n${qemu}\n`, { mode: 0o755 });
      process.env.XDG_CACHE_HOME = path.join(folder, cache);
      fs.mkdirSync(cacheFolder(), { recursive: true });
      return chooseAccelerator(spec.image, trialSeconds);
    };
    process.env.PATH = `${folder}:${PATH}`;
    try {
      expect(await choose(boots, "1")).to.equal("kvm");
      expect(await choose("exit 1", "1"), "remembered").to.equal("kvm");
      expect(await choose("echo failed to set MSR 0x10a >&2; exit 134", "2")).to.equal("tcg");
      fs.writeFileSync(path.join(cacheFolder(), "accelerator.json"), "{ cut off");
      expect(await choose(boots, "2"), "what cannot be read is found out anew").to.equal("kvm");
      const before = JSON.stringify({ boot: "another", accelerator: "kvm" });
      fs.writeFileSync(path.join(cacheFolder(), "accelerator.json"), before);
      expect(await choose("exit 1", "2"), "of another boot").to.equal("tcg");
      expect(await choose("echo Linux version; exec sleep 60", "3", 1), "it hangs while the kernel starts").to.equal(
        "tcg",
      );
      expect(await choose("exec sleep 60", "4", 1), "it says nothing").to.equal("tcg");
    } finally {
      process.env.PATH = PATH;
      if (XDG_CACHE_HOME === undefined) {
        delete process.env.XDG_CACHE_HOME;
      } else {
        process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
      }
      removeFolder(folder);
    }
  });
});
