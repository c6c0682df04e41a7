import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import type { Homelab, NodeMachine } from "../../../config/homelab";
import { mirroredFile } from "../../../config/mirror";
import { k3sBinary, k3sNodeStep, type K3sNodeStep } from "../../../nodes/k3s/node-step";
import { paths, stockScripts } from "../../../nodes/k3s/paths";
import type { Machine } from "../../../sandbox/machine";
import type { Ran } from "../../../sandbox/processes";
import { home } from "../../support/home";
import { FINGERPRINT } from "../fingerprint";
import { killedAfterEachChange } from "../interrupted";
import { WatchedState, bootstrappedMachine, changes, needMachines, runStep, timed } from "../lab";

const VERSION = "v1.32.5+k3s1";
const OLDER = "v1.31.9+k3s1";
const OLDEST = "v1.30.13+k3s1";
const SECRETS = { CLUSTER_ID: "home-1-aaaa", SERVER_TOKEN: "server-secret", AGENT_TOKEN: "agent-secret" };
/** Killed while K3s starts: the next run cannot know what that one has read, and starts it once more. */
const RESTARTED = /^changed: k3s(-agent)? restarted/;
const MIRROR = "http://127.0.0.1:8470";

const standIn = (version: string) =>
  fs.readFileSync(path.join(__dirname, "steps", "k3s-standin.py"), "utf8").replace("@VERSION@", version);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/**
 * The program's own K3s steps on a booted machine: real systemd, downloads, sockets, certificates and reboots. The K3s
 * itself is a stand-in (steps/k3s-standin.py), fetched from a mirror that the machine serves to itself.
 */
