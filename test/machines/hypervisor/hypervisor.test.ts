import { expect } from "chai";
import type { ControlPlane, Homelab } from "../../../config/homelab";
import type { HostScript } from "../../../nodes/host-script";
import { vendorData } from "../../../nodes/hypervisor/cloud-init";
import { exportsStep, packagesStep, preflightStep, type PlannedStep } from "../../../nodes/hypervisor/hypervisor-steps";
import { planVm } from "../../../nodes/hypervisor/vm-names";
import { vmStep } from "../../../nodes/hypervisor/vm-steps";
import type { Machine } from "../../../sandbox/machine";
import { home } from "../../support/home";
import { FINGERPRINT, differences } from "../fingerprint";
import { interrupt, killedAfterEachChange } from "../interrupted";
import { WatchedState, changes, needMachines, runStep, timed } from "../lab";
import { rest, secondMachine } from "../second-machine";

/** Address and name of a node that the exports let in; and of one that they do not. */
const NODE_ADDRESS = "192.168.10.31";
const STRANGER = "192.168.10.77";
const DOMAIN = "home-k3s-master1";

/**
 * What a person prepares on an R730 of theirs: a bridge and a mounted array; and a stand-in for the network behind the
 * bridge: addresses of a node and of a stranger, and the VM's own, which is there while the VM runs (its image is empty).
 */
const PREPARE = (array: string) => `
cat >/etc/systemd/network/20-br0.netdev <<'END'
[NetDev]
Name=br0
Kind=bridge
END
cat >/etc/systemd/network/20-br0.network <<'END'
[Match]
Name=br0
[Network]
Address=192.168.10.100/24
Address=${NODE_ADDRESS}/32
Address=${STRANGER}/32
ConfigureWithoutCarrier=yes
END
networkctl reload
mkfs.ext4 -q ${array}
mkdir -p /mnt/array
echo '${array} /mnt/array ext4 nofail 0 2' >>/etc/fstab
systemctl daemon-reload
mount /mnt/array
mkdir -m 0777 /mnt/array/media
echo film >/mnt/array/media/film.mkv
mkdir -p /etc/libvirt/hooks
cat >/etc/libvirt/hooks/qemu <<'END'
#!/bin/sh
case $2 in
  started) ip address replace 192.168.10.30/32 dev br0 ;;
  release) ip address delete 192.168.10.30/32 dev br0 ;;
esac
exit 0
END
chmod 0755 /etc/libvirt/hooks/qemu
# The empty guest does not hear that it should shut down; a real one is given five minutes.
sed -i 's/^#*SHUTDOWN_TIMEOUT=.*/SHUTDOWN_TIMEOUT=5/' /etc/default/libvirt-guests
# It looks for hooks when it starts, only.
systemctl restart libvirtd.service
qemu-img create -q -f qcow2 /srv/image 16M
until ip link show up dev br0 | grep -q br0; do sleep 0.2; done`;

