import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import {
  PROBER,
  proberConfig,
  proberDaemonSet,
  proberMonitor,
} from "../../../../components/monitoring/prober/prober-manifests";
import { probes } from "../../../../components/monitoring/prober/probes";
import { bundleOf, crdErrors } from "../../../support/crds";
import { home } from "../../../support/home";
import { podSecurityErrors } from "../../../support/pod-security";
import { skipBecause } from "../../../support/skip";
import { freePort } from "../../../support/sshd";
import { singleNode } from "../homes";

/** Of Debian, of upstream. */
const exporter = ["prometheus-blackbox-exporter", "blackbox_exporter"].find(
  (name) => spawnSync(name, ["--version"]).error === undefined,
);

describe("Prober", () => {
  it("asks every node by ping and by the kubelet's port, the API server by port and HTTPS, and the house", () => {
    const asked = probes(home()).map(({ subject, peer, layer, target }) => `${subject} ${peer} ${layer} ${target}`);
    expect(asked).to.include.members([
      "node k3s1 L3 192.168.10.21",
      "node k3s1 L4 192.168.10.21:10250",
      "api k3s-master1 L4 192.168.10.30:6443",
      "api k3s-master1 L7 https://192.168.10.30:6443/readyz",
      "service kubernetes L4 10.43.0.1:443",
      "dns kube-dns L7 10.43.0.10:53",
      "router router L3 192.168.10.1",
      "gateway gateway L4 authentik.fletcherlabs.net:443",
      "server r730 L3 192.168.10.100",
      "server r730 L4 192.168.10.100:2049",
    ]);
    expect(asked).to.have.length(new Set(asked).size);
    expect(probes(singleNode()).filter(({ subject }) => subject === "node")).to.deep.equal([]);
  });

  it("is a valid PodMonitor that lets no node ask itself", () => {
    const spec = proberMonitor(home());
    const object = {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name: PROBER, namespace: "monitoring" },
      spec,
    };
    expect(crdErrors(bundleOf(home(), "monitoring.coreos.com") ?? "", object)).to.deep.equal([]);
    const endpoints = spec.podMetricsEndpoints as { relabelings: Record<string, unknown>[] }[];
    const drops = endpoints.flatMap(({ relabelings }) => relabelings.filter(({ action }) => action === "drop"));
    expect(drops.map(({ regex }) => regex)).to.deep.equal(
      ["k3s-master1", "k3s1", "k3s2", "k3s3"].flatMap((node) => [node, node]),
    );
  });

  it("runs on every node, has no token and would be admitted by the strictest standard", () => {
    const { spec } = proberDaemonSet(home(), "hash").template as unknown as { spec: Record<string, unknown> };
    expect(spec.tolerations).to.deep.equal([{ operator: "Exists" }]);
    expect(spec).to.include({ automountServiceAccountToken: false });
    expect(podSecurityErrors("restricted", spec)).to.deep.equal([]);
  });

  describe("in a running blackbox exporter", () => {
    let folder: string | undefined;
    let file: string;
    let child: ChildProcess | undefined;

    before(function () {
      if (exporter === undefined) {
        skipBecause(this, "no blackbox exporter on PATH (Debian package prometheus-blackbox-exporter)");
      }
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "prober-test-"));
      const [[name, text]] = Object.entries(proberConfig());
      file = path.join(folder, name);
      fs.writeFileSync(file, text);
    });

    after(async () => {
      if (child && child.exitCode === null) {
        const ended = new Promise((resolve) => child?.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
      }
      if (folder) {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    });

    it("the configuration is accepted, and one with an unknown field is not", () => {
      const check = (config: string) => spawnSync(exporter as string, [`--config.file=${config}`, "--config.check"]);
      expect(check(file).status).to.equal(0);
      const broken = path.join(path.dirname(file), "broken.yml");
      fs.writeFileSync(broken, fs.readFileSync(file, "utf8").replace("preferred_ip_protocol", "preferred_protocol"));
      expect(check(broken).status).not.to.equal(0);
    });

    it("an open port and a silent one are told apart", async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      child = spawn(exporter as string, [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`], {
        stdio: "ignore",
      });
      const success = async (target: string) => {
        const answer = await fetch(`${url}/probe?module=tcp&target=${target}`);
        return /^probe_success (\d)$/m.exec(await answer.text())?.[1];
      };
      for (let tries = 0; tries < 100; tries++) {
        if (
          await fetch(`${url}/-/healthy`).then(
            ({ ok }) => ok,
            () => false,
          )
        ) {
          break;
        }
        await wait(100);
      }
      const server = net.createServer((socket) => socket.end());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const open = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
      expect(await success(open)).to.equal("1");
      await new Promise((resolve) => server.close(resolve));
      expect(await success(open)).to.equal("0");
    });
  });
});
