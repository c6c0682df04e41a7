import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { promises as dns } from "node:dns";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as core from "@pulumi/kubernetes/core/v1";
import { expect } from "chai";
import { ClusterDns, serverBlock } from "../../../components/network/cluster-dns";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";

const homelab = home();
const hosts = Object.values(homelab.routes);
const generated = { identity: { kind: "machine-id", value: "a" }, hostKey: "ssh-ed25519 AAAA" } as const;

describe("the cluster's DNS", () => {
  it("trap 46, trap 48: answers every host of the house with the gateway's address, and names no other", () => {
    const block = serverBlock(homelab);
    const zones = block.split(" {")[0].split(" ");
    expect(zones).to.have.members(hosts.map((host) => `${host}:53`));
    expect(block).to.contain(`192.168.10.224 ${hosts.join(" ")}`);
    expect(block).not.to.match(/(^|\s)fletcherlabs\.net/);
  });

  it("is configured where K3s imports from, and before anything waits for an answer", async () => {
    const { resources } = await record(() => {
      const cilium = new core.ConfigMap("cilium", {});
      const controlPlane = hostOf(homelab, homelab.controlPlane, generated);
      new ClusterDns("cluster-dns", { homelab, controlPlane, cilium: [cilium] });
    });
    const custom = resources.find(({ name }) => name === "cluster-dns-coredns-custom");
    expect(custom?.inputs.metadata).to.include({ name: "coredns-custom", namespace: "kube-system" });
    expect(Object.keys(custom?.inputs.data as object)).to.deep.equal(["homelab.server"]);
    expect(custom?.dependencies).to.deep.equal([]);
    const answers = resources.find(({ name }) => name === "cluster-dns-answers");
    const cilium = resources.find(({ name }) => name === "cilium");
    expect(answers?.dependencies).to.include.members([custom?.urn, cilium?.urn]);
  });
});

/** A free UDP port of the loopback interface. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

describe("the cluster's DNS in a real CoreDNS", () => {
  let folder: string;
  let server: ChildProcess | undefined;
  const resolver = new dns.Resolver({ timeout: 500, tries: 2 });

  before(async function () {
    try {
      execFileSync("coredns", ["-version"], { stdio: "ignore" });
    } catch {
      skipBecause(this, "there is no coredns on PATH");
    }
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-coredns-"));
    const [port, upstream] = [await freePort(), await freePort()];
    const local = (text: string) =>
      text.replaceAll(":53", `:${port}`).replaceAll("/etc/resolv.conf", `127.0.0.1:${upstream}`);
    const answer = (type: string, value: string) =>
      `    template IN ${type} . {\n        answer "{{ .Name }} 60 IN ${type} ${value}"\n    }\n`;
    fs.writeFileSync(path.join(folder, "homelab.server"), local(serverBlock(homelab)));
    // As K3s has it, less the plugins that need Kubernetes; the upstream stands for the house's resolver.
    fs.writeFileSync(
      path.join(folder, "Corefile"),
      [
        `.:${port} {\n    errors\n    hosts ${folder}/NodeHosts {\n        fallthrough\n    }\n    forward . 127.0.0.1:${upstream}\n    reload\n}`,
        `import ${folder}/*.server`,
        `.:${upstream} {\n${answer("A", "203.0.113.9")}${answer("AAAA", "2001:db8::9")}}`,
        "",
      ].join("\n"),
    );
    fs.writeFileSync(path.join(folder, "NodeHosts"), "");
    server = spawn("coredns", ["-conf", path.join(folder, "Corefile")], { stdio: "ignore" });
    resolver.setServers([`127.0.0.1:${port}`]);
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const up = await resolver.resolve4("ready.example.org").catch(() => undefined);
      if (up) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("CoreDNS did not take the configuration");
  });

  after(() => {
    server?.kill();
    if (folder) {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  it("answers its hosts with the gateway's address and no IPv6", async () => {
    for (const host of hosts) {
      expect(await resolver.resolve4(host)).to.deep.equal(["192.168.10.224"]);
      const ipv6 = await resolver.resolve6(host).catch((error: NodeJS.ErrnoException) => error.code);
      expect(ipv6).to.equal("ENODATA");
    }
  });

  it("leaves every other name of the domain to the house's resolver, also below and above the hosts", async () => {
    for (const name of ["fletcherlabs.net", "nas.fletcherlabs.net", `api.${homelab.hosts.grafana}`, "example.org"]) {
      expect(await resolver.resolve4(name), name).to.deep.equal(["203.0.113.9"]);
    }
  });
});
