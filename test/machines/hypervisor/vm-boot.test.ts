import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import type { ControlPlane, Homelab } from "../../../config/homelab";
import { assignments, renderStep } from "../../../nodes/host-script";
import { vendorData } from "../../../nodes/hypervisor/cloud-init";
import { ed25519HostKey } from "../../../nodes/hypervisor/host-key";
import { planVm } from "../../../nodes/hypervisor/vm-names";
import { firstBootStep, vmStep } from "../../../nodes/hypervisor/vm-steps";
import { cloudImage } from "../../../sandbox/cloud-image";
import { LibvirtLab, libvirtProblem } from "../../../sandbox/libvirt/lab";
import type { Ran } from "../../../sandbox/processes";
import { home } from "../../support/home";
import { changes, needMachines, timed } from "../lab";

const SEED = Buffer.alloc(32, 7).toString("base64");
const USER_KEY = ed25519HostKey(Buffer.alloc(32, 9).toString("base64"), "owner");

/** What ssh says before there is a login; the command has not begun. */
const NOT_ANSWERED = /Connection refused|kex_exchange_identification/;

/**
 * The whole path of the control plane's VM, on a real libvirtd: our step makes it from a cloud image, its firmware, boot
 * loader, kernel, systemd and cloud-init are real, and one logs in over the bridge with the host key that was chosen before
 * the machine existed. A stand-in: the image is Debian's of the same make, and its processor is emulated.
 */
