import { expect } from "chai";
import { osStep } from "../../../nodes/os/step";
import type { Machine } from "../../../sandbox/machine";
import { WatchedState, changes, lab, needMachines, node, runStep, timed } from "../lab";
import { rest, secondMachine } from "../second-machine";

// On the machine of the hypervisor's tests, because it has been booted already and knows nothing of a node's packages.
describe("the bootstrap of the operating system, on a machine that has neither chrony nor iSCSI nor unattended upgrades", () => {
  let machine: Machine;

  before(async function () {
    needMachines(this);
    machine = await secondMachine();
  });
  after(() => rest(machine));

  it("installs them through apt, takes over the clock, and converges; a second run changes nothing", async function () {
    this.timeout(1_500_000);
    const script = osStep(lab(machine), node(machine));
    expect(await machine.sh("systemctl is-enabled systemd-timesyncd")).to.equal("enabled");
    const first = await timed("bootstrap with its packages", () => runStep(machine, script));
    // The report ends with the last twenty changes; the log has all of them.
    expect(changes(first)).to.have.length(20);
    const installed = await machine.sh("sed -n 's/^changed: package //p' /var/log/homelab/os.log");
    expect(installed.split("\n")).to.have.members(["chrony", "open-iscsi", "unattended-upgrades"]);
    expect(await WatchedState.os(machine).drift()).to.deep.equal([]);
    expect(await machine.sh("systemctl is-active systemd-timesyncd 2>/dev/null || true")).to.equal("inactive");
    expect(changes(await timed("second run", () => runStep(machine, script)))).to.deep.equal([]);
  });
});
