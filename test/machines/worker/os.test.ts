import { expect } from "chai";
import { hostStateProvider } from "../../../nodes/host-state";
import { osFiles } from "../../../nodes/os/files";
import { osStep } from "../../../nodes/os/step";
import type { Machine } from "../../../sandbox/machine";
import { failure } from "../../support/failure";
import { FINGERPRINT } from "../fingerprint";
import { killedAfterEachChange } from "../interrupted";
import {
  WatchedState,
  bootstrappedMachine,
  changes,
  cleanMachine,
  lab,
  needMachines,
  node,
  runStep,
  timed,
} from "../lab";

describe("the bootstrap of the operating system, on a booted machine", () => {
  let machine: Machine;
  let state: WatchedState;
  const run = async () => runStep(machine, osStep(lab(machine), node(machine)));

  before(async function () {
    needMachines(this);
    machine = await bootstrappedMachine();
    state = WatchedState.os(machine);
  });

  it("converges on a fresh machine: every fact of the probe is as expected", async () => {
    expect(await timed("probe", () => state.drift())).to.deep.equal([]);
    await state.create();
  });

  it("a second run changes nothing: no line, file, package or unit", async () => {
    const before = await machine.sh(FINGERPRINT);
    const ran = await timed("second run", run);
    expect(changes(ran)).to.deep.equal([]);
    expect(await machine.sh(FINGERPRINT)).to.equal(before);
  });

  it("a probe writes nothing", async () => {
    const before = await machine.sh(FINGERPRINT);
    await timed("probe", () => state.facts());
    expect(await machine.sh(FINGERPRINT)).to.equal(before);
  });

  it("drift is named by the exact fact, whatever was tampered with, and one update repairs all of it", async () => {
    const conf = "/etc/sysctl.d/99-zz-homelab.conf";
    const drifts: [tamper: string, facts: string[]][] = [
      ["sysctl -q -w vm.overcommit_memory=0", ["sysctl.vm.overcommit_memory: 0"]],
      ["systemctl stop iscsid.socket iscsid.service", ["unit.iscsid.service: inactive/enabled"]],
      ["systemctl disable -q apt-daily-upgrade.timer", ["unit.apt-daily-upgrade.timer: active/disabled"]],
      ["timedatectl set-timezone Asia/Tokyo", ["timezone: Asia/Tokyo"]],
      ["hostnamectl set-hostname somebody", ["hostname: somebody"]],
      ["modprobe -r iscsi_tcp", ["module.iscsi_tcp: absent"]],
      ["fallocate -l 64M /swapfile && chmod 600 /swapfile && mkswap -q /swapfile && swapon /swapfile", ["swap: on"]],
      ["apt-get -qq -y purge unattended-upgrades >/dev/null 2>&1", ["package.unattended-upgrades: absent"]],
      ["rm /etc/systemd/journald.conf.d/homelab.conf", ["file./etc/systemd/journald.conf.d/homelab.conf: absent"]],
    ];
    const seen: string[] = [];
    for (const [tamper, facts] of drifts) {
      await machine.sh(tamper);
      seen.push(...facts);
      expect(await state.drift(), tamper).to.deep.equal([...seen].sort());
    }
    await machine.sh(`echo 'vm.swappiness = 1' >>${conf}`);
    expect((await state.drift()).filter((fact) => fact.startsWith(`file.${conf}`))).to.have.length(1);
    const untouched = await machine.sh("stat -c '%n %Y' /etc/chrony/homelab.conf /etc/ssh/sshd_config /etc/passwd");

    await timed("repair", () => state.update());
    expect(await state.drift()).to.deep.equal([]);
    expect(await machine.sh("stat -c '%n %Y' /etc/chrony/homelab.conf /etc/ssh/sshd_config /etc/passwd")).to.equal(
      untouched,
    );
    expect(changes(await run())).to.deep.equal([]);
  });

  // That it survives a reboot is in disks.test.ts: one reboot shows both.
  it("time that is not synchronised is drift", async () => {
    await machine.sh("systemctl stop chrony.service");
    expect(await state.drift()).to.deep.equal(["time: not synchronised", "unit.chrony.service: inactive/enabled"]);
    await state.update();
  });

  it("every file that we install is installed, and belongs to root", async () => {
    const paths = osFiles(lab(machine), node(machine)).map(({ path }) => path);
    const owners = await machine.sh(`stat -c '%U:%G %a' ${paths.join(" ")} | sort -u`);
    expect(owners).to.equal("root:root 644");
  });

  it("a changed host key is refused before anything is asked, and is no drift", async () => {
    const connection = { ...machine.connection(), hostKey: `ssh-ed25519 ${"A".repeat(68)}` };
    const props = { machine: machine.name, connection, probe: "touch /var/tmp/asked; echo '{}'", expected: {} };
    const refused = await failure(hostStateProvider.read!(machine.name, props as never));
    expect(refused).to.contain("another host key than the pinned one").and.to.contain("no drift");
    expect((await machine.ssh("test -e /var/tmp/asked")).status).to.equal(1);
  });

  it("killed after each of its changes on a fresh machine, it goes on where it was", async () => {
    const fresh = await cleanMachine();
    const seen = await timed("killed after each change", () =>
      killedAfterEachChange(fresh, osStep(lab(fresh), node(fresh))),
    );
    console.log(`      it changed ${seen.length} things, one in each run`);
    expect(seen.join("\n")).to.contain("host name").and.to.contain("sysctls");
    expect(await state.drift()).to.deep.equal([]);
  });
});
