import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { renderProbe, renderRun, renderStep } from "../../../nodes/host-script";
import { kubeletKernelSettings } from "../../../nodes/k3s/kernel";
import { kubeconfigRead } from "../../../nodes/k3s/kubeconfig";
import { disarmedScript, k3sBinary, k3sNodeStep } from "../../../nodes/k3s/node-step";
import { stockScripts } from "../../../nodes/k3s/paths";
import { SYSCTLS } from "../../../nodes/os/settings";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";

const identity = { kind: "machine-id", value: "0123456789abcdef" } as const;

describe("K3s scripts as rendered", () => {
  const homelab = home();
  const mounts = ["/var/lib/homelab/disks/nvme-1"];
  const steps = homelab.nodes.map((node) => ({ node, ...k3sNodeStep(homelab, node, mounts) }));
  const texts: [string, string][] = steps.flatMap(({ node, script, probe }): [string, string][] => [
    [`step of ${node.name}`, renderStep(script)],
    [`probe of ${node.name}`, renderProbe(probe, identity)],
    ...script
      .files!.filter(({ mode }) => mode === "0755")
      .map(({ path, content }): [string, string] => [`${path} of ${node.name}`, content as string]),
  ]);
  texts.push([
    "reading the kubeconfig",
    kubeconfigRead(identity, { generation: 1, version: "v", certificateEnd: "e" }),
  ]);

  for (const [name, text] of texts) {
    it(`${name} parses`, () => {
      const { status, stderr } = spawnSync("bash", ["-n"], { input: text, encoding: "utf8" });
      expect(status, stderr).to.equal(0);
    });
  }

  it("pass shellcheck", function () {
    this.timeout(60_000);
    if (spawnSync("shellcheck", ["--version"]).status !== 0) {
      skipBecause(this, "needs shellcheck");
    }
    // The steps of two workers differ in words only; one of each kind, and the GPU node, are enough.
    for (const [name, text] of texts.filter(([name]) => !/k3s[12]$/.test(name))) {
      const shell = text.startsWith("#!/bin/sh") ? "sh" : "bash";
      const { status, stdout } = spawnSync("shellcheck", ["-x", "-s", shell, "-"], { input: text, encoding: "utf8" });
      expect(status, `${name}\n${stdout}`).to.equal(0);
    }
  });

  it("check the kernel settings that the bootstrap sets", () => {
    expect(SYSCTLS).to.include(kubeletKernelSettings);
  });

  it("fit into one run of each machine", () => {
    for (const { script } of steps) {
      expect(() => renderRun(script, identity, "CLUSTER_ID='x'")).not.to.throw();
    }
  });

  it("expect what they install: digests of the very texts", () => {
    for (const { script, expected } of steps) {
      const digest = (path: string) => {
        const { content } = script.files!.find((file) => file.path === path)!;
        return createHash("sha256")
          .update(content as string)
          .digest("hex");
      };
      expect(expected.config).to.equal(digest("/etc/rancher/k3s/config.yaml"));
      expect(expected["unit.file"]).to.equal(digest(`/etc/systemd/system/${script.variables!.UNIT as string}.service`));
    }
  });

  it("give an agent no way to the server's token", () => {
    for (const { kind, script } of steps) {
      const text = renderStep(script);
      expect(script.secrets!.includes("SERVER_TOKEN")).to.equal(kind === "server");
      expect(text.includes("$SERVER_TOKEN")).to.equal(kind === "server");
    }
  });

  it("keep secrets and configuration readable by root alone", () => {
    for (const { script } of steps) {
      for (const { path, mode } of script.files!.filter(({ path }) => path.startsWith("/etc/rancher/"))) {
        expect(mode, path).to.equal("0600");
      }
    }
  });

  it("trap 21: name the data disks' mounts in the unit and keep them from the teardown", () => {
    for (const { script } of steps) {
      expect(renderStep(script)).to.contain("After=var-lib-homelab-disks-nvme\\x2d1.mount\n");
      expect(script.variables!.KEEP).to.deep.equal([homelab.storage.localPath.path, ...mounts]);
    }
  });

  it("never unmount lazily or by force, and delete in one guarded place", () => {
    for (const [name, text] of texts) {
      const code = text.replace(/^\s*#.*$/gm, "");
      expect(code, name).not.to.match(/umount[^\n]* (-[a-z]*[lf]|--lazy|--force)/);
      for (const line of code.match(/^.*\brm -[a-zA-Z]*r.*$/gm) ?? []) {
        expect(line.trim(), name).to.equal('rm -rf --one-file-system -- "$2/$3"');
      }
    }
  });

  it("fetch the pinned release, from the mirror if there is one", () => {
    const release = "v1.32.5%2Bk3s1/k3s";
    expect(k3sBinary(homelab, "server").url).to.equal(`https://github.com/k3s-io/k3s/releases/download/${release}`);
    const sha256 = "a".repeat(64);
    const mirrored = home((config) => {
      config.versions.k3s.sha256 = sha256;
      config.versions.mirror = { url: "http://mirror:8470", folder: "/mnt/mirror" };
    });
    for (const node of mirrored.nodes) {
      const { variables } = k3sNodeStep(mirrored, node, []).script;
      expect(variables?.URL, node.name).to.equal(`http://mirror:8470/files/${sha256}/k3s`);
    }
  });

  it("leave agents on a release of their own while an upgrade asks for it", () => {
    const agent = { version: "v1.31.9+k3s1", sha256: "b".repeat(64) };
    const upgrading = home((config) => (config.versions.k3s.agent = agent));
    for (const node of upgrading.nodes) {
      const { kind, script, expected } = k3sNodeStep(upgrading, node, []);
      const { version, sha256 } = kind === "agent" ? agent : upgrading.versions.k3s;
      expect(expected, node.name).to.include({ version, binary: sha256 });
      expect(script.variables, node.name).to.include({ VERSION: version, SHA256: sha256 });
    }
  });

  it("stand in for every stock script, and refuse", () => {
    const { status, stderr } = spawnSync("sh", ["-c", disarmedScript, stockScripts[0]], { encoding: "utf8" });
    expect(status).to.equal(1);
    expect(stderr).to.contain("media included").and.contain("homelab-k3s-teardown");
    for (const { script } of steps) {
      expect(script.files!.filter(({ content }) => content === disarmedScript).map(({ path }) => path)).to.deep.equal([
        ...stockScripts,
      ]);
    }
  });
});
