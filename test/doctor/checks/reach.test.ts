import { expect } from "chai";
import {
  judgeAddress,
  judgeHostKey,
  judgeLogin,
  judgePort,
  judgeRoute,
  judgeSsh,
  judgeSudo,
} from "../../../doctor/checks/reach";
import type { Dial, HostFacts, Login } from "../../../doctor/facts";
import { expectVerdict, healthy, house, KEY, target } from "../facts";

describe("the doctor's judgement of the way to a machine", () => {
  const home = house();
  const k3s1 = target(home, "k3s1");
  const host = (changes: Partial<HostFacts>): HostFacts => ({ ...healthy("k3s1"), ...changes });
  const login = (changes: Login): HostFacts => host({ login: changes });

  it("route: none; on the LAN; through a router; on the LAN with a dead router", () => {
    const judge = (route: object, router: object = {}) => judgeRoute(home.homelab, route, router);
    expectVerdict(judge({ problem: "ENETUNREACH" }), "error", /no route to 10\.77\.0\.0\/24 \(ENETUNREACH\)/);
    expectVerdict(judge({ source: "10.77.0.5", interface: "eth0" }), "ok", /on the LAN as 10\.77\.0\.5 on eth0/);
    expectVerdict(judge({ source: "10.9.9.9" }, { neighbour: "FAILED" }), "ok", /through a router/);
    const dead = judge({ source: "10.77.0.5" }, { neighbour: "FAILED", pings: false });
    expect(expectVerdict(dead, "error", /router 10\.77\.0\.1 does not answer ARP/).goOn).to.equal(true);
    expectVerdict(judge({ source: "10.77.0.5" }, { neighbour: "REACHABLE", pings: false }), "ok", /on the LAN/);
  });

  it("address: any answer at all is an answer, and an old entry of the neighbour table is none", () => {
    const judge = (dial: Dial, more: Partial<HostFacts> = {}) =>
      judgeAddress(k3s1, { k3s1: { sections: {}, dial, ...more } });
    expectVerdict(judge({ state: "open" }), "ok", /TCP 22/);
    expectVerdict(judge({ state: "refused" }), "ok", /TCP 22/);
    expectVerdict(judge({ state: "silent" }, { pings: true }), "ok", /ping/);
    expectVerdict(judge({ state: "silent" }, { pings: false, neighbour: "REACHABLE" }), "ok", /ARP/);
    for (const neighbour of ["FAILED", "INCOMPLETE"]) {
      expectVerdict(judge({ state: "silent" }, { pings: false, neighbour }), "error", /nobody on the LAN answers ARP/);
    }
    expectVerdict(judge({ state: "silent" }, { pings: false, neighbour: "STALE" }), "error", /does not answer/);
    expectVerdict(judge({ state: "unreachable", code: "EHOSTUNREACH" }), "error", /EHOSTUNREACH/);
  });

  it("address of a VM that is not made yet: whoever answers there is somebody else", () => {
    const vm = target(home, "k3s-master1");
    const judge = (state: Dial["state"], vmState: string) =>
      judgeAddress(vm, {
        "k3s-master1": { dial: { state }, sections: {} },
        r730: { dial: { state: "open" }, sections: { vm: { "vm.state": vmState } } },
      });
    expectVerdict(judge("open", "absent"), "error", /another machine has the address/);
    expectVerdict(judge("open", "no libvirt"), "error", /another machine has the address/);
    expectVerdict(judge("open", "running"), "ok", /answers/);
    expectVerdict(judge("silent", "absent"), "error", /does not answer/);
  });

  it("port: open, nobody listens, dropped", () => {
    const judge = (state: Dial["state"]) => judgePort(k3s1, host({ dial: { state } }));
    expectVerdict(judge("open"), "ok", /open/);
    expectVerdict(judge("refused"), "error", /nothing listens/);
    expectVerdict(judge("silent"), "error", /silent/);
  });

  it("SSH: a port that never speaks, one that speaks something else, and a real one", () => {
    expectVerdict(judgeSsh(k3s1, login({ stage: "silent" })), "error", /does not speak SSH in time/);
    expectVerdict(judgeSsh(k3s1, login({ stage: "broken", problem: "Protocol error" })), "error", /Protocol error/);
    expectVerdict(judgeSsh(k3s1, login({ stage: "auth", offered: KEY })), "ok", /speaks SSH/);
  });

  it("host key: pinned, another, not filled in, and the VM's that only the state knows", () => {
    const pinned = k3s1.hostKey;
    expectVerdict(judgeHostKey(k3s1, login({ stage: "in", offered: pinned })), "ok", /pinned/);
    const other = judgeHostKey(k3s1, login({ stage: "key", offered: KEY }));
    expect(expectVerdict(other, "error", /another host key/).expected).to.equal(pinned);

    const unfilled = house((config) => (config.machines.k3s1.ssh.hostKey = "FILL_ME"));
    const unknown = judgeHostKey(target(unfilled, "k3s1"), login({ stage: "key", offered: KEY }));
    expectVerdict(unknown, "unknown", /machines\.k3s1\.ssh\.hostKey is not filled in/);
    expect(unknown[0].next).to.contain(KEY).and.to.contain("console");

    const stateless = target(house(undefined, null), "k3s-master1");
    expectVerdict(judgeHostKey(stateless, login({ stage: "key", offered: KEY })), "unknown", /HOMELAB_VM_HOST_KEY/);
    const vm = target(home, "k3s-master1");
    expectVerdict(judgeHostKey(vm, login({ stage: "in", offered: KEY })), "ok", /pinned/);
  });

  it("login and sudo", () => {
    expectVerdict(judgeLogin(k3s1, login({ stage: "in" })), "ok", /logged in as homelab/);
    expectVerdict(
      judgeLogin(k3s1, login({ stage: "auth", problem: "no key of ours was accepted" })),
      "error",
      /no key of ours/,
    );
    expectVerdict(judgeLogin(k3s1, login({ stage: "broken", problem: "reset" })), "error", /broke off: reset/);
    expectVerdict(judgeSudo(k3s1, login({ stage: "in" })), "ok", /without a password/);
    expectVerdict(judgeSudo(k3s1, login({ stage: "in", sudoRefused: "a password is required" })), "error", /password/);
    expectVerdict(judgeSudo(target(home, "r730"), login({ stage: "in" })), "ok", /root itself/);
  });
});
