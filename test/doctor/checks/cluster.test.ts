import { expect } from "chai";
import {
  judgeApi,
  judgeBackupLocation,
  judgeCertificates,
  judgeCsi,
  judgeExpiry,
  judgeGateway,
  judgeK3s,
  judgeNodes,
  judgePending,
} from "../../../doctor/checks/cluster";
import type { ClusterFacts, Facts, KubeObject } from "../../../doctor/facts";
import { k3sNodeStep } from "../../../nodes/k3s/node-step";
import { expectNextSteps, expectVerdict, facts, healthy, house, target } from "../facts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const inDays = (days: number) => NOW + days * 86_400_000;
const iso = (time: number) => new Date(time).toISOString();

describe("the doctor's judgement of K3s and the cluster", () => {
  const home = house();
  const nodes = home.homelab.nodes.map(({ name }) => name);
  const cluster = (lists: ClusterFacts["lists"]): ClusterFacts => ({ from: "the state", ready: "ok", lists });
  const object = (name: string, status: object, spec: object = {}, metadata: object = {}): KubeObject => ({
    metadata: { name, ...metadata },
    spec: spec as Record<string, unknown>,
    status: status as Record<string, unknown>,
  });
  const conditions = (...list: [type: string, status: string, message?: string][]) => ({
    conditions: list.map(([type, status, message]) => ({ type, status, message })),
  });
  const faults = (verdicts: ReturnType<typeof judgeNodes>) => {
    expectNextSteps(verdicts);
    return verdicts
      .filter(({ severity }) => severity !== "ok")
      .map(({ item, severity, found }) => `${severity} ${item}: ${found}`);
  };

  it("K3s of a node: as configured, not there yet, gone, and the exact fact that differs", () => {
    const k3s1 = target(home, "k3s1");
    const good = { installed: "yes", ...k3sNodeStep(home.homelab, home.homelab.workers[0], []).expected };
    const judge = (k3s: Record<string, string> | undefined, name = "k3s1", more: Partial<Facts> = {}) =>
      judgeK3s(
        home,
        target(home, name),
        facts({ hosts: { [name]: { ...healthy(name), sections: k3s ? { k3s } : {} } }, ...more }),
      );
    expect(faults(judge(good))).to.deep.equal([]);
    expect(judge({ installed: "no" })[0].absent).to.contain("k3s1");
    expect(judge({ installed: "no" }, "k3s-master1")[0]).to.include({ severity: "ok" });
    const built = { state: { kubeconfig: true } };
    expectVerdict(judge({ installed: "no" }, "k3s-master1", built), "error", /although the state has a kubeconfig/);
    expect(judge({ installed: "no" }, "k3s1", built)[0].severity, "a new worker is no loss").to.equal("ok");
    expectVerdict(judge(undefined), "unknown", /in time/);
    expect(faults(judge({ ...good, kubeletRoot: "/var/lib/kubelet" }))).to.deep.equal([
      "error kubeletRoot: /var/lib/kubelet",
    ]);
    expect(faults(judge({ ...good, kubeletRoot: "unknown", unit: "inactive/enabled" }))).to.deep.equal([
      "error unit: inactive/enabled",
      "unknown kubeletRoot: no kubelet runs",
    ]);
    expect(faults(judge({ ...good, version: "v1.31.0+k3s1", generation: "9" }))).to.deep.equal([
      "warning version: v1.31.0+k3s1",
      "warning generation: 9",
    ]);
    expect(faults(judge({ ...good, certificate: "expiring" }))).to.deep.equal(["warning certificate: expiring"]);
    expect(faults(judge({ ...good, certificate: "expired" }))).to.deep.equal(["error certificate: expired"]);
    expect(k3s1.name).to.equal("k3s1");
  });

  it("API: none yet, none though there was one, dead, not ready, ready", () => {
    const none = { lists: {}, problem: "there is no Pulumi CLI on PATH" };
    expect(expectVerdict(judgeApi(home, facts({ cluster: none })), "ok", /no cluster yet/).absent).to.not.equal(
      undefined,
    );
    const k3s = { k3s1: { ...healthy("k3s1"), sections: { k3s: { installed: "yes" } } } };
    expectVerdict(
      judgeApi(home, facts({ cluster: none, hosts: k3s })),
      "unknown",
      /no kubeconfig is at hand .*K3s is installed on k3s1/,
    );
    const dead = { from: "the state", problem: "ECONNREFUSED", lists: {} };
    expectVerdict(judgeApi(home, facts({ cluster: dead })), "error", /does not answer: ECONNREFUSED/);
    const unready = { ...cluster({}), ready: "status 500: [-]etcd failed: reason withheld" };
    expect(expectVerdict(judgeApi(home, facts({ cluster: unready })), "error", /etcd failed/).goOn).to.equal(true);
    expectVerdict(judgeApi(home, facts({ cluster: cluster({}) })), "ok", /ready/);
  });

  it("certificates of the API: plenty, soon, in days, expired, unknown", () => {
    const judge = (days: number | undefined) =>
      judgeExpiry(
        facts({
          cluster: {
            lists: {},
            ...(days === undefined ? {} : { serverCertificateEnd: inDays(days) }),
            clientCertificateEnd: inDays(300),
          },
        }),
        "k3s-master1",
      )[0];
    expect(judge(300).severity).to.equal("ok");
    expect(judge(59).severity).to.equal("warning");
    expect(judge(6).severity).to.equal("error");
    expect(judge(-3)).to.include({ severity: "error", found: "expired 3 days ago" });
    expect(judge(undefined).severity).to.equal("unknown");
  });

  it("nodes: Ready, not Ready, under pressure, cordoned, missing, and one too many", () => {
    const ready = nodes.map((name) => object(name, conditions(["Ready", "True"])));
    const judge = (...changed: KubeObject[]) => {
      const kept = ready.filter(({ metadata }) => !changed.some((other) => other.metadata?.name === metadata?.name));
      return faults(judgeNodes(home, cluster({ nodes: [...kept, ...changed] })));
    };
    expect(judge()).to.deep.equal([]);
    expect(
      judge(object("k3s1", conditions(["Ready", "Unknown", "Kubelet stopped posting node status."]))),
    ).to.deep.equal(["error k3s1: not Ready: Kubelet stopped posting node status."]);
    expect(judge(object("k3s1", conditions(["Ready", "True"], ["DiskPressure", "True"])))[0]).to.contain(
      "DiskPressure",
    );
    expect(judge(object("k3s1", conditions(["Ready", "True"]), { unschedulable: true }))[0]).to.contain("cordoned");
    expect(judge(object("k3s9", conditions(["Ready", "True"])))).to.deep.equal([
      "warning k3s9: in the cluster, but not in the configuration",
    ]);
    expect(faults(judgeNodes(home, cluster({ nodes: ready.slice(1) })))).to.deep.equal([
      "error k3s-master1: not in the cluster",
    ]);
    expect(faults(judgeNodes(home, cluster({ nodes: "no answer in time" })))).to.deep.equal([
      "unknown undefined: no answer in time",
    ]);
    expect(faults(judgeNodes(home, cluster({ nodes: "404: not found" })))[0]).to.contain("CRD is missing");
  });

  it("CSI: each driver on each node that needs it; the tainted control plane needs NFS alone", () => {
    const node = (name: string, ...drivers: string[]) =>
      object(name, {}, { drivers: drivers.map((driver) => ({ name: driver })) });
    const [master, ...workers] = nodes;
    const all = [
      node(master, "nfs.csi.k8s.io"),
      ...workers.map((name) => node(name, "nfs.csi.k8s.io", "driver.longhorn.io")),
    ];
    expect(faults(judgeCsi(home, cluster({ csiNodes: all })))).to.deep.equal([]);
    const without = [...all.slice(0, -1), node(nodes[nodes.length - 1], "nfs.csi.k8s.io")];
    expect(faults(judgeCsi(home, cluster({ csiNodes: without })))).to.deep.equal([
      "error driver.longhorn.io: not registered on k3s3",
    ]);
    expect(faults(judgeCsi(home, cluster({ csiNodes: [] })))).to.have.length(2);
  });

  it("gateway: class accepted, programmed, and at the address that router and DNS rely on", () => {
    const accepted = [object("cilium", conditions(["Accepted", "True"]))];
    const gateway = (address: string, programmed = "True") => [
      object("home", { ...conditions(["Programmed", programmed, "no address left"]), addresses: [{ value: address }] }),
    ];
    const judge = (gatewayClasses: KubeObject[], gateways: KubeObject[]) =>
      faults(judgeGateway(home, cluster({ gatewayClasses, gateways })));
    expect(judge(accepted, gateway("10.77.0.224"))).to.deep.equal([]);
    expect(judge(accepted, gateway("10.77.0.225"))[0]).to.contain("Programmed at 10.77.0.225");
    expect(judge(accepted, gateway("10.77.0.224", "False"))[0]).to.contain("no address left");
    expect(judge([], [])).to.have.length(2);
  });

  it("certificates: valid, near their end, refused, missing", () => {
    const certificate = (service: string, days: number, ready = "True") =>
      object(`tls-${service}`, { ...conditions(["Ready", ready, "challenge failed"]), notAfter: iso(inDays(days)) });
    const judge = (certificates: KubeObject[]) =>
      faults(judgeCertificates(home, facts({ cluster: cluster({ certificates }) })));
    const good = Object.keys(home.homelab.routes).map((service) => certificate(service, 60));
    expect(judge(good)).to.deep.equal([]);
    expect(judge([certificate("authentik", 10), ...good.slice(1)])).to.deep.equal([
      "warning authentik.fletcherlabs.net: valid for 10 days",
    ]);
    expect(judge([certificate("authentik", 60, "False"), ...good.slice(1)])[0]).to.contain("challenge failed");
    expect(judge(good.slice(1))).to.deep.equal(["error authentik.fletcherlabs.net: not there"]);
    expect(judge([certificate("authentik", -1), ...good.slice(1)])[0]).to.contain("error authentik");
  });

  it("backup location and pending pods", () => {
    const location = (phase: string) => cluster({ backupLocations: [object("default", { phase, message: "403" })] });
    expectVerdict(judgeBackupLocation(location("Available")), "ok", /Available/);
    expectVerdict(judgeBackupLocation(location("Unavailable")), "error", /Unavailable: 403/);
    expectVerdict(judgeBackupLocation(cluster({ backupLocations: [] })), "error", /not there/);

    const pod = (minutes: number) =>
      object(
        "web-1",
        conditions(["PodScheduled", "False", "0/4 nodes are available"]),
        {},
        {
          namespace: "apps",
          creationTimestamp: iso(NOW - minutes * 60_000),
        },
      );
    const judge = (...pendingPods: KubeObject[]) => judgePending(facts({ cluster: cluster({ pendingPods }) }));
    expectVerdict(judge(), "ok", /none/);
    expectVerdict(judge(pod(2)), "ok", /none/);
    expect(expectVerdict(judge(pod(6)), "warning", /0\/4 nodes are available/).item).to.equal("apps/web-1");
  });
});
