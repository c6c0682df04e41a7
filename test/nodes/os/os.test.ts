import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import type { NodeMachine } from "../../../config/homelab";
import { readScript, renderProbe, renderStep } from "../../../nodes/host-script";
import { contentHash, fileFacts } from "../../../nodes/os/file-facts";
import { PATHS, osFiles } from "../../../nodes/os/files";
import { NodeBootstrap } from "../../../nodes/os/node-bootstrap";
import { KERNEL_MODULES, PACKAGES, SYSCTLS } from "../../../nodes/os/settings";
import { osState, osStep } from "../../../nodes/os/step";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";
import { hasTool } from "../disks/loop-disks";
import { fakeTools, machineProblem, onMachine } from "../k3s/machine";
import { shellcheck } from "../shellcheck";

const homelab = home();

function node(name: string): NodeMachine {
  const found = homelab.nodes.find((machine) => machine.name === name);
  if (!found) {
    throw new Error(`no node ${name}`);
  }
  return found;
}

function content(path: string, machine = node("k3s3")): string {
  const found = osFiles(homelab, machine).find((file) => file.path === path);
  if (typeof found?.content !== "string") {
    throw new Error(`no file ${path}`);
  }
  return found.content;
}

/** Runs functions of edits.sh on a text. */
function edit(call: string, input: string): string {
  return execFileSync("bash", ["-c", `set -euo pipefail\n${readScript("os/edits.sh")}\n${call}`], {
    input,
    encoding: "utf8",
  });
}

