import { expect } from "chai";
import type { Hypervisor } from "../../../config/homelab";
import {
  judgeDisks,
  judgeExports,
  judgeLibvirt,
  judgeNfsPort,
  judgeVirtualisation,
  judgeVm,
} from "../../../doctor/checks/storage";
import type { Facts, Sections } from "../../../doctor/facts";
import { vmOn } from "../../../doctor/probe";
import { exportsStep } from "../../../nodes/hypervisor/hypervisor-steps";
import { vmStep } from "../../../nodes/hypervisor/vm-steps";
import { expectNextSteps, expectVerdict, facts, healthy, house, target } from "../facts";

describe("the doctor's judgement of disks, hypervisor and exports", () => {
  const home = house();
  const [r730, , k3s1] = home.targets;
  const machine = r730.machine as Hypervisor;
  const with_ = (sections: Sections, name = "r730", more: Partial<Facts> = {}) =>
    facts({ hosts: { [name]: { ...healthy(name), sections } }, ...more });
  const built = { state: { kubeconfig: true } };

  it("disks: ours, blank, refused in the words of the step, unknown ones and unfilled ids", () => {
    const k3s3 = target(home, "k3s3");
    const names = Object.keys((k3s3.machine as { disks: object }).disks);
    const disks = { tools: "present", ...Object.fromEntries(names.map((name) => [name, "ours"])) };
    const judge = (changes: Record<string, string>) =>
      judgeDisks(home, k3s3, { ...healthy("k3s3"), sections: { disks: { ...disks, ...changes } } });
    expect(judge({}).map(({ severity }) => severity)).to.deep.equal(names.map(() => "ok"));
    expect(judge({ "nvme-1": "blank" })[2].found).to.contain("`pulumi up` formats it");
    const refused =
      "refused disk nvme-1 (/dev/disk/by-id/x): /dev/sdb is not blank, it holds: zfs_member. Look: wipefs /dev/sdb";
    const verdict = judge({ "nvme-1": refused })[2];
    expect(verdict).to.include({ severity: "error", item: "nvme-1" });
    expect(verdict.found).to.equal("/dev/disk/by-id/x: /dev/sdb is not blank, it holds: zfs_member");
    expect(verdict.next).to.contain("on k3s3: wipefs /dev/sdb").and.to.contain("Nothing in this program erases a disk");
    expect(judge({ "nvme-1": "" })[2].severity).to.equal("error");
    expect(judge({ tools: "missing: wipefs" }).every(({ severity }) => severity === "unknown")).to.equal(true);
    expect(judgeDisks(home, k3s3, healthy("k3s3")).every(({ found }) => found.includes("in time"))).to.equal(true);
    const unfilled = house((config) => (config.machines.k3s3.disks["nvme-1"].id = "FILL_ME"));
    const unknown = judgeDisks(unfilled, target(unfilled, "k3s3"), { ...healthy("k3s3"), sections: { disks } });
    expect(unknown[2]).to.include({ severity: "unknown", goOn: true });
    expectNextSteps([...unknown, ...judge({ "nvme-1": refused })]);
  });

  it("libvirt: answers, not installed before and after the first run, dead", () => {
    const judge = (state: string, more: Partial<Facts> = {}) =>
      judgeLibvirt(r730, with_({ hypervisor: { "libvirt.system": state } }, "r730", more));
    expectVerdict(judge("reachable"), "ok", /answers/);
    expect(expectVerdict(judge("not installed"), "ok", /installs it/).absent).to.not.equal(undefined);
    expectVerdict(judge("not installed", built), "error", /although the state has a kubeconfig/);
    expectVerdict(judge("unreachable"), "error", /no answer/);
    expectVerdict(judgeLibvirt(r730, with_({})), "unknown", /in time/);
  });

  it("KVM and bridge; software emulation needs no KVM", () => {
    const judge = (section: Record<string, string>, of = machine) =>
      judgeVirtualisation(of, { ...healthy("r730"), sections: { hypervisor: section } });
    const severities = (verdicts: { severity: string }[]) => verdicts.map(({ severity }) => severity);
    expect(severities(judge({ bridges: "docker0 br0", kvm: "present" }))).to.deep.equal(["ok", "ok"]);
    expect(severities(judge({ bridges: "docker0", kvm: "absent", cpu: "can virtualise" }))).to.deep.equal([
      "error",
      "error",
    ]);
    expect(judge({ bridges: "", kvm: "absent", cpu: "cannot virtualise" })[1].next).to.contain("firmware");
    const emulated = { ...machine, libvirt: { ...machine.libvirt, domainType: "qemu" as const } };
    expect(severities(judge({ bridges: "br0", kvm: "absent" }, emulated))).to.deep.equal(["ok"]);
  });

  it("VM: not made yet is no fault; after a first run it is; off, drifted and running", () => {
    const expected = { ...vmStep(home.homelab, vmOn(home.homelab, machine)!).state!.expected };
    const judge = (vm: Record<string, string> | undefined, more: Partial<Facts> = {}) =>
      judgeVm(home, machine, with_(vm ? { vm } : {}, "r730", more));
    expect(expectVerdict(judge({ "vm.state": "absent" }), "ok", /not made yet/).absent).to.contain("k3s-master1");
    expectVerdict(judge({ "vm.state": "absent" }, built), "error", /no such VM, although/);
    expectVerdict(judge({ "vm.state": "shut off" }), "error", /shut off/);
    expectVerdict(judge(expected), "ok", /running as defined/);
    expectVerdict(judge({ ...expected, "vm.vcpus": "1" }), "warning", /vm\.vcpus is '1'/);
    expectVerdict(judge(undefined), "unknown", /in time/);
    expectVerdict(judge({ failed: "exit status 1" }), "unknown", /in time/);
  });

  it("exports: an array that is not mounted, before the first run, served, not served, server down", () => {
    const expected = { ...exportsStep(home.homelab, machine)!.state!.expected };
    const stores = { "store.nvme": "mounted", "store.media": "mounted" };
    const judge = (hypervisor: Record<string, string>, exports?: Record<string, string>) =>
      judgeExports(home, machine, with_({ hypervisor, ...(exports ? { exports } : {}) }));
    const severities = (verdicts: { severity: string }[]) => verdicts.map(({ severity }) => severity);
    expect(severities(judge(stores, { "nfs.exports": "absent" }))).to.deep.equal(["ok", "ok"]);
    expect(severities(judge(stores, expected))).to.deep.equal(["ok", "ok"]);
    expect(
      severities(judge({ ...stores, "store.media": "nothing is mounted at /mnt/rust/media" }, expected)),
    ).to.deep.equal(["ok", "error"]);
    expect(severities(judge(stores, { ...expected, "nfs.media.exported": "no" }))).to.deep.equal(["ok", "error"]);
    const down = judge(stores, { ...expected, "nfs.server": "failed/enabled" });
    expect(down.map(({ item }) => item)).to.deep.equal(["nvme", "media", "server"]);
    expectNextSteps(down);
  });

  it("NFS from a node: closed is a fault only once something is exported", () => {
    const judge = (state: string | undefined, exported: string) =>
      judgeNfsPort(
        home,
        k3s1,
        facts({
          hosts: {
            k3s1: { ...healthy("k3s1"), sections: state ? { network: { "nfs.r730": state } } : {} },
            r730: { ...healthy("r730"), sections: { exports: { "nfs.exports": exported } } },
          },
        }),
      );
    expectVerdict(judge("open", "hash"), "ok", /open/);
    expectVerdict(judge("refused", "absent"), "ok", /nothing is exported yet/);
    expectVerdict(judge("silent", "hash"), "error", /silent/);
    expectVerdict(judge(undefined, "hash"), "unknown", /in time/);
  });
});
