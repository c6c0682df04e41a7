import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import type { Worker } from "../../../config/homelab";
import { TOOLKIT_KEY, driverPackages, nvidiaState, nvidiaSteps } from "../../../nodes/gpu/nvidia";
import { quickSyncState, quickSyncStep } from "../../../nodes/gpu/quicksync";
import type { HostFile, HostScript } from "../../../nodes/host-script";
import { contentHash } from "../../../nodes/os/file-facts";
import type { Machine } from "../../../sandbox/machine";
import { FINGERPRINT, differences } from "../fingerprint";
import { rest, secondMachine } from "../second-machine";
import { interrupt, killedAfterEachChange } from "../interrupted";
import { WatchedState, changes, needMachines, runStep, timed } from "../lab";

type Gpu = NonNullable<Worker["gpu"]>;
const gpu = (driverBranch: number) => ({ driverBranch, toolkitVersion: "1.17.8-1" }) as Gpu;
/** A branch that is an empty package by now, which pulls in the next one. */
const DROPPED = 565;

/** The step with NVIDIA's repository and key at the stand-in's place. */
function moved(script: HostScript, keySha256: string): HostScript {
  return {
    ...script,
    variables: { ...script.variables, KEY_URL: "file:///srv/archive/key.asc", KEY_SHA256: keySha256 },
    files: script.files?.map(movedFile),
  };
}
function movedFile(file: HostFile): HostFile {
  return {
    ...file,
    content: (file.content as string).replace(/https:\/\/nvidia\.github\.io\S+ \//, "file:///srv/archive/toolkit ./"),
  };
}

describe("GPU steps, on a booted machine: stand-in card, packages and modules; real apt, DKMS, kernel and systemd", () => {
  let machine: Machine;
  let keySha256: string;
  const steps = (branch: number) => nvidiaSteps(gpu(branch)).map((step) => moved(step, keySha256));
  const state = (branch: number) => {
    const { probe, expected } = nvidiaState(gpu(branch));
    const [, verify] = steps(branch);
    const hashes = verify.files!.map((file) => [`file.${file.path}`, contentHash(file)]);
    return new WatchedState(machine, verify, probe, { ...expected, ...Object.fromEntries(hashes) });
  };
  const converge = async (branch: number) => {
    const ran = [];
    for (const step of steps(branch)) {
      ran.push(...changes(await timed(step.name, () => runStep(machine, step))));
    }
    return ran;
  };
  const bootId = () => machine.sh("cat /proc/sys/kernel/random/boot_id");
  const packages = () => machine.sh("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'");

  before(async function () {
    needMachines(this);
    machine = await secondMachine();
    const script = fs.readFileSync(path.join(__dirname, "stand-ins", "gpu-archive.sh"), "utf8");
    await timed("stand-ins", () => machine.sh(`DROPPED=${DROPPED}\n${script}`));
    keySha256 = (await machine.sh("sha256sum </srv/archive/key.asc")).split(" ")[0];
    await machine.checkpoint("gpu");
  });

  after(() => rest(machine));

  it("NVIDIA: driver, pinned toolkit and persistence converge on a fresh machine, and every fact is as expected", async () => {
    const found = await converge(570);
    expect(found)
      .to.include("changed: package nvidia-headless-570-server")
      .and.to.include(`changed: ${TOOLKIT_KEY.path}`);
    expect(await state(570).drift()).to.deep.equal([]);
    // 1.18.0 is offered, too.
    expect(await machine.sh("dpkg-query -W -f '${Version}' nvidia-container-toolkit")).to.equal("1.17.8-1");
    expect(await machine.sh("cat /sys/module/nvidia/version")).to.equal("570.172.08");
    await machine.checkpoint("driver");
  });

  it("NVIDIA: a second run changes nothing: no line, file, package, unit or module", async () => {
    const before = await machine.sh(FINGERPRINT);
    expect(await converge(570)).to.deep.equal([]);
    expect(differences(before, await machine.sh(FINGERPRINT))).to.deep.equal([]);
  });

  it("NVIDIA: drift is named by the exact fact, and one update repairs it without a reboot", async () => {
    const before = await bootId();
    await machine.sh(`
      systemctl disable --now -q homelab-gpu-persistence.service
      rm /etc/modprobe.d/homelab-nouveau.conf
      apt-get -qq -y purge nvidia-container-toolkit >/dev/null 2>&1`);
    expect(await state(570).drift()).to.deep.equal([
      "file./etc/modprobe.d/homelab-nouveau.conf: absent",
      "nvidia.persistence: inactive/disabled",
      "package.nvidia-container-toolkit: absent",
    ]);
    await state(570).update();
    expect(await state(570).drift()).to.deep.equal([]);
    expect(await bootId()).to.equal(before);
  });

  it("NVIDIA: another branch reboots a machine without K3s once, is proven on the new boot, and then changes nothing", async () => {
    await machine.revert("driver");
    const before = await bootId();
    const [install] = steps(580);
    const ran = await timed("another branch", () => runStep(machine, install));
    expect(ran.status, ran.stderr).to.equal(0);
    expect(ran.stdout).to.contain("The machine reboots to complete the step.");
    await timed("reboot", () => machine.untilLogin());
    expect(await bootId()).not.to.equal(before);
    const after = await bootId();
    await converge(580);
    expect(await state(580).drift()).to.deep.equal([]);
    expect(await converge(580)).to.deep.equal([]);
    expect(await bootId(), "one reboot").to.equal(after);
    expect(await machine.sh("systemctl --failed --no-legend --plain")).to.equal("");
  });

  it("NVIDIA: another branch on a node that carries pods asks for a drain, and does not reboot", async () => {
    await machine.revert("driver");
    const before = await bootId();
    await machine.sh("systemd-run -q --unit=k3s-agent sleep infinity");
    const ran = await runStep(machine, steps(580)[0]);
    expect(ran.status).to.equal(1);
    expect(ran.stderr).to.match(/drain the node \(npm run node -- drain \S+\), reboot it and run again/);
    expect(await bootId()).to.equal(before);
    expect(await machine.sh("systemctl is-active k3s-agent")).to.equal("active");
  });

  it(`NVIDIA: a dropped branch is refused with those that there are, before any package changes`, async () => {
    await machine.revert("driver");
    const before = await packages();
    const ran = await runStep(machine, steps(DROPPED)[0]);
    expect(ran.status).to.equal(1);
    expect(ran.stderr).to.contain(`no ${driverPackages(gpu(DROPPED))[0]} of branch ${DROPPED}`);
    expect(ran.stderr).to.contain("Branches that it has: 570 580");
    expect(await packages()).to.equal(before);
    expect(await machine.sh("nvidia-smi --list-gpus")).to.contain("GPU 0: Tesla T4");
  });

  it("NVIDIA: a machine without a card is refused before the first write", async () => {
    await machine.revert("gpu");
    await machine.sh("systemctl disable --now -q stand-in-card; umount /sys/devices/pci0000:00/0000:00:00.0/vendor");
    const before = await machine.sh(FINGERPRINT);
    const ran = await runStep(machine, steps(570)[0]);
    expect(ran.stderr).to.contain("no NVIDIA device on its PCI bus");
    expect(differences(before, await machine.sh(FINGERPRINT))).to.deep.equal([]);
  });

  it("NVIDIA: killed and cut from power while DKMS works, then killed after each of its changes: it goes on where it was", async () => {
    await machine.revert("gpu");
    const [install] = steps(570);
    const building = "pgrep -x dkms >/dev/null";
    await interrupt(machine, install, building);
    expect(await machine.sh("dpkg --audit | wc -l"), "half installed").not.to.equal("0");
    await interrupt(machine, install, building, "power");
    const seen = await timed("killed after each change", () => killedAfterEachChange(machine, install));
    expect(seen, seen.join("; ")).to.include("changed: half installed packages completed");
    expect(seen).to.include("changed: unit homelab-gpu-persistence.service started");
    expect(await machine.sh("dpkg --audit")).to.equal("");
    expect(await state(570).drift()).to.deep.equal([]);
    expect(await converge(570)).to.deep.equal([]);
  });

  it("QuickSync: killed while its driver is built, completed by the next run; survives a reboot; then changes nothing", async () => {
    await machine.revert("gpu");
    const step = quickSyncStep();
    const { probe, expected } = quickSyncState();
    const watched = new WatchedState(machine, step, probe, expected);
    expect(await watched.drift()).to.include("quicksync.render-device: absent");
    await interrupt(machine, step, "pgrep -x dkms >/dev/null");
    expect(changes(await timed("QuickSync", () => runStep(machine, step)))).to.include("changed: /dev/dri/renderD128");
    expect(await watched.drift()).to.deep.equal([]);
    await machine.ssh("systemctl stop ssh.service; systemctl reboot", "", "root");
    await timed("reboot", () => machine.untilLogin());
    expect(await watched.drift()).to.deep.equal([]);
    await machine.ssh("systemctl is-system-running --wait");
    const before = await machine.sh(FINGERPRINT);
    expect(changes(await runStep(machine, step))).to.deep.equal([]);
    expect(differences(before, await machine.sh(FINGERPRINT))).to.deep.equal([]);
  });

  it("QuickSync: a machine whose graphics are switched off is told so, and where to look", async () => {
    // Before its driver: one that is loaded is held by whoever has looked at the card.
    await machine.revert("gpu");
    await machine.sh("mkdir -p /run/modprobe.d; echo 'install i915 /bin/true' >/run/modprobe.d/off.conf");
    const ran = await runStep(machine, quickSyncStep());
    expect(ran.status).to.equal(1);
    expect(ran.stderr).to.contain("serves no render device. Switch the integrated graphics on");
  });
});
