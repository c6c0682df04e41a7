import { expect } from "chai";
import { edited } from "../support/home";
import { recordedHome, recordedStack, revealed, type RecordedStack } from "../support/stack";

describe("graph: a rebuild", () => {
  let old: RecordedStack;
  let rebuilt: RecordedStack;

  before(async () => {
    old = await recordedHome();
    rebuilt = await recordedStack(
      "home",
      edited((config) => (config.cluster.generation = 2)),
    );
  });

  const commands = (stack: RecordedStack) =>
    new Map(
      stack.ofType(/^command:remote:Command$/).map((resource) => [
        resource.name,
        {
          text: revealed(resource.inputs.stdin) as string,
          inCluster: stack.lineage(resource).some(({ type }) => type === "homelab:cluster:Platform"),
        },
      ]),
    );

  it("runs every step again on what is made anew: the VM, K3s, and the empty cluster", () => {
    const first = commands(old);
    const same = [...commands(rebuilt)]
      .filter(([name, { text }]) => first.get(name)?.text === text)
      .map(([name]) => name);
    const anew = [...first].filter(([name, { inCluster }]) => inCluster || /^k3s-/.test(name)).map(([name]) => name);
    expect(anew).to.include.members([
      "k3s-master1-vm-vm-apply",
      "k3s-master1-vm-first-boot-apply",
      "k3s-master1-os-os-apply",
      "k3s-k3s1-apply",
      "k3s-kubeconfig",
      "gateway-api-crds-crds-apply",
      "longhorn-disks-apply",
      "authentik-discovery-apply",
    ]);
    expect(same.filter((name) => anew.includes(name))).to.deep.equal([]);
  });

  it("leaves the machines themselves alone: bootstrap, disks, drivers, hypervisor, exports", () => {
    const now = commands(rebuilt);
    const machines = [...commands(old)].filter(([name]) => /^(r730|k3s[123])-/.test(name));
    expect(machines.length).to.be.greaterThan(10);
    for (const [name, { text }] of machines) {
      expect(now.get(name)?.text === text, name).to.equal(true);
    }
  });

  it("changes no secret, no bucket and no disk's file system", () => {
    const kept = (stack: RecordedStack) =>
      stack
        .ofType(/^(random:index\/random(Password|Bytes)|b2:)/)
        .map(({ name, inputs }) => ({ name, inputs: revealed(inputs) }));
    const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
    expect(kept(rebuilt).sort(byName)).to.deep.equal(kept(old).sort(byName));
  });
});
