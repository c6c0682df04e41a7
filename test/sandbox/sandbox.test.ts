import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import { expect } from "chai";
import { identityFiles, smbiosString, tmpfilesLines } from "../../sandbox/credentials";
import { debianMirror } from "../../sandbox/debian";
import { USER } from "../../sandbox/image";
import { startPackageProxy } from "../../sandbox/package-proxy";
import { must, run } from "../../sandbox/processes";
import { byId, qemuArguments, type QemuSpec } from "../../sandbox/qemu";

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
  sshPort: 2222,
  proxyRelay: ["/bin/bash", "/t/relay", "3128"],
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

  it("processes and folders end with the program, even if it is killed", function () {
    const program = `
      const { start, temporaryFolder } = require("./sandbox/processes");
      const child = start("sleep", ["1000"], { stdio: "ignore" });
      console.log(child.pid, temporaryFolder("test"));
      setTimeout(() => process.kill(process.pid, SIGNAL), 300);`;
    for (const signal of ["SIGTERM", "SIGKILL"]) {
      const printed = spawnSync(
        process.execPath,
        ["-r", "ts-node/register/transpile-only", "-e", program.replace("SIGNAL", `"${signal}"`)],
        {
          encoding: "utf8",
        },
      ).stdout.trim();
      const [pid, folder] = printed.split(" ");
      const state = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.trim();
      expect(state === "" || state.startsWith("Z"), `${signal}: ${state}`).to.equal(true);
      expect(fs.existsSync(folder), signal).to.equal(signal === "SIGKILL");
      execFileSync("rm", ["-rf", folder]);
    }
  });
});
