import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { Homelab } from "../../../config/homelab";
import { mirroredFile } from "../../../config/mirror";
import { rewriteKubeconfig } from "../../../nodes/k3s/kubeconfig";
import { k3sBinary, k3sNodeStep, type K3sNodeStep } from "../../../nodes/k3s/node-step";
import { paths } from "../../../nodes/k3s/paths";
import { goProblem, standInK3s, STAND_IN_VERSION } from "../../../sandbox/k3s";
import type { Machine } from "../../../sandbox/machine";
import { home } from "../../support/home";
import { FINGERPRINT } from "../fingerprint";
import { WatchedState, bootstrappedMachine, changes, needMachines, runStep, timed } from "../lab";

const NAME = "k3s-master1";
const MIRROR = "http://127.0.0.1:8470";
const SECRETS = { CLUSTER_ID: "home-1-aaaa", SERVER_TOKEN: "server-secret", AGENT_TOKEN: "agent-secret" };

/** The program's step for the control plane, with a real API server behind it: sandbox/k3s in the place of a release. */
describe("K3s server on a booted machine, with Kubernetes' own control plane in its binary", () => {
  let machine: Machine;
  let step: K3sNodeStep;
  let state: WatchedState;

  const labOf = (sha256: string): Homelab =>
    home((config) => {
      config.cluster.timeServers = [];
      config.versions.k3s = { version: STAND_IN_VERSION, sha256 };
      config.versions.mirror = { url: MIRROR, folder: "/mnt/mirror" };
      const node = config.machines[NAME];
      delete node.vm;
      node.disks = {};
      node.ssh = { user: machine.user, hostKey: machine.hostKey.split(" ").slice(0, 2).join(" ") };
      node.identity = machine.identity;
    });
  const kubectl = (args: string) => machine.sh(`k3s kubectl ${args}`);

  before(async function () {
    needMachines(this, await goProblem());
    const binary = fs.readFileSync(await timed("binary compiled or found", () => standInK3s()));
    const sha256 = createHash("sha256").update(binary).digest("hex");
    machine = await bootstrappedMachine();
    const homelab = labOf(sha256);
    step = k3sNodeStep(homelab, homelab.controlPlane, []);
    state = new WatchedState(machine, step.script, step.probe, step.expected, SECRETS);
    const file = `/srv/mirror/${mirroredFile(k3sBinary(homelab, "server").url, sha256)}`;
    await timed("binary copied into the machine", () =>
      machine.ssh(
        `mkdir -p "$(dirname ${file})"; base64 -d | gunzip >${file}`,
        gzipSync(binary).toString("base64"),
        "root",
      ),
    );
    await machine.sh(`systemd-run -q --unit=mirror python3 -m http.server --bind 127.0.0.1 --directory /srv/mirror 8470
      cat >/etc/systemd/system/address.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address replace ${homelab.controlPlane.address}/32 dev lo
[Install]
WantedBy=multi-user.target
END
      systemctl daemon-reload; systemctl enable --now -q address.service`);
  });

  it("comes up by the program's step, its node is Ready, and every fact is as expected", async () => {
    const ran = await timed("K3s server from nothing", () => runStep(machine, step.script, SECRETS));
    expect(changes(ran).join("\n")).to.contain("k3s restarted: it is not running");
    console.log(
      `      ${await machine.sh("journalctl -u k3s -o cat | grep -o 'k3s is up and running.* s'; ps -o rss= -C k3s; free -m | sed -n 2p")}`,
    );
    await kubectl(`wait --for=condition=Ready node/${NAME} --timeout=120s`);
    expect(await state.drift()).to.deep.equal([]);
    const node = JSON.parse(await kubectl(`get node ${NAME} -o json`));
    expect(node.status.nodeInfo.machineID).to.equal(await machine.sh("cat /etc/machine-id"));
    const kubeconfig = rewriteKubeconfig(await machine.sh(`cat ${paths.kubeconfig}`), "192.168.10.30", "home");
    expect(kubeconfig).to.contain("https://192.168.10.30:6443");
  });

  it("a second run changes and restarts nothing", async () => {
    const before = await machine.sh(FINGERPRINT);
    expect(changes(await timed("second run", () => runStep(machine, step.script, SECRETS)))).to.deep.equal([]);
    expect(await machine.sh(FINGERPRINT)).to.equal(before);
  });

  it("what was made is there after a restart of the machine, and the step has nothing to do", async () => {
    await kubectl("create configmap kept --from-literal=a=b");
    const boot = await machine.sh("cat /proc/sys/kernel/random/boot_id");
    await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
    await machine.untilLogin();
    expect(await machine.sh("cat /proc/sys/kernel/random/boot_id")).not.to.equal(boot);
    await timed("K3s after a reboot", () => machine.ssh("systemctl is-system-running --wait"));
    expect(await kubectl("get configmap kept -o jsonpath={.data.a}")).to.equal("b");
    expect(changes(await runStep(machine, step.script, SECRETS))).to.deep.equal([]);
    expect(await state.drift()).to.deep.equal([]);
  });

  it("its API server refuses what a real one refuses", async () => {
    const ran = await machine.ssh(
      'k3s kubectl patch service kubernetes -p \'{"spec":{"clusterIP":"10.43.0.99"}}\'',
      "",
      "root",
    );
    expect(ran.status).not.to.equal(0);
    expect(ran.stderr).to.contain("field is immutable");
  });
});