describe("the hypervisor's steps, on a booted machine: real apt, libvirtd, NFS server and systemd", () => {
  let machine: Machine;
  let homelab: Homelab;
  let vm: PlannedStep;
  let vmOf: (memory: string) => PlannedStep;

  const hypervisor = () => homelab.hypervisors[0];
  const exported = () => exportsStep(homelab, hypervisor())!;
  const watched = ({ script, state }: PlannedStep) => new WatchedState(machine, script, state!.probe, state!.expected);
  const all = () => [{ script: preflightStep(hypervisor()) }, packagesStep(hypervisor()), exported(), vm];
  const run = (script: HostScript) => timed(script.name, () => runStep(machine, script));
  const convergeAll = async () => {
    const found = [];
    for (const { script } of all()) {
      found.push(...changes(await run(script)));
    }
    return found;
  };
  const drifts = async () => {
    const found = [];
    for (const step of all().filter(({ state }) => state)) {
      found.push(...(await watched(step).drift()));
    }
    return found;
  };
  /** Mounts the export as the machine of this address does, and runs bash text with it; the share is at /mnt/share. */
  const from = (address: string, text: string) =>
    machine.ssh(
      `mkdir -p /mnt/share && mount -t nfs -o vers=4.2,soft,timeo=50 ${address}:/mnt/array/media /mnt/share &&
       { ${text}; status=$?; umount /mnt/share; exit $status; }`,
      "",
      "root",
    );

  before(async function () {
    needMachines(this);
    machine = await secondMachine();
    await machine.sh(PREPARE(machine.disks.array));
    const sha256 = (await machine.sh("sha256sum </srv/image")).split(" ")[0];
    const base = home((config) => {
      config.machines.r730.exports = { media: { path: "/mnt/array/media", mountPoint: "/mnt/array" } };
      config.machines.r730.libvirt = { bridge: "br0", domainType: "qemu" };
    });
    homelab = { ...base, versions: { ...base.versions, cloudImage: { url: "file:///srv/image", sha256 } } };
    vmOf = (memory) => {
      const control = {
        ...base.controlPlane,
        vm: { ...base.controlPlane.vm, vcpus: 1, memory, disk: "32Mi" },
      } as ControlPlane;
      const plan = planVm(homelab, control, 1);
      const planned = vmStep(homelab, plan);
      // The seed's secret as part of the text, as HostStep gives it.
      const secret = vendorData(plan, Buffer.alloc(32, 7).toString("base64"));
      return {
        ...planned,
        script: { ...planned.script, secrets: [], variables: { ...planned.script.variables, VENDOR_DATA: secret } },
      };
    };
    vm = vmOf("64Mi");
    await machine.checkpoint("prepared");
  });

  after(() => rest(machine));

  it("preflight: no bridge, a bridge that is down, an array that is not mounted are refused, and nothing is written", async () => {
    const preflight = preflightStep(hypervisor());
    const before = await machine.sh(FINGERPRINT);
    const said = async (spoil: string, repair: string) => {
      await machine.sh(spoil);
      const ran = await runStep(machine, preflight);
      await machine.sh(repair);
      expect(ran.status).to.equal(1);
      return ran.stderr;
    };
    const renamed = (one: string, other: string) =>
      `ip link set ${one} down; ip link set ${one} name ${other}; ip link set ${other} up`;
    expect(await said("ip link set br0 down", "ip link set br0 up")).to.contain("bridge br0 is down");
    expect(await said(renamed("br0", "br9"), renamed("br9", "br0"))).to.contain("no bridge br0 (found: br9)");
    expect(await said("umount /mnt/array", "mount /mnt/array")).to.contain("nothing is mounted at /mnt/array");
    expect(changes(await runStep(machine, preflight))).to.deep.equal([]);
    expect(differences(before, await machine.sh(FINGERPRINT))).to.deep.equal([]);
  });

  it("packages: cut from power while dpkg works; the next run completes them, libvirt answers, a second changes nothing", async () => {
    const packages = packagesStep(hypervisor());
    await interrupt(machine, packages.script, "pgrep -f '^/usr/bin/dpkg .*--(unpack|configure)' >/dev/null", "power");
    const found = changes(await run(packages.script));
    expect(await machine.sh("dpkg --audit")).to.equal("");
    expect(found.join("\n")).to.match(/half installed packages completed|package /);
    expect(await watched(packages).drift()).to.deep.equal([]);
    const before = await machine.sh(FINGERPRINT);
    expect(changes(await run(packages.script))).to.deep.equal([]);
    expect(differences(before, await machine.sh(FINGERPRINT))).to.deep.equal([]);
    await machine.checkpoint("packages");
  });

  it("exports: killed after each of its changes, it goes on where it was; a node gets the films, a stranger nothing", async () => {
    const seen = await timed("exports, killed after each change", () =>
      killedAfterEachChange(machine, exported().script),
    );
    expect(seen).to.include("changed: /etc/exports.d/homelab.exports").and.to.include("changed: NFS exports");
    expect(await watched(exported()).drift()).to.deep.equal([]);
    const node = await from(NODE_ADDRESS, "cat /mnt/share/film.mkv");
    expect(node.stdout, node.stderr).to.equal("film\n");
    const stranger = await from(STRANGER, "cat /mnt/share/film.mkv");
    expect(stranger.status).not.to.equal(0);
    expect(stranger.stdout).to.equal("");
  });

  it("VM: made, started and set to start with its host; every fact is as expected", async () => {
    const seen = changes(await run(vm.script));
    expect(seen).to.include.members([`changed: ${DOMAIN} starts with its host`, `changed: ${DOMAIN} started`]);
    expect(await watched(vm).drift()).to.deep.equal([]);
    await machine.checkpoint("hypervisor");
  });

  it("VM: what is edited by hand is drift by its facts, and one update takes it back; an edited configuration redefines it; the VM runs on", async () => {
    const run = () => machine.sh(`virsh -q domid ${DOMAIN}`);
    const before = await run();
    await machine.sh(`
      virsh -q autostart --disable ${DOMAIN} >/dev/null
      virsh -q setmaxmem ${DOMAIN} 98304 --config >/dev/null`);
    expect(await watched(vm).drift()).to.deep.equal(["vm.autostart: disable", "vm.memoryKib: 98304"]);
    await watched(vm).update();
    expect(await watched(vm).drift()).to.deep.equal([]);

    const larger = vmOf("80Mi");
    expect(await watched(larger).drift()).to.deep.equal(["vm.memoryKib: 65536"]);
    expect(changes(await runStep(machine, larger.script))).to.include(
      `changed: definition of ${DOMAIN}; the running VM takes it up at its next boot`,
    );
    expect(await watched(larger).drift()).to.deep.equal([]);
    expect(await run(), "not restarted").to.equal(before);
    await machine.revert("hypervisor");
  });

  it("all of it survives a reboot: exports let out, VM running under its own definition; a run then changes nothing", async () => {
    const definition = await machine.sh(`virsh -q dumpxml --inactive ${DOMAIN}`);
    await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
    await timed("reboot", () => machine.untilLogin());
    await machine.ssh("systemctl is-system-running --wait", "", "root");
    await timed("probes", async () => expect(await drifts()).to.deep.equal([]));
    expect(await machine.sh(`virsh -q dumpxml --inactive ${DOMAIN}`)).to.equal(definition);
    const node = await from(NODE_ADDRESS, "cat /mnt/share/film.mkv");
    expect(node.stdout, node.stderr).to.equal("film\n");
    const before = await machine.sh(FINGERPRINT);
    expect(await convergeAll()).to.deep.equal([]);
    expect(differences(before, await machine.sh(FINGERPRINT))).to.deep.equal([]);
  });

  it("a reboot without the array exports nothing that a node could fill; it is drift, and refused, until the array is back", async () => {
    await machine.sh("sed -i 's|^\\(/dev/disk/.*/mnt/array\\)|#\\1|' /etc/fstab");
    await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
    await timed("reboot", () => machine.untilLogin());
    await machine.ssh("systemctl is-system-running --wait", "", "root");
    await machine.sh("mkdir -p /mnt/array/media; chmod 0777 /mnt/array/media");
    const node = await from(NODE_ADDRESS, "echo lost >/mnt/share/new-film.mkv");
    expect(node.status).not.to.equal(0);
    expect(await machine.sh("ls /mnt/array/media")).to.equal("");
    expect(await watched(exported()).drift()).to.include("nfs.media.mounted: no");
    const refused = await runStep(machine, exported().script);
    expect(refused.stderr).to.contain("nothing is mounted at /mnt/array");

    await machine.sh("sed -i 's|^#||' /etc/fstab; systemctl daemon-reload; mount /mnt/array");
    await watched(exported()).update();
    expect(await watched(exported()).drift()).to.deep.equal([]);
    const again = await from(NODE_ADDRESS, "ls /mnt/share");
    expect(again.stdout, again.stderr).to.equal("film.mkv\n");
  });
});