describe("node bootstrap", () => {
  let folder: string;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-os-"));
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  function saved(file: string): string {
    const target = path.join(folder, path.basename(file));
    fs.writeFileSync(target, content(file));
    return target;
  }

  describe("incidents and traps", () => {
    it('incident "k3s1 Networking Failure": networkd leaves foreign routes, rules and pod interfaces alone', () => {
      expect(content(PATHS.networkd)).to.include(
        "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n",
      );
      expect(content(PATHS.unmanaged)).to.include("[Match]\nName=lxc* cilium_*\n\n[Link]\nUnmanaged=yes\n");
      // The first .network file that matches wins; netplan writes 10-netplan-*.network.
      expect(path.basename(PATHS.unmanaged) < "10-netplan").to.equal(true);
      expect(content(PATHS.needrestart)).to.include("systemd-networkd");
    });

    it("trap 28: iscsid runs, and multipathd leaves Longhorn's volumes alone without losing real multipathed disks", () => {
      expect(osState(homelab, node("k3s3")).expected["unit.iscsid.service"]).to.equal("active/enabled");
      expect(content(PATHS.multipath)).to.match(/blacklist \{\s+device \{\s+vendor "IET"\s+product "VIRTUAL-DISK"/);
      expect(content(PATHS.multipath)).not.to.include("devnode");
    });

    it("trap 28: refuses the kernels of Ubuntu 22.04 whose NFS client is broken, and only those", () => {
      const pattern = /\[\[ \$\(uname -r\) =~ (\S+) \]\]/.exec(readScript("os/bootstrap.sh"))?.[1] ?? "";
      const refused = (release: string) =>
        spawnSync("bash", ["-c", `[[ $1 =~ ${pattern} ]]`, "-", release]).status === 0;
      expect(["5.15.0-94-generic", "5.15.0-99-generic"].every(refused)).to.equal(true);
      expect(
        ["5.15.0-93-generic", "5.15.0-100-generic", "5.15.0-9-generic", "6.8.0-94-generic"].some(refused),
      ).to.equal(false);
    });

    it("refuses a time zone that is not there before it installs or writes anything", function () {
      const problem = machineProblem() ?? (fs.existsSync("/usr/share/zoneinfo/UTC") ? undefined : "needs tzdata");
      if (problem !== undefined) {
        skipBecause(this, problem);
      }
      const script = osStep(homelab, node("k3s1"));
      const text = renderStep({ ...script, variables: { ...script.variables, TIMEZONE: "Europe/Nowhere" } });
      const { status, output } = onMachine(
        `${fakeTools}
         for name in apt-get dpkg dpkg-query hostnamectl; do printf '#!/bin/sh\\necho "ran $0"; exit 9\\n' | tool $name; done
         before=$(find /etc -newer "$FILES/step" | wc -l); must_fail "$FILES/step"
         [ "$(find /etc -newer "$FILES/step" | wc -l)" = "$before" ]`,
        { step: text },
      );
      expect(status, output).to.equal(0);
      expect(output).to.contain("there is no time zone Europe/Nowhere here").and.not.contain("ran /usr");
    });

    it("kubelet with protect-kernel-defaults starts: every tunable that it checks is set", () => {
      expect(SYSCTLS).to.include({
        "vm.overcommit_memory": "1",
        "vm.panic_on_oom": "0",
        "kernel.panic": "10",
        "kernel.panic_on_oops": "1",
        "kernel.keys.root_maxkeys": "1000000",
        "kernel.keys.root_maxbytes": "25000000",
      });
    });

    it("cilium on systemd >= 245: rp_filter is 0 for all and for pod interfaces, ordered before Cilium's own override", function () {
      expect(path.basename(PATHS.sysctls) < "99-zzz-override_cilium.conf").to.equal(true);
      expect(path.basename(PATHS.sysctls) > "99-sysctl.conf").to.equal(true);
      const tool = "/usr/lib/systemd/systemd-sysctl";
      if (
        !fs.existsSync(tool) ||
        !hasTool("ip") ||
        spawnSync("unshare", ["--net", "ip", "tuntap", "add", "x0", "mode", "tap"]).status !== 0
      ) {
        skipBecause(this, "needs systemd-sysctl, ip, and the right to make network namespaces with tap devices");
      }
      const file = saved(PATHS.sysctls);
      const script = [
        "set -e; cd /proc/sys/net/ipv4/conf",
        "for name in lxc1234 cilium_host lan0; do ip tuntap add $name mode tap; echo 2 >$name/rp_filter; done",
        "echo 2 >all/rp_filter",
        // Only keys of the namespace: the others belong to the whole machine.
        `${tool} --prefix=/net/ipv4/conf "${file}"`,
        "cat all/rp_filter lxc1234/rp_filter cilium_host/rp_filter lan0/rp_filter",
      ].join("\n");
      const values = execFileSync("unshare", ["--net", "sh", "-c", script], { encoding: "utf8" });
      expect(values.trim().split("\n")).to.deep.equal(["0", "0", "0", "2"]);
    });
  });

  describe("files", () => {
    it("are all our own: drop-ins and new names, never a conffile of a package", () => {
      const files = osFiles(homelab, node("k3s1")).map((file) => file.path);
      expect(files.every((file) => /homelab/.test(file))).to.equal(true);
      expect(new Set(files).size).to.equal(files.length);
      expect(files).to.have.members(Object.values(PATHS));
    });

    it("every machine reboots in its own hour", () => {
      const times = homelab.nodes.map((machine) => /Reboot-Time "(.*)"/.exec(content(PATHS.upgrades, machine))?.[1]);
      expect(times).to.deep.equal(["05:00", "03:00", "04:00", "06:00"]);
    });

    it("only the machine with the card keeps its driver from surprise upgrades", () => {
      expect(content(PATHS.upgrades, node("k3s3"))).to.include('"libnvidia-";');
      expect(content(PATHS.upgrades, node("k3s1"))).not.to.include("nvidia");
    });

    it("apt reads the upgrade settings", function () {
      if (!hasTool("apt-config")) {
        skipBecause(this, "apt is not installed");
      }
      const dump = execFileSync("apt-config", ["-c", saved(PATHS.upgrades), "dump"], { encoding: "utf8" });
      expect(dump).to.include('Unattended-Upgrade::Automatic-Reboot-Time "06:00";');
      expect(dump).to.include('Unattended-Upgrade::Package-Blacklist:: "libnvidia-";');
      expect(dump).to.include('APT::Periodic::Unattended-Upgrade "1";');
    });

    it("chronyd reads its configuration, with the configured servers and no others", function () {
      if (!hasTool("chronyd")) {
        skipBecause(this, "chrony is not installed");
      }
      const printed = execFileSync("chronyd", ["-p", "-f", saved(PATHS.chrony)], { encoding: "utf8" });
      expect(printed.match(/^(pool|server|peer) \S+/gm)).to.deep.equal(
        homelab.cluster.timeServers.map((name) => `pool ${name}`),
      );
      const alone = home((config) => (config.cluster.timeServers = []));
      const file = osFiles(alone, alone.controlPlane).find((each) => each.path === PATHS.chrony);
      expect(file?.content).to.include("\nlocal stratum 10\n").and.not.include("pool ");
    });

    it("perl reads needrestart's setting, and it spares K3s and a running step but not cron", function () {
      if (!hasTool("perl")) {
        skipBecause(this, "perl is not installed");
      }
      const script = [
        "our %nrconf; eval do { local (@ARGV, $/) = $ARGV[0]; <> }; die $@ if $@;",
        "my ($re) = keys %{$nrconf{override_rc}};",
        "print join ',', map { /$re/ ? 'spared' : 'restarted' } qw(k3s.service k3s-agent.service iscsid.service homelab-disks.service cron.service);",
      ].join(" ");
      expect(execFileSync("perl", ["-e", script, saved(PATHS.needrestart)], { encoding: "utf8" })).to.equal(
        "spared,spared,spared,spared,restarted",
      );
    });
  });

  describe("edits", () => {
    it("hosts: the machine's name is on 127.0.1.1 once, and other lines stay", () => {
      const before = "127.0.0.1 localhost\n127.0.1.1 ubuntu\n192.168.10.1 router # 127.0.1.1 \n::1 ip6\n";
      const after = "127.0.0.1 localhost\n192.168.10.1 router # 127.0.1.1 \n::1 ip6\n127.0.1.1 k3s1\n";
      expect(edit("hosts_with k3s1", before)).to.equal(after);
      expect(edit("hosts_with k3s1", after)).to.equal(after);
      const full = "127.0.1.1\tk3s1.example.org k3s1\n127.0.1.1 k3s1\n";
      expect(edit("hosts_with k3s1", full)).to.equal("127.0.1.1\tk3s1.example.org k3s1\n");
      expect(edit("hosts_with k3s1", "127.0.1.1 other # k3s1\n")).to.equal("127.0.1.1 k3s1\n");
    });

    it("fstab: swap lines become comments, once; everything else stays byte for byte", () => {
      const root = "UUID=1 / ext4 defaults 0 1\n#/old none swap sw 0 0\nnas:/swap /mnt/swap nfs ro 0 0\n";
      const after = edit("fstab_without_swap", `${root}/swap.img\tnone\tswap\tsw\t0\t0\n`);
      expect(after).to.equal(
        `${root}# swap is off on nodes of the cluster (homelab): /swap.img\tnone\tswap\tsw\t0\t0\n`,
      );
      expect(edit("fstab_without_swap", after)).to.equal(after);
    });

    it("property: editing twice is editing once, and no fstab keeps a swap line", () => {
      const word = fc.constantFrom("swap", "none", "/", "/swap.img", "127.0.1.1", "k3s1", "#", "UUID=1", "ext4", "sw");
      const line = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "));
      const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.map((each) => `${each}\n`).join(""));
      fc.assert(
        fc.property(text, (before) => {
          const fstab = edit("fstab_without_swap", before);
          expect(edit("fstab_without_swap", fstab)).to.equal(fstab);
          expect(fstab).not.to.match(/^[^#\s]\S*[ \t]+\S+[ \t]+swap\b/m);
          const hosts = edit("hosts_with k3s1", before);
          expect(edit("hosts_with k3s1", hosts)).to.equal(hosts);
          expect(hosts.match(/^127\.0\.1\.1\s/gm)).to.have.length(1);
        }),
        { numRuns: 15 },
      );
    });
  });

  describe("questions", () => {
    it("an active firewall is seen however many rules it prints", () => {
      fs.writeFileSync(path.join(folder, "ufw"), "#!/bin/sh\necho 'Status: active'\nseq 100000\n", { mode: 0o755 });
      expect(edit(`PATH=${folder}:$PATH; firewalls`, "")).to.equal("ufw\n");
    });

    it("a unit is restarted for a file of this run, and for one of an interrupted run, whatever its clock said", () => {
      const file = path.join(folder, "drop-in.conf");
      const started = (when: string, changed = "") =>
        execFileSync("bash", [], {
          encoding: "utf8",
          input: [
            readScript("lib.sh"),
            `systemctl() { [ "$1" = restart ] || printf 'ActiveState=active\\nNeedDaemonReload=no\\nActiveEnterTimestamp=${when}\\n'; }`,
            `CHANGED=(${changed})`,
            `restart_if_stale x.service ${file}`,
          ].join("\n"),
        });
      fs.writeFileSync(file, "x");
      fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
      expect(started("Tue 2023-11-14 22:13:19 UTC")).to.equal("changed: unit x.service restarted\n");
      expect(started("Tue 2023-11-14 22:13:21 UTC")).to.equal("");
      expect(started("Tue 2030-01-01 00:00:00 UTC", file)).to.equal("changed: unit x.service restarted\n");
    });
  });

  describe("script and facts", () => {
    homelab.nodes.forEach((machine) =>
      it(`${machine.name}: step and probe are sound bash by shellcheck`, function () {
        shellcheck(this, renderStep(osStep(homelab, machine)));
        const { probe } = osState(homelab, machine);
        shellcheck(this, renderProbe(probe, { kind: "machine-id", value: "0123456789abcdef0123456789abcdef" }));
      }),
    );

    it("the probe, run here, prints exactly the facts that are expected, and finds this machine to be no node", () => {
      const { probe, expected } = osState(homelab, node("k3s3"));
      const value = fs.readFileSync("/etc/machine-id", "utf8").trim();
      const printed = execFileSync("bash", [], {
        input: renderProbe(probe, { kind: "machine-id", value }),
        encoding: "utf8",
      });
      const facts = JSON.parse(printed) as Record<string, string>;
      expect(Object.keys(facts)).to.have.members(Object.keys(expected));
      expect(facts).not.to.deep.equal(expected);
      expect(facts[`file.${PATHS.sysctls}`]).to.equal("absent");
    });

    it("every package, module, sysctl and file is a fact, so that a refresh sees its drift", () => {
      const machine = node("k3s1");
      const { expected } = osState(homelab, machine);
      expect(expected).to.include(fileFacts(osFiles(homelab, machine)));
      PACKAGES.forEach((name) => expect(expected).to.have.property(`package.${name}`, "installed"));
      KERNEL_MODULES.forEach((name) => expect(expected).to.have.property(`module.${name}`, "loaded"));
      Object.entries(SYSCTLS).forEach(([name, value]) => expect(expected).to.have.property(`sysctl.${name}`, value));
      expect(expected).to.include({
        hostname: "k3s1",
        swap: "off",
        time: "synchronised",
        timezone: "America/New_York",
      });
    });

    it("a file's hash is that of the installed file, whose last line ends", () => {
      expect(contentHash({ path: "/x", mode: "0644", content: "a" })).to.equal(
        contentHash({ path: "/x", mode: "0644", content: "a\n" }),
      );
      expect(() => contentHash({ path: "/x", mode: "0600", content: { secret: "TOKEN" } })).to.throw(/holds a secret/);
    });

    it("component: one step with its state, which `ready` names", async () => {
      const machine = node("k3s1");
      let ready = 0;
      const { resources } = await record(() => {
        ready = new NodeBootstrap("k3s1", { homelab, host: hostOf(homelab, machine), machine }).ready.length;
      });
      expect(ready).to.equal(1);
      expect(resources.filter(({ custom }) => custom).map(({ name }) => name)).to.have.members([
        "k3s1-os-apply",
        "k3s1-os-state",
      ]);
    });
  });
});
