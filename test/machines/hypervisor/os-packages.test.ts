import { expect } from "chai";
import { osStep } from "../../../nodes/os/step";
import { Machine } from "../../../sandbox/machine";
import { DISKS, NODE, WatchedState, changes, lab, needMachines, node, runStep, timed } from "../lab";

// Beside the hypervisor's tests only because these take less time than the worker's.
describe("the bootstrap of the operating system, on a machine that has none of its packages", () => {
  let machine: Machine;

  before(async function () {
    needMachines(this);
    machine = await Machine.create({ name: NODE, packages: ["systemd-timesyncd"], disks: DISKS });
    await timed("boot", () => machine.boot());
  });
  after(async () => machine?.destroy());

  it("installs them through apt, takes over the clock, and converges; a second run changes nothing", async function () {
    this.timeout(1_500_000);
    const script = osStep(lab(machine), node(machine));
    const first = await timed("bootstrap with its packages", () => runStep(machine, script));
    // The report ends with the last twenty changes; the log has all of them.
    expect(changes(first)).to.have.length(20);
    expect(await machine.sh("grep -cx 'changed: package open-iscsi' /var/log/homelab/os.log")).to.equal("1");
    expect(await WatchedState.os(machine).drift()).to.deep.equal([]);
    expect(await machine.sh("systemctl is-active systemd-timesyncd 2>/dev/null || true")).to.equal("inactive");
    expect(changes(await timed("second run", () => runStep(machine, script)))).to.deep.equal([]);
  });
});