describe("the control plane's VM boots from its seed", () => {
  let hypervisor: LibvirtLab;
  let image: { file: string; sha256: string };
  const domain = "home-k3s-master1";

  const plan = (generation = 1) => {
    const base = home((config) => {
      config.authorizedKeys = [USER_KEY.publicKey];
      config.machines.r730.libvirt = { bridge: "br0", domainType: "qemu" };
    });
    const machine = {
      ...base.controlPlane,
      vm: { ...base.controlPlane.vm, vcpus: 1, memory: "1Gi", disk: "4Gi" },
    } as ControlPlane;
    const homelab: Homelab = {
      ...base,
      versions: { ...base.versions, cloudImage: { url: `file://${image.file}`, sha256: image.sha256 } },
    };
    return { homelab, machine, vm: planVm(homelab, machine, generation) };
  };
  /** The step as the hypervisor runs it. */
  const runStep = (generation = 1): Promise<Ran> => {
    const { homelab, vm } = plan(generation);
    const secret = assignments({ VENDOR_DATA: vendorData(vm, SEED) });
    return hypervisor.run(`${secret}\n${renderStep(vmStep(homelab, vm).script)}`);
  };
  /** Runs bash text in the guest as root, over SSH from the hypervisor with the pinned host key. */
  const guestRun = async (text: string): Promise<Ran> => {
    fs.writeFileSync(path.join(hypervisor.folder, "guest-script"), text);
    const { user } = plan().machine.ssh;
    const dial = () =>
      hypervisor.run(
        `ssh -F /dev/null -T -i key -o BatchMode=yes -o ConnectTimeout=20 -o UserKnownHostsFile=known_hosts \
        -o StrictHostKeyChecking=yes -o HostKeyAlgorithms=ssh-ed25519 -o LogLevel=ERROR \
        ${user}@192.168.10.30 'sudo -n bash' <guest-script`,
      );
    let ran = await dial();
    // cloud-init restarts sshd at a moment of its own; the program's steps dial until it answers, and so do we.
    for (let attempt = 0; attempt < 30 && ran.status === 255 && NOT_ANSWERED.test(ran.stderr); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      ran = await dial();
    }
    return ran;
  };
  const guest = async (text: string): Promise<string> => {
    const { status, stdout, stderr } = await guestRun(`set -euo pipefail\n${text}`);
    expect(status, `${text}\n${stderr}`).to.equal(0);
    return stdout.trim();
  };
  const bootId = () => guest("cat /proc/sys/kernel/random/boot_id");
  const diskDigest = async (generation: number) => {
    const { disk } = plan(generation).vm.paths;
    return hypervisor.sh(`sha256sum <${disk}`);
  };

  before(async function () {
    needMachines(this, { further: libvirtProblem() });
    image = await timed("cloud image", () => cloudImage());
    hypervisor = await LibvirtLab.start();
    const write = (name: string, text: string) =>
      fs.writeFileSync(path.join(hypervisor.folder, name), text, { mode: 0o600 });
    write("key", USER_KEY.privateKey);
    write("known_hosts", `192.168.10.30 ${ed25519HostKey(SEED, "k3s-master1").publicKey}\n`);
  });
  after(() => hypervisor?.stop());

  it("our step makes it, and it answers with the host key that was generated before it existed", async () => {
    const ran = await timed("from nothing to SSH", () => runStep());
    expect(changes(ran)).to.include(`changed: ${domain} started`);
    await untilLogin();
    expect(await guest("hostname")).to.equal("k3s-master1");
  });

  it("its first boot ends well, by the program's own step", async () => {
    const step = firstBootStep(plan().vm);
    const ran = await timed("cloud-init to its end", () => guestRun(renderStep(step)));
    expect(ran.status, ran.stderr).to.equal(0);
    expect(await guest("cloud-init status")).to.equal("status: done");
    expect(await guest("systemctl is-active qemu-guest-agent")).to.equal("active");
    expect(await guest("systemctl --failed --no-legend --plain")).to.equal("");
  });

  it("is what the configuration says: identity, user, keys, network, time zone, and a file system as large as the disk", async () => {
    const { machine } = plan();
    // The identity that every later step checks before it writes.
    expect(await guest("cat /sys/class/dmi/id/product_uuid")).to.equal(machine.vm?.uuid);
    expect(await guest(`cat /home/${machine.ssh.user}/.ssh/authorized_keys`)).to.equal(USER_KEY.publicKey);
    expect(await guest(`passwd --status ${machine.ssh.user} | cut -d' ' -f2`), "no password").to.equal("L");
    expect(await guest("ls /home")).to.equal(machine.ssh.user);
    expect(await guest("ls /etc/ssh/ssh_host_*_key")).to.equal("/etc/ssh/ssh_host_ed25519_key");
    expect(await guest("sshd -T | grep -E '^(passwordauthentication|permitrootlogin) ' | sort")).to.match(
      /^passwordauthentication no\npermitrootlogin (without-password|prohibit-password|no)$/,
    );
    expect(await guest("readlink /etc/localtime")).to.contain("America/New_York");
    expect(await guest("ip -o -4 address show dev lan0 | awk '{print $4}'")).to.equal("192.168.10.30/24");
    expect(await guest("cat /sys/class/net/lan0/address")).to.equal(machine.vm?.mac);
    expect(await guest("ip route show default")).to.contain("via 192.168.10.1 dev lan0");
    expect(await guest("resolvectl dns lan0")).to.contain("192.168.10.1");
    expect(Number(await guest("df --output=size -B1 / | tail -n 1"))).to.be.greaterThan(3.7e9);
  });

  it("a second run finds nothing to do and does not restart it", async () => {
    const before = await bootId();
    expect(changes(await runStep())).to.deep.equal([]);
    expect(await bootId()).to.equal(before);
  });

  it("a reboot from inside keeps name, keys, network and data, and does not set it up again", async () => {
    const before = await bootId();
    // The connection may end before the command does.
    await guestRun("echo films >/root/precious; sync; systemctl stop ssh.service; systemctl reboot");
    await timed("reboot", () => untilLogin());
    expect(await bootId()).not.to.equal(before);
    expect(await guest("hostname; cat /root/precious")).to.equal("k3s-master1\nfilms");
    expect(await guest("ip -o -4 address show dev lan0 | awk '{print $4}'")).to.equal("192.168.10.30/24");
    expect(await guest("systemctl is-active qemu-guest-agent")).to.equal("active");
  });

  it("raising the generation makes it anew under the same host key, and keeps the disk of the one before as it was", async () => {
    await hypervisor.sh(`virsh -q -c qemu:///system destroy ${domain} >/dev/null`);
    const old = await diskDigest(1);
    const ran = await timed("a new generation to SSH", () => runStep(2));
    expect(ran.status, ran.stderr).to.equal(0);
    await untilLogin();
    expect((await guestRun("test -e /root/precious")).status, "a new disk").to.equal(1);
    expect(await guest("hostname")).to.equal("k3s-master1");
    expect(await diskDigest(1)).to.equal(old);
  });

  async function untilLogin(): Promise<void> {
    const end = performance.now() + 400_000;
    while ((await guestRun("true")).status !== 0) {
      if (performance.now() > end) {
        throw new Error("nobody can log in");
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
});
