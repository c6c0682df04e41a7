import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import type { Homelab, Worker } from "../../../config/homelab";
import { NodeGpu } from "../../../nodes/gpu/node-gpu";
import { TOOLKIT_KEY, driverPackages, nvidiaFiles, nvidiaState, nvidiaSteps } from "../../../nodes/gpu/nvidia";
import { quickSyncState, quickSyncStep } from "../../../nodes/gpu/quicksync";
import { hostOf } from "../../../nodes/host";
import { readScript, renderProbe, renderStep } from "../../../nodes/host-script";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { hasTool } from "../disks/loop-disks";
import { shellcheck } from "../shellcheck";

const identity = { kind: "machine-id", value: "0123456789abcdef0123456789abcdef" } as const;

function worker(homelab: Homelab, name: string): Worker {
  const found = homelab.workers.find((machine) => machine.name === name);
  if (!found) {
    throw new Error(`no worker ${name}`);
  }
  return found;
}

const homelab = home((config) => (config.machines.k3s3.gpu.driverBranch = 570));
const gpu = worker(homelab, "k3s3").gpu;
if (!gpu) {
  throw new Error("k3s3 has no GPU");
}

describe("GPU of a node", () => {
  describe("NVIDIA", () => {
    const [install, verify] = nvidiaSteps(gpu);

    it("the packages of the branch, here 570, without a display, with NVENC", () => {
      expect(driverPackages(gpu)).to.deep.equal([
        "nvidia-headless-570-server",
        "nvidia-utils-570-server",
        "libnvidia-encode-570-server",
      ]);
    });

    it("the repository is trusted by one pinned key alone", () => {
      const list = nvidiaFiles(gpu).find(({ path }) => path.endsWith(".list"))?.content;
      expect(list).to.equal(
        `deb [signed-by=${TOOLKIT_KEY.path}] https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /\n`,
      );
      const text = renderStep(install);
      expect(text).to.include(`KEY_SHA256='${TOOLKIT_KEY.sha256}'`).and.include('download "$KEY_URL" "$KEY_SHA256"');
      expect(text).not.to.match(/apt-key|trusted=yes|allow-unauthenticated|curl[^\n]*\| *(ba)?sh/);
    });

    it("the first step may reboot, the second, which also repairs drift, never does", () => {
      expect(install.variables?.MAY_REBOOT).to.equal(true);
      expect(verify.variables?.MAY_REBOOT).to.equal(false);
      expect({ ...install, name: "", variables: { ...install.variables, MAY_REBOOT: "" } }).to.deep.equal({
        ...verify,
        name: "",
        variables: { ...verify.variables, MAY_REBOOT: "" },
      });
      const reboot = /^EXIT_REBOOT=(\d+)$/m.exec(readScript("run-job.sh"))?.[1];
      expect(readScript("gpu/nvidia.sh").match(/exit (\d+)/g)).to.deep.equal([`exit ${reboot}`]);
    });

    it("a changed driver never reboots a node on which K3s runs, it asks for a drain", () => {
      const text = readScript("gpu/nvidia.sh");
      const ending = text.slice(text.indexOf("# --- the running kernel"));
      const run = (k3s: string) =>
        spawnSync("bash", [], {
          encoding: "utf8",
          input: [
            readScript("lib.sh"),
            "loaded_branch() { echo 550; }; smi_state() { echo mismatch; }; secure_boot() { return 1; }",
            `modinfo() { echo 570; }; systemctl() { [ "$*" = 'is-active --quiet k3s-agent.service' ] && ${k3s}; }`,
            "MAY_REBOOT=true BRANCH=570 PERSISTENCE_UNIT=x",
            ending,
          ].join("\n"),
        });
      expect(run("false").status).to.equal(194);
      const running = run("true");
      expect(running.status).to.equal(1);
      expect(running.stderr).to.contain("drain the node (npm run node -- drain");
    });

    it("facts: branch, nvidia-smi, runtime, persistence, toolkit version and every file", () => {
      expect(nvidiaState(gpu).expected).to.include({
        "nvidia.driver-branch": "570",
        "nvidia.smi": "ok",
        "nvidia.runtime": "present",
        "nvidia.persistence": "active/enabled",
        "package.nvidia-container-toolkit": "1.17.8-1",
      });
      expect(Object.keys(nvidiaState(gpu).expected).filter((name) => name.startsWith("file."))).to.have.length(4);
    });

    it("the probe, run where there is no card, says so fact by fact", function () {
      if (fs.existsSync("/sys/module/nvidia")) {
        skipBecause(this, "this machine has an NVIDIA driver");
      }
      const value = fs.readFileSync("/etc/machine-id", "utf8").trim();
      const { probe, expected } = nvidiaState(gpu);
      const input = renderProbe(probe, { kind: "machine-id", value });
      const facts = JSON.parse(execFileSync("bash", [], { input, encoding: "utf8" })) as Record<string, string>;
      expect(Object.keys(facts)).to.have.members(Object.keys(expected));
      expect(facts).to.include({ "nvidia.driver-branch": "", "nvidia.runtime": "absent" });
      expect(facts["nvidia.smi"]).to.match(/not found/);
    });
  });

  describe("apt pins, judged by apt itself", () => {
    let folder: string;
    before(function () {
      if (!hasTool("apt-cache")) {
        skipBecause(this, "apt is not installed");
      }
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-apt-"));
      ["lists/partial", "cache/archives/partial", "repo"].forEach((name) =>
        fs.mkdirSync(path.join(folder, name), { recursive: true }),
      );
      fs.writeFileSync(path.join(folder, "status"), "");
      fs.writeFileSync(
        path.join(folder, "preferences"),
        nvidiaFiles(gpu).find(({ path }) => path.includes("preferences"))?.content as string,
      );
      fs.writeFileSync(path.join(folder, "sources.list"), `deb [trusted=yes] file:${folder}/repo ./\n`);
      fs.writeFileSync(
        path.join(folder, "apt.conf"),
        [
          `Dir::State::lists "${folder}/lists";`,
          `Dir::State::status "${folder}/status";`,
          `Dir::Cache "${folder}/cache";`,
          `Dir::Etc::sourcelist "${folder}/sources.list";`,
          'Dir::Etc::sourceparts "/dev/null";',
          `Dir::Etc::preferences "${folder}/preferences";`,
          'Dir::Etc::preferencesparts "/dev/null";',
          'APT::Sandbox::User "root";',
          'APT::Architecture "amd64";',
          "",
        ].join("\n"),
      );
    });
    after(() => {
      if (folder) {
        fs.rmSync(folder, { recursive: true });
      }
    });

    /** Runs functions of the step against an archive that offers these packages. */
    function ask(offered: readonly (readonly [string, string])[], call: string, installed = ""): string {
      const packages = offered.map(
        ([name, version]) =>
          `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nFilename: ./${name}.deb\nSize: 1\nSHA256: ${"0".repeat(64)}\nDescription: NVIDIA\n`,
      );
      fs.writeFileSync(path.join(folder, "repo", "Packages"), packages.join("\n"));
      fs.writeFileSync(path.join(folder, "status"), installed);
      const env = { ...process.env, APT_CONFIG: path.join(folder, "apt.conf"), LC_ALL: "C" };
      execFileSync("apt-get", ["-q", "update"], { env, stdio: "ignore" });
      const input = `set -euo pipefail\n${readScript("gpu/nvidia-lib.sh")}\n${call}`;
      return execFileSync("bash", [], { input, env, encoding: "utf8" }).trim();
    }

    it("of several versions, that of the branch is taken although it is older", () => {
      const offered = [
        ["nvidia-headless-570-server", "570.172.08-0ubuntu0.22.04.1"],
        ["nvidia-headless-570-server", "580.95.05-0ubuntu0.22.04.2"],
      ] as const;
      expect(ask(offered, "candidate nvidia-headless-570-server")).to.equal("570.172.08-0ubuntu0.22.04.1");
    });

    it("570-server as an empty package of branch 580 is no candidate, even if it is installed", () => {
      const version = "580.95.05-0ubuntu0.22.04.2";
      const offered = [
        ["nvidia-headless-570-server", version],
        ["libnvidia-encode-570-server", version],
        ["nvidia-headless-580-server", version],
      ] as const;
      expect(ask(offered, "candidate nvidia-headless-570-server")).to.equal("");
      expect(ask(offered, "candidate libnvidia-encode-570-server")).to.equal("");
      expect(ask(offered, "candidate nvidia-headless-580-server")).to.equal(version);
      expect(ask(offered, "available_branches")).to.equal("580");
      const installed = `Package: nvidia-headless-570-server\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\nMaintainer: x\nDescription: x\n`;
      expect(ask(offered, "candidate nvidia-headless-570-server", installed)).not.to.match(/^570\./);
    });

    it("the toolkit stays at its version, although its repository has newer ones", () => {
      const offered = ["1.17.7-1", "1.17.8-1", "1.18.0-1"].map(
        (version) => ["nvidia-container-toolkit", version] as const,
      );
      expect(ask(offered, "candidate nvidia-container-toolkit")).to.equal("1.17.8-1");
      expect(ask([["libnvidia-container1", "1.18.0-1"]], "candidate libnvidia-container1")).to.equal("");
    });
  });

  describe("scripts", () => {
    const [install, verify] = nvidiaSteps(gpu);
    [install, verify, quickSyncStep()].forEach((script) =>
      it(`${script.name} is sound bash by shellcheck`, function () {
        shellcheck(this, renderStep(script));
      }),
    );
    [nvidiaState(gpu), quickSyncState()].forEach(({ probe }) =>
      it(`${probe.source} is sound bash by shellcheck`, function () {
        shellcheck(this, renderProbe(probe, identity));
      }),
    );

    it("systemd accepts the unit that sets persistence mode", function () {
      if (!hasTool("systemd-analyze") || !fs.existsSync("/usr/bin/nvidia-smi")) {
        skipBecause(this, "needs systemd-analyze, and nvidia-smi, which the unit starts");
      }
      const unit = nvidiaFiles(gpu).find(({ path }) => path.endsWith(".service"));
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-unit-"));
      const file = path.join(folder, path.basename(unit?.path ?? ""));
      fs.writeFileSync(file, unit?.content as string);
      execFileSync("systemd-analyze", ["verify", "--man=no", file]);
      fs.rmSync(folder, { recursive: true });
    });
  });

  describe("component", () => {
    async function steps(machine: Worker) {
      let ready: string[] = [];
      const { resources } = await record(() => {
        const { ready: last } = new NodeGpu(machine.name, { host: hostOf(homelab, machine), worker: machine });
        ready = last.map((resource) => String((resource as unknown as { __name: string }).__name));
      });
      return { ready, resources: resources.filter(({ custom }) => custom), all: resources };
    }

    it("trap: the driver is proven on the new boot before anything else, and a state is asked for only then", async () => {
      const { ready, resources, all } = await steps(worker(homelab, "k3s3"));
      expect(resources.map(({ name }) => name)).to.have.members([
        "k3s3-driver-apply",
        "k3s3-verify-apply",
        "k3s3-verify-state",
      ]);
      const verifying = all.find(({ name }) => name === "k3s3-verify");
      expect(verifying?.dependencies.some((urn) => urn.endsWith("::k3s3-driver-apply"))).to.equal(true);
      expect(ready).to.deep.equal(["k3s3-verify"]);
    });

    it("QuickSync needs one step and no reboot", async () => {
      const { ready, resources } = await steps(worker(homelab, "k3s1"));
      expect(resources.map(({ name }) => name)).to.have.members(["k3s1-quicksync-apply", "k3s1-quicksync-state"]);
      expect(ready).to.deep.equal(["k3s1-quicksync"]);
    });

    it("both kinds on one machine follow each other; none is no step", async () => {
      const both = { ...worker(homelab, "k3s3"), quickSync: { sharedBy: 4 } };
      const { ready, all } = await steps(both);
      const last = all.find(({ name }) => name === "k3s3-quicksync");
      expect(last?.dependencies.some((urn) => urn.endsWith("::k3s3-verify-apply"))).to.equal(true);
      expect(ready).to.deep.equal(["k3s3-quicksync"]);
      const none = await steps({ ...both, gpu: undefined, quickSync: undefined });
      expect([...none.ready, ...none.resources]).to.deep.equal([]);
    });
  });
});
