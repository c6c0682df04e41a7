import { expect } from "chai";
import {
  judgeArchitecture,
  judgeClocks,
  judgeFirewall,
  judgeIdentity,
  judgeKernel,
  judgeOs,
  judgeSpace,
  judgeSynchronised,
  judgeUnique,
} from "../../../doctor/checks/machine";
import type { Facts, HostFacts } from "../../../doctor/facts";
import { expectNextSteps, expectVerdict, healthy, house, target } from "../facts";
import { machineIdOf } from "../lan";

describe("the doctor's judgement of a machine", () => {
  const home = house();
  const [r730, , k3s1, , k3s3] = home.targets;
  const none: HostFacts = { dial: { state: "open" }, sections: {} };

  it("identity: right, another machine, silent, not filled in (with what to fill in)", () => {
    expectVerdict(judgeIdentity(k3s1, healthy("k3s1")), "ok", /machine-id/);
    expectVerdict(judgeIdentity(k3s1, healthy("k3s2")), "error", /another machine/);
    expectVerdict(judgeIdentity(k3s1, healthy("k3s1", { identity: "" })), "error", /does not tell/);
    expectVerdict(judgeIdentity(k3s1, none), "unknown", /did not say in time/);
    const unfilled = target(
      house((config) => (config.machines.k3s1.identity.value = "FILL_ME")),
      "k3s1",
    );
    const verdict = expectVerdict(
      judgeIdentity(unfilled, healthy("k3s1")),
      "unknown",
      /identity\.value is not filled in/,
    );
    expect(verdict.goOn).to.equal(true);
    expect(verdict.next).to.contain(machineIdOf("k3s1"));
  });

  it("uniqueness: machine-ids, host keys and names over all machines that answered", () => {
    const all = Object.fromEntries(
      home.targets.map(({ name }, index): [string, HostFacts] => [
        name,
        { ...healthy(name), login: { stage: "in", offered: `key ${index}` } },
      ]),
    );
    expectVerdict(judgeUnique(home.targets, all), "ok", /5 machines/);
    const cloned = { ...all, k3s2: { ...all.k3s1 } };
    const verdicts = judgeUnique(home.targets, cloned);
    expect(verdicts.map(({ item, severity }) => [item, severity])).to.deep.equal([
      ["machine-id", "error"],
      ["host key", "error"],
      ["host name", "warning"],
    ]);
    expect(verdicts[0].found).to.contain("k3s1 and k3s2 have the same");
    expectNextSteps(verdicts);
    // A machine that did not answer has nothing in common with another one.
    expectVerdict(judgeUnique(home.targets, { ...all, k3s1: none, k3s2: none }), "ok", /3 machines/);
  });

  it("system: Ubuntu and Debian, the GPU's node Ubuntu alone, amd64 alone, no firewall on a node", () => {
    const debian = { "os.id": "debian", "os.version": "12", "os.name": "Debian GNU/Linux 12" };
    expectVerdict(judgeOs(k3s1, healthy("k3s1")), "ok", /Ubuntu/);
    expectVerdict(judgeOs(k3s1, healthy("k3s1", debian)), "ok", /Debian/);
    expectVerdict(judgeOs(k3s3, healthy("k3s3", debian)), "error", /Debian/);
    expectVerdict(judgeOs(k3s1, healthy("k3s1", { "os.version": "20.04" })), "warning", /nothing was tried/);
    expectVerdict(judgeOs(k3s1, healthy("k3s1", { "os.id": "fedora", "os.name": "Fedora" })), "error", /Fedora/);
    expectVerdict(judgeArchitecture(k3s1, healthy("k3s1")), "ok", /x86_64/);
    expectVerdict(judgeArchitecture(k3s1, healthy("k3s1", { architecture: "aarch64" })), "error", /aarch64/);
    expectVerdict(judgeFirewall(k3s1, healthy("k3s1", { firewall: "ufw" })), "error", /ufw is active/);
    expectVerdict(judgeFirewall(r730, healthy("r730", { firewall: "ufw" })), "ok", /ufw/);
  });

  it("kernel: what the pinned Cilium needs, and not the ones whose NFS client is broken", () => {
    const judge = (kernel: string, of = home) => judgeKernel(of, k3s1, healthy("k3s1", { kernel }));
    expectVerdict(judge("5.15.0-130-generic"), "ok", /5\.15/);
    expectVerdict(judge("6.1.0-28-amd64"), "ok", /6\.1/);
    expectVerdict(judge("6.12"), "ok", /6\.12/);
    for (const kernel of ["5.15.0-94-generic", "5.15.0-99-generic"]) {
      expectVerdict(judge(kernel), "error", /NFS client is broken/);
    }
    expectVerdict(judge("5.15.0-100-generic"), "ok", /./);
    expectVerdict(judge("5.3.0-1"), "error", /5\.3/);
    expectVerdict(judge("nonsense"), "unknown", /nonsense/);
    const newer = house((config) => (config.versions.charts = { cilium: "1.18.12" }));
    expectVerdict(judge("5.4.0-200-generic"), "ok", /./);
    expectVerdict(judge("5.4.0-200-generic", newer), "error", /5\.4/);
    expectVerdict(judgeKernel(home, r730, healthy("r730", { kernel: "4.9.0-1" })), "ok", /./);
  });

  it("space: a warning, then an error; on the hypervisor also room for the VM that is still to be made", () => {
    const gb = (total: number, free: number) => `${total * 1e9} ${free * 1e9}`;
    const places = (root: string, other: string) => ({ "space./": root, "space./var/lib/rancher/k3s": other });
    const judge = (root: string, other: string) => judgeSpace(home, k3s1, healthy("k3s1", places(root, other)));
    expectVerdict(judge(gb(500, 400), gb(500, 400)), "ok", /400\.0 GB free of 500\.0 GB \(80 %\)/);
    expectVerdict(judge(gb(100, 14), gb(100, 14)), "warning", /14 %/);
    expectVerdict(judge(gb(100, 9), gb(100, 9)), "error", /9 %/);
    expect(judge(gb(100, 50), gb(40, 2)).map(({ item, severity }) => [item, severity])).to.deep.equal([
      ["/", "ok"],
      ["/var/lib/rancher/k3s", "error"],
    ]);
    expect(judgeSpace(home, k3s1, none).every(({ severity }) => severity === "unknown")).to.equal(true);

    const folder = "space./var/lib/libvirt/images/homelab";
    const hypervisor = healthy("r730", { "space./": gb(100, 20), [folder]: gb(100, 20) });
    const verdicts = judgeSpace(home, r730, hypervisor);
    expect(verdicts.map(({ severity }) => severity)).to.deep.equal(["ok", "error"]);
    expect(verdicts[1].expected).to.contain("25.8 GB for the VM's disk");
    const made = { ...hypervisor, sections: { ...hypervisor.sections, hypervisor: { vmFiles: "present" } } };
    expect(judgeSpace(home, r730, made).map(({ severity }) => severity)).to.deep.equal(["ok"]);
  });

  it("clock: one machine that is off, and a computer that is off from all of them", () => {
    const clocks = (...offsets: number[]): Facts["hosts"] =>
      Object.fromEntries(
        home.targets.map(({ name }, index): [string, HostFacts] => [
          name,
          index < offsets.length
            ? { ...healthy(name), login: { stage: "in", clock: { offset: offsets[index], uncertainty: 0.2 } } }
            : none,
        ]),
      );
    const judge = (...offsets: number[]) => judgeClocks(home.targets, clocks(...offsets));
    expectVerdict(judge(0.3, -0.2, 0.1, 0, 0), "ok", /all of 5/);
    expectVerdict(judge(0, 0, -9, 0, 0), "warning", /9\.0 s behind/);
    expect(expectVerdict(judge(0, 0, 45, 0, 0), "error", /45\.0 s ahead/).item).to.equal("k3s1");
    expect(expectVerdict(judge(3600, 3600.5, 3601), "warning", /this computer's clock/).item).to.equal("this computer");
    // One alone proves nothing about who is wrong.
    expectVerdict(judge(3600), "error", /3600\.0 s ahead/);
    expect(judge(3600, -3600)).to.have.length(2);
    // What may be a slow connection is no fault.
    expectVerdict(
      judgeClocks([k3s1], { k3s1: { ...none, login: { stage: "in", clock: { offset: 8, uncertainty: 4 } } } }),
      "ok",
      /./,
    );
    expectVerdict(judge(), "unknown", /no machine/);
    expectVerdict(judgeSynchronised(home, k3s1, healthy("k3s1", { clock: "not synchronised" })), "warning", /not/);
    expectVerdict(judgeSynchronised(home, k3s1, healthy("k3s1")), "ok", /synchronised/);
  });
});
