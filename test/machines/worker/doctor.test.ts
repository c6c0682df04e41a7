import { expect } from "chai";
import type { Homelab } from "../../../config/homelab";
import { report } from "../../../doctor/diagnose";
import type { Finding } from "../../../doctor/finding";
import type { Machine } from "../../../sandbox/machine";
import { differences } from "../fingerprint";
import { NODE, bootstrappedMachine, lab, needMachines, timed } from "../lab";

/**
 * Every file and folder but logs and folders of systemd's services, which come and go with them, with times, owners and
 * sizes; packages; mounts; units with the time since when they run.
 */
const FINGERPRINT = `
find / -xdev \\( -path /var/log -o -path /var/lib/chrony -o -path /proc -o -path /sys -o -path /run \\) -prune -o -printf '%p %T@ %C@ %m %u %s\\n' | grep -Ev '^(/var)?/tmp(/systemd-private-[^ ]*)? ' | sort
find /run -xdev -path /run/user -prune -o -path /run/log -prune -o -path /run/systemd -prune -o -type f -printf '%p %T@\\n' | grep -Ev '/run/(utmp|motd|sudo|chrony|udev)' | sort
dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n'
findmnt --raw --noheadings | grep -v ' *^/run/user/' | grep -v /run/user/
lsmod | awk '{ print $1 }' | sort
systemctl list-units --all --plain --no-legend --type=service,socket,mount,timer | awk '{ print $1, $3, $4 }' | grep -Ev '^(user|session|run-user)' | sort
for disk in /dev/disk/by-id/*; do echo "$disk $(sha256sum <"$disk")"; done`;

/** The home stack as the doctor may see it here: one machine, at its own loopback port, and nothing else to ask. */
function here(machine: Machine): Homelab {
  const homelab = lab(machine);
  const { host: address, port } = machine.connection();
  const workers = homelab.workers
    .filter(({ name }) => name === machine.name)
    .map((worker) => ({ ...worker, address, ssh: { ...worker.ssh, port } }));
  return {
    ...homelab,
    network: {
      ...homelab.network,
      bgp: undefined,
      lan: { ...homelab.network.lan, cidr: "127.0.0.0/8", router: address, dns: [] },
    },
    hypervisors: [],
    workers,
    nodes: [homelab.controlPlane, ...workers],
    placeholders: [],
  };
}

describe("the doctor, on a booted machine", () => {
  let machine: Machine;

  const examine = async (privateKey = machine.privateKey) => {
    const homelab = here(machine);
    return report({
      stack: "home",
      homelab: { ...homelab, secrets: { ...homelab.secrets, sshPrivateKey: privateKey } },
      only: [NODE],
      timeout: 240_000,
      env: { PATH: process.env.PATH },
    });
  };
  const faults = (findings: readonly Finding[]) =>
    findings.filter(({ severity }) => severity !== "ok").map(({ check, item, found }) => `${check} ${item}: ${found}`);

  before(async function () {
    needMachines(this);
    machine = await bootstrappedMachine();
  });

  it("finds a healthy machine in order, before K3s is on it, and leaves everything on it as it was", async () => {
    // A machine that was put back to a checkpoint has the checkpoint's time, and no time server is there to correct it.
    await machine.sh(`date --set=@${Math.round(Date.now() / 1000)} >/dev/null`);
    await examine();
    const before = (await machine.sh(FINGERPRINT)).split("\n");
    const seen = await timed("examination", () => examine());
    const after = (await machine.sh(FINGERPRINT)).split("\n");
    expect(faults(seen.findings)).to.deep.equal([]);
    expect(seen.exitStatus).to.equal(0);
    expect(
      seen.findings
        .filter(({ check, checked }) => check === "disks.state" && checked)
        .map(({ item, found }) => [item, found]),
    ).to.deep.equal([
      ["optane-1", "blank; `pulumi up` formats it"],
      ["nvme-1", "blank; `pulumi up` formats it"],
      ["sas-1", "blank; `pulumi up` formats it"],
    ]);
    expect(differences(before.join("\n"), after.join("\n")).join("\n")).to.equal("");
    expect(before.length, "the comparison compares something").to.be.greaterThan(10_000);
  });

  it("names a wrong clock and a disk with something on it, and nothing else", async () => {
    await machine.sh(`
      systemctl stop chrony.service
      date --set='-2 hours' >/dev/null
      mkfs.ext4 -qF "$(readlink -f ${machine.disks["sas-1"]})"`);
    const seen = await timed("examination", () => examine());
    expect(seen.exitStatus).to.equal(2);
    const said = faults(seen.findings);
    expect(said.map((line) => line.split(":")[0]).sort()).to.deep.equal([
      "clock.offset k3s3",
      "clock.synchronised null",
      "disks.state sas-1",
    ]);
    expect(said.join("\n")).to.match(/clock\.offset k3s3: 7[12][0-9]{2}\.[0-9] s behind/);
    expect(said.join("\n")).to.match(/is not blank, it holds: ext4 /);
  });

  it("names a sudo that refuses, and says what cannot be checked because of it", async () => {
    await machine.sh("grep -rl NOPASSWD /etc/sudoers /etc/sudoers.d | xargs sed -i '/NOPASSWD/s/^/#/'");
    const { findings } = await timed("examination", () => examine());
    const sudo = findings.find(({ check }) => check === "sudo.works");
    expect(sudo?.severity).to.equal("error");
    expect(sudo?.found).to.contain("password is required");
    expect(findings.find(({ check }) => check === "disks.state")?.because).to.equal(`sudo.works ${NODE}`);
    expect(findings.find(({ check }) => check === "ssh.login")?.severity).to.equal("ok");
  });
});
