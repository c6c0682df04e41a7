import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import type { ControlPlane, Homelab } from "../../../config/homelab";
import { assignments, renderProbe, renderStep } from "../../../nodes/host-script";
import { vendorData } from "../../../nodes/hypervisor/cloud-init";
import { planVm } from "../../../nodes/hypervisor/vm-names";
import { vmStep } from "../../../nodes/hypervisor/vm-steps";
import { LAB_SCRIPT, libvirtProblem } from "../../../sandbox/libvirt/lab";
import { finished, must, removeFolder, start, temporaryFolder } from "../../../sandbox/processes";
import { home } from "../../support/home";
import { needMachines } from "../lab";

const IMAGES = "/var/lib/libvirt/images/homelab";

/** Real libvirtd, qemu-img and genisoimage; the guest is an empty image, so nothing in it ever boots or shuts down. */
describe("vm.sh on a real libvirtd", function () {
  this.timeout(180_000);
  let folder: string;
  let expected: Readonly<Record<string, string>> | undefined;

  before(async function () {
    needMachines(this, { further: libvirtProblem() });
    folder = temporaryFolder("libvirt");
    const image = path.join(folder, "image");
    await must("qemu-img", ["create", "-q", "-f", "qcow2", image, "64M"]);
    const sha256 = createHash("sha256").update(fs.readFileSync(image)).digest("hex");
    const write = (name: string, generation: number, vm: Partial<ControlPlane["vm"]> = {}) => {
      const base = home((config: { machines: { r730: { libvirt: object } } }) => {
        config.machines.r730.libvirt = { bridge: "br0", domainType: "qemu" };
      });
      const machine = {
        ...base.controlPlane,
        vm: { ...base.controlPlane.vm, ...{ disk: "1Gi" }, ...vm },
      } as ControlPlane;
      const homelab: Homelab = {
        ...base,
        versions: { ...base.versions, cloudImage: { url: `file://${image}`, sha256 } },
      };
      const plan = planVm(homelab, machine, generation);
      const { script, state } = vmStep(homelab, plan);
      const secret = assignments({ VENDOR_DATA: vendorData(plan, Buffer.alloc(32, 7).toString("base64")) });
      fs.writeFileSync(path.join(folder, `${name}.sh`), `${secret}\n${renderStep(script)}`);
      const anywhere = { kind: "machine-id", value: fs.readFileSync("/etc/machine-id", "utf8").trim() } as const;
      fs.writeFileSync(path.join(folder, "probe.sh"), renderProbe(state?.probe ?? { source: "" }, anywhere));
      return state?.expected;
    };
    write("bigger", 1, { memory: "512Mi", disk: "2Gi" });
    write("second", 2);
    write("third", 3);
    expected = write("first", 1, { memory: "512Mi" });
  });

  after(() => {
    if (folder) removeFolder(folder);
  });

  /** Runs the scenario in a new lab; `step NAME` prints the step's output and its status. */
  async function lab(...scenario: string[]): Promise<string> {
    const file = path.join(folder, "scenario.sh");
    const step = 'step() { echo "== $1"; bash "./$1.sh" 2>&1; echo "status $?"; }';
    const virsh = 'virsh() { command virsh -q -c qemu:///system "$@"; }';
    fs.writeFileSync(file, [step, virsh, "D=home-k3s-master1", ...scenario, ""].join("\n"));
    for (const name of ["etc", "var"]) fs.rmSync(path.join(folder, name), { recursive: true, force: true });
    const { stdout, stderr } = await finished(start(LAB_SCRIPT, [folder, "192.168.10.30=home-k3s-master1", file]));
    return `${stdout}${stderr}`;
  }

  it("makes the VM, finds nothing to do the second time, and leaves the expected facts", async () => {
    const printed = await lab(
      "step first",
      "step first",
      "bash probe.sh",
      `stat -c '%a' ${IMAGES}/*.iso ${IMAGES}/*.qcow2`,
    );
    expect(printed).to.contain("changed: home-k3s-master1 started\nstatus 0\n== first\nstatus 0\n");
    const facts = printed.split("\n").find((line) => line.startsWith("{")) ?? "{}";
    expect(JSON.parse(facts)).to.deep.equal(expected);
    expect(printed).to.match(/600\n600\n$/);
  });

  it("repairs what was changed by hand, without stopping the VM", async () => {
    const printed = await lab(
      "step first >/dev/null",
      "before=$(virsh domid $D)",
      "virsh autostart --disable $D >/dev/null; virsh setvcpus $D 1 --config --maximum >/dev/null",
      "bash probe.sh",
      "step first",
      "bash probe.sh",
      '[ "$(virsh domid $D)" = "$before" ] && echo the same run',
    );
    const [drifted, repaired] = printed.split("\n").filter((line) => line.startsWith("{"));
    expect(JSON.parse(drifted)).to.include({ "vm.autostart": "disable", "vm.vcpus": "1" });
    expect(JSON.parse(repaired)).to.deep.equal(expected);
    expect(printed).to.contain("takes it up at its next boot").and.to.contain("the same run");
  });

  it("grows the disk of a running VM and refuses to shrink it", async () => {
    const printed = await lab("step first >/dev/null", "step bigger", "step first");
    expect(printed).to.contain("generation-1.qcow2 has grown").and.to.contain("shrinking would cut off data");
    expect(printed).to.match(/status 1\n$/);
  });

  it("replaces the disk for a higher generation only, keeps one before, and never goes back", async () => {
    const printed = await lab(
      ...["first", "second", "third"].flatMap((name) => [`step ${name}`, "virsh destroy $D >/dev/null"]),
      "step second",
      `ls ${IMAGES}`,
    );
    expect(printed).to.contain("a generation never goes back\nstatus 1");
    expect(printed).to.match(/generation-2\.qcow2\n.*generation-3\.qcow2/);
    expect(printed.split("a generation never goes back")[1]).not.to.contain("generation-1.qcow2");
  });

  it("refuses a VM that runs on an external snapshot, whose data a redefinition would lose", async () => {
    const printed = await lab(
      "step first >/dev/null",
      "virsh snapshot-create-as $D s --disk-only --atomic >/dev/null",
      "step first",
      "step second",
      "virsh domstate $D",
    );
    expect(printed.match(/merge it first[^]*?status 1/g)).to.have.length(2);
    expect(printed).to.match(/running\s*$/);
  });

  it("refuses a strange domain with our name or our MAC, and touches neither", async () => {
    const domain = (name: string) =>
      `<domain type='qemu'><name>${name}</name><memory>65536</memory><os><type>hvm</type></os><devices>` +
      "<interface type='bridge'><mac address='52:54:00:6B:3A:30'/><source bridge='br0'/></interface></devices></domain>";
    const printed = await lab(
      `virsh define <(echo "${domain("other")}") >/dev/null`,
      "step first",
      "virsh undefine other >/dev/null",
      `virsh define <(echo "${domain("home-k3s-master1")}") >/dev/null`,
      "step first",
      `ls ${IMAGES} 2>&1`,
    );
    expect(printed).to.contain("belongs to the domain other");
    expect(printed).to.contain("libvirt has another home-k3s-master1");
    expect(printed).to.contain("No such file or directory");
  });

  it("refuses to start while another machine has the address", async () => {
    const printed = await lab(
      "unshare --net sleep 60 & other=$!",
      "sleep 0.5",
      "ip link add v0 type veth peer name v1; ip link set v0 master br0 up; ip link set v1 netns $other",
      "nsenter --net --target $other sh -c 'ip address add 192.168.10.30/24 dev v1; ip link set v1 up'",
      "sleep 1",
      "step first",
      "virsh domstate $D",
    );
    expect(printed)
      .to.contain("has the address 192.168.10.30 already")
      .and.to.match(/status 1\nshut off\s*$/);
  });
});