describe("K3s on a booted machine, with a stand-in for its binary", () => {
  let machine: Machine;

  /** The home stack with the machine in the place of one of its nodes. */
  const labOf = (name: string, edit: (config: any) => void = () => undefined, version = VERSION): Homelab =>
    home((config) => {
      config.cluster.timeServers = [];
      config.apps = {};
      config.versions.k3s = { version, sha256: sha256(standIn(version)) };
      config.versions.mirror = { url: MIRROR, folder: "/mnt/mirror" };
      const node = config.machines[name];
      delete node.vm;
      delete node.gpu;
      delete node.quickSync;
      node.disks = {};
      node.ssh = { user: machine.user, hostKey: machine.hostKey.split(" ").slice(0, 2).join(" ") };
      node.identity = machine.identity;
      if (name === "k3s3") {
        for (const tier of ["optane", "nvme", "sas-ssd"]) {
          delete config.storage.tiers[tier];
        }
      }
      edit(config);
    });
  const nodeOf = (homelab: Homelab, name: string): NodeMachine => homelab.nodes.find((node) => node.name === name)!;
  const stepOf = (homelab: Homelab, name: string): K3sNodeStep => k3sNodeStep(homelab, nodeOf(homelab, name), []);
  const secretsOf = ({ script }: K3sNodeStep) =>
    Object.fromEntries(Object.entries(SECRETS).filter(([name]) => script.secrets?.includes(name)));
  const run = (step: K3sNodeStep): Promise<Ran> => runStep(machine, step.script, secretsOf(step));
  const watch = (step: K3sNodeStep) =>
    new WatchedState(machine, step.script, step.probe, step.expected, secretsOf(step));

  /** Puts binaries into the machine's own mirror. */
  const offer = async (version: string) => {
    const text = standIn(version);
    const { url } = k3sBinary(labOf("k3s-master1", undefined, version), "server");
    const file = `/srv/mirror/${mirroredFile(url, sha256(text))}`;
    await machine.sh(
      `mkdir -p "$(dirname ${file})"; base64 -d >${file} <<'END'\n${Buffer.from(text).toString("base64")}\nEND`,
    );
  };

  before(async function () {
    needMachines(this);
    machine = await bootstrappedMachine();
    await offer(VERSION);
    await offer(OLDER);
    await offer(OLDEST);
    await machine.sh(`cat >/etc/systemd/system/mirror.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /srv/mirror 8470
[Install]
WantedBy=multi-user.target
END
      # Where the home stack's control plane is, for an agent on this very machine.
      cat >/etc/systemd/system/address.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address replace 192.168.10.30/32 dev lo
[Install]
WantedBy=multi-user.target
END
      systemctl daemon-reload; systemctl enable --now -q mirror.service address.service
      mkdir -p /run/standin`);
    await machine.checkpoint("k3s-ready");
  });

  describe("server", () => {
    const NAME = "k3s-master1";
    let step: K3sNodeStep;
    let state: WatchedState;

    before(async () => {
      await machine.revert("k3s-ready");
      step = stepOf(labOf(NAME), NAME);
      state = watch(step);
      const ran = await timed("K3s server from nothing", () => run(step));
      expect(changes(ran).join("\n")).to.contain("k3s restarted: it is not running");
      await machine.checkpoint("k3s-server");
    });

    it("is as the program expects it, fact by fact, by systemd's own word", async () => {
      expect(await state.drift()).to.deep.equal([]);
      expect(
        await machine.sh("systemctl show --property=ActiveState,SubState,UnitFileState --value k3s | xargs"),
      ).to.equal("active running enabled");
      const modes = await machine.sh("stat -c '%a %U %n' /etc/rancher/k3s/*");
      for (const file of ["config.yaml", "registries.yaml", "server-token", "agent-token"]) {
        expect(modes).to.contain(`600 root /etc/rancher/k3s/${file}`);
      }
    });

    it("a second run changes no file, no package, and restarts nothing", async () => {
      const before = await machine.sh(FINGERPRINT);
      expect(changes(await timed("second run", () => run(step)))).to.deep.equal([]);
      expect(await machine.sh(FINGERPRINT)).to.equal(before);
    });

    it("survives a reboot; a run after it changes nothing", async () => {
      await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
      await machine.untilLogin();
      await machine.ssh("systemctl is-system-running --wait");
      await machine.sh("mkdir -p /run/standin");
      expect(await state.drift()).to.deep.equal([]);
      expect(changes(await run(step))).to.deep.equal([]);
    });

    it("drift is named by the exact fact, whatever was tampered with, and one update repairs all of it", async () => {
      const tampers: [what: string, how: string, facts: string[]][] = [
        ["an edited config.yaml", "echo 'debug: true' >>/etc/rancher/k3s/config.yaml", ["config", "restart"]],
        ["edited registries", "echo 'mirrors: {}' >/etc/rancher/k3s/registries.yaml", ["registries"]],
        ["an edited unit", "echo '# x' >>/etc/systemd/system/k3s.service; systemctl daemon-reload", ["unit.file"]],
        ["another binary", "ln -sfn /usr/bin/true /usr/local/bin/k3s", ["binary", "version"]],
        [
          "a stock uninstall script that is back",
          `printf '#!/bin/sh\\nrm -rf /var/lib/rancher\\n' >${stockScripts[1]}; chmod +x ${stockScripts[1]}`,
          ["stockScripts"],
        ],
        [
          "snapshots that stopped coming",
          `rm -f ${paths.data}/server/db/snapshots/*; touch -d '10 days ago' ${paths.data}/server/tls/server-ca.crt`,
          ["snapshots"],
        ],
        [
          "a certificate that ends soon",
          `cd ${paths.data}/server/tls; openssl x509 -in client-admin.crt -signkey client-admin.key -days 30 -out new 2>/dev/null; mv new client-admin.crt`,
          ["certificate"],
        ],
        ["a disabled unit", "systemctl disable -q k3s", ["unit"]],
        ["a stopped unit", "systemctl stop k3s", ["unit"]],
      ];
      await machine.revert("k3s-server");
      const seen = new Set<string>();
      for (const [what, how, facts] of tampers) {
        await machine.sh(how);
        facts.forEach((fact) => seen.add(fact));
        const drift = await state.drift();
        expect(
          drift.map((line) => line.split(":")[0]),
          `${what}: ${drift.join("\n")}`,
        ).to.have.members([...seen]);
      }
      expect((await state.facts()).unit).to.equal("inactive/disabled");
      await timed("repair", () => state.update());
      expect(await state.drift()).to.deep.equal([]);
    });

    // A revert costs seconds, and all translated code: what can be put back by hand is. This one goes on from the repair.
    it("a drop-in of somebody's own is named, and the step says which it is instead of deleting it", async () => {
      const file = "/etc/rancher/k3s/config.yaml.d/x.yaml";
      await machine.sh(`mkdir -p $(dirname ${file}); echo 'debug: true' >${file}`);
      expect(await state.drift()).to.have.length(1);
      expect((await state.drift())[0]).to.match(/^config\.dropIns: .*x\.yaml/);
      expect((await run(step)).stderr).to.contain("x.yaml");
      expect(await machine.sh(`cat ${file}`)).to.equal("debug: true");
      await machine.sh(`rm -r $(dirname ${file})`);
      expect(await state.drift()).to.deep.equal([]);
    });

    it("a kubelet that runs with another root is named, and refused by name", async () => {
      await machine.sh(
        "mkdir -p /run/standin; echo /var/lib/kubelet >/run/standin/root; systemctl restart k3s; rm /run/standin/root",
      );
      expect(await state.drift()).to.deep.equal(["kubeletRoot: /var/lib/kubelet"]);
      // Nothing that K3s reads has changed, so nothing says that it must be restarted.
      expect((await run(step)).stderr).to.match(/kubelet's root is '\/var\/lib\/kubelet'/);
      await machine.sh("systemctl restart k3s");
      expect(await state.drift()).to.deep.equal([]);
    });

    it("a repair touches nothing else", async () => {
      await machine.revert("k3s-server");
      const before = (await machine.sh(FINGERPRINT)).split("\n");
      await machine.sh("echo 'debug: true' >>/etc/rancher/k3s/config.yaml");
      await state.update();
      const after = (await machine.sh(FINGERPRINT)).split("\n");
      const touched = after.filter((line) => !before.includes(line)).map((line) => line.split(" ")[0]);
      // K3s runs with the repaired configuration already: it is not restarted.
      expect(touched).to.have.members(["/etc/rancher/k3s", "/etc/rancher/k3s/config.yaml"]);
    });

    it("another token than the one that encrypts the cluster is refused, and nothing is written", async () => {
      const before = await machine.sh(FINGERPRINT);
      const ran = await runStep(machine, step.script, { ...secretsOf(step), SERVER_TOKEN: "another" });
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("k3s token rotate");
      expect(await machine.sh(FINGERPRINT)).to.equal(before);
    });

    it("a binary with another digest is not installed", async () => {
      await machine.revert("k3s-ready");
      await machine.sh("find /srv/mirror -name k3s -exec sh -c 'echo \"# changed\" >>\"$1\"' _ {} ';'");
      const ran = await run(step);
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("nothing was installed");
      expect(
        await machine.sh(`ls ${paths.binaries}/${VERSION}; ls /usr/local/bin; ls /etc/rancher 2>/dev/null || true`),
      ).to.equal("");
    });

    const halfway: [when: string, until: string, prepare: string][] = [
      [
        "while the binary is fetched",
        `ls ${paths.binaries}/*/.homelab.*`,
        "systemctl stop mirror.service; (sleep 25; systemctl start mirror.service) >/dev/null 2>&1 &",
      ],
      [
        "while K3s starts",
        'test "$(systemctl show --property=ActiveState --value k3s)" = activating',
        "mkdir -p /run/standin; echo 20 >/run/standin/slow",
      ],
    ];
    for (const [when, until, prepare] of halfway) {
      it(`killed ${when}, the next run completes`, async () => {
        await machine.revert("k3s-ready");
        await machine.sh(prepare);
        const running = run(step);
        // Looked at on the machine itself: a login takes longer than some of these moments last.
        await machine.sh(
          `for _ in $(seq 1200); do if ${until} >/dev/null 2>&1; then systemctl kill --signal=KILL homelab-k3s-server; exit 0; fi; sleep 0.05; done; exit 1`,
        );
        expect((await running).status).not.to.equal(0);
        await machine.sh("rm -f /run/standin/slow; systemctl start mirror.service");
        const again = await run(step);
        expect(again.status, again.stderr).to.equal(0);
        expect(await state.drift()).to.deep.equal([]);
        expect(await machine.sh(`find ${paths.binaries} /etc/rancher -name '.homelab.*' -mmin -1 | wc -l`)).to.equal(
          "0",
        );
      });
    }

    it("killed after each of its changes, it goes on where it was", async () => {
      await machine.revert("k3s-ready");
      const seen = await timed("killed after each change", () =>
        killedAfterEachChange(machine, step.script, secretsOf(step), RESTARTED),
      );
      expect(seen.join("\n")).to.contain("config.yaml").and.to.contain("k3s restarted");
      expect(await state.drift()).to.deep.equal([]);
    });

    it("an upgrade takes a snapshot first; a skipped minor and a downgrade are refused before anything is written", async () => {
      await machine.revert("k3s-ready");
      const [oldest, older] = [OLDEST, OLDER].map((version) => stepOf(labOf(NAME, undefined, version), NAME));
      expect((await run(oldest)).status).to.equal(0);
      const running = await machine.sh(FINGERPRINT);
      expect((await run(step)).stderr).to.contain("skips a minor version");
      expect(await machine.sh(FINGERPRINT)).to.equal(running);
      const changed = changes(await timed("upgrade", () => run(older)));
      expect(changed.join("\n")).to.contain("k3s restarted");
      expect(await machine.sh(`ls ${paths.data}/server/db/snapshots`)).to.contain(`before-${OLDER}`);
      expect(await watch(older).drift()).to.deep.equal([]);
      const before = await machine.sh(FINGERPRINT);
      expect((await run(oldest)).stderr).to.contain("K3s cannot be downgraded");
      expect(await machine.sh(FINGERPRINT)).to.equal(before);
    });

    it("a changed kubelet root is refused while a volume is mounted below it, and the volume is not touched", async () => {
      await machine.revert("k3s-server");
      const root = labOf(NAME).cluster.kubeletRoot;
      const volume = `${root}/pods/uid/volumes/kubernetes.io~csi/data/mount`;
      await machine.sh(`mkdir -p ${volume}; mount -t tmpfs volume ${volume}; echo film >${volume}/film.mkv`);
      const before = await machine.sh(FINGERPRINT);
      const moved = stepOf(
        labOf(NAME, (config) => (config.cluster.kubeletRoot = "/var/lib/kubelet")),
        NAME,
      );
      const ran = await run(moved);
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("cannot become /var/lib/kubelet").and.to.contain(volume);
      expect(await machine.sh(FINGERPRINT)).to.equal(before);
      expect(await machine.sh(`cat ${volume}/film.mkv; systemctl is-active k3s`)).to.equal("film\nactive");
    });
  });

  describe("agent", () => {
    let step: K3sNodeStep;
    let state: WatchedState;

    before(() => {
      step = stepOf(labOf("k3s3"), "k3s3");
      state = watch(step);
    });
    beforeEach(async () => {
      await machine.revert("k3s-ready");
      // As much of a control plane as an agent's step asks.
      await machine.sh(`mkdir -p /srv/server; printf pong >/srv/server/ping
        openssl req -x509 -newkey rsa:2048 -nodes -keyout /srv/server.key -out /srv/server.crt -days 2 -subj /CN=x 2>/dev/null
        cat >/srv/server.py <<'END'
import http.server, ssl
server = http.server.ThreadingHTTPServer(("192.168.10.30", 6443), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("/srv/server.crt", "/srv/server.key")
server.socket = context.wrap_socket(server.socket, server_side=True); server.serve_forever()
END
        cat >/etc/systemd/system/server.service <<'END'
[Unit]
After=address.service
[Service]
WorkingDirectory=/srv/server
ExecStart=/usr/bin/python3 /srv/server.py
[Install]
WantedBy=multi-user.target
END
        systemctl daemon-reload; systemctl enable --now -q server.service`);
    });

    it("joins, holds only the agents' token, and converges; a second run changes nothing; it survives a reboot", async () => {
      const ran = await timed("K3s agent from nothing", () => run(step));
      expect(changes(ran).join("\n")).to.contain("k3s-agent restarted");
      expect(await state.drift()).to.deep.equal([]);
      expect(await machine.sh("ls /etc/rancher/k3s; grep -r server-secret /etc /var/lib/rancher || true")).to.equal(
        "agent-token\nconfig.yaml\nregistries.yaml",
      );
      const before = await machine.sh(FINGERPRINT);
      expect(changes(await run(step))).to.deep.equal([]);
      expect(await machine.sh(FINGERPRINT)).to.equal(before);

      await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
      await timed("reboot", () => machine.untilLogin());
      await machine.ssh("systemctl is-system-running --wait");
      expect(await state.drift()).to.deep.equal([]);
      expect(changes(await run(step))).to.deep.equal([]);
    });

    it("killed after each of its changes, it goes on where it was", async () => {
      const seen = await timed("killed after each change", () =>
        killedAfterEachChange(machine, step.script, secretsOf(step), RESTARTED),
      );
      expect(seen.join("\n")).to.contain("agent-token").and.to.contain("k3s-agent restarted");
      expect(await state.drift()).to.deep.equal([]);
    });
  });
});
