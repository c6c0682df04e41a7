import { expect } from "chai";
import { drainPhases, forgetPhases, lostScratch, removalPhases } from "../../lifecycle/phases";
import { forgetRefusals, nodeOf, removalRefusals, requireSameCluster, workerOf } from "../../lifecycle/preflight";
import { home } from "../support/home";
import { facts, longhorn, longhornNode, pod, replica, volume, worker } from "./facts";

const FILE = "Pulumi.home.yaml";
const limits = { drain: 600, replicas: 43_200 };
const itself = { kind: "itself", machineId: "a1" } as const;
const silent = { kind: "silent", detail: "no answer in 15 s" } as const;

describe("which machine a command may be used on", () => {
  it("the control plane is refused with the reason and the right way", () => {
    for (const command of ["remove", "forget"] as const) {
      expect(() => nodeOf(home(), "k3s-master1", command, FILE)).to.throw(
        /holds etcd.*nothing was touched[^]*raise cluster.generation to 2, set backup.mode to restore/,
      );
    }
    expect(nodeOf(home(), "k3s-master1", "drain", FILE).name).to.equal("k3s-master1");
  });

  it("an unknown name is refused with the names there are", () => {
    expect(() => nodeOf(home(), "k3s4", "remove", FILE)).to.throw(/did you mean k3s1[^]*k3s-master1, k3s1, k3s2, k3s3/);
    expect(() => nodeOf(home(), "r730", "remove", FILE)).to.throw("is a hypervisor");
  });

  it("a machine without host key and identity is refused: nobody could tell it from another", () => {
    expect(() => workerOf(home(), "k3s3", "remove", FILE)).to.throw(
      /machines\.k3s3\.ssh\.hostKey is a placeholder[^]*machines\.k3s3\.identity\.value is a placeholder/,
    );
  });
});

describe("which cluster it is", () => {
  it("another one is refused: a node of the same name may be somebody else's there", () => {
    const other = facts().nodes.map((node) => (node.name === "k3s3" ? { ...node, address: "10.0.0.3" } : node));
    expect(() => requireSameCluster(home(), "k3s3", { nodes: other })).to.throw(
      /another cluster: its node k3s3 has the address 10\.0\.0\.3, the configuration says 192\.168\.10\.31/,
    );
    expect(() => requireSameCluster(home(), "k3s3", { nodes: [] })).to.throw("it has no node k3s-master1");
  });

  it("the right one is accepted, also when the node is gone from it", () => {
    requireSameCluster(home(), "k3s3", facts());
    requireSameCluster(home(), "k3s3", { nodes: facts().nodes.filter(({ name }) => name !== "k3s3") });
  });
});

describe("what stands in the way of a removal", () => {
  it("nothing, on a healthy and idle node", () => {
    expect(removalRefusals(worker(), facts(), itself)).to.deep.equal([]);
  });

  it("all of it is said at once", () => {
    const refusals = removalRefusals(
      worker(),
      facts({
        pods: [pod("debug", { controller: undefined })],
        localVolumes: [{ name: "pvc-local" }],
        longhorn: longhorn({ volumes: [volume("v", { numberOfReplicas: 1 })], replicas: [replica("v", "k3s3")] }),
      }),
      silent,
    );
    expect(refusals.map(({ what }) => what)).to.deep.equal([
      "machine k3s3 (192.168.10.31)",
      "volume v (media/v-data)",
      "volume pvc-local",
      "pod media/debug",
    ]);
    expect(refusals[0].wayOut).to.contain("npm run node -- forget k3s3");
  });

  it("another machine at its address", () => {
    const [refusal] = removalRefusals(worker(), facts(), { kind: "other", detail: "it shows another SSH host key" });
    expect(refusal.why).to.contain("another machine answers there");
  });
});

describe("what stands in the way of forgetting a machine as dead", () => {
  const dead = facts({ nodes: facts().nodes.map((node) => ({ ...node, ready: node.name !== "k3s3" })) });

  it("nothing, when it is silent and its Node is not Ready, or another machine stands there", () => {
    expect(forgetRefusals(worker(), dead, silent, "undecided")).to.deep.equal([]);
    expect(forgetRefusals(worker(), dead, { kind: "other", detail: "" }, "undecided")).to.deep.equal([]);
  });

  it("the machine still answers, as itself or with its host key", () => {
    expect(forgetRefusals(worker(), dead, itself, "undecided")[0].why).to.contain("it is alive");
    expect(forgetRefusals(worker(), dead, { kind: "locked", detail: "" }, "undecided")[0].why).to.contain(
      "it may be alive",
    );
  });

  it("but not the new machine, where the configuration names it already: the Node is that of another one", () => {
    const registeredBy = (machineId: string) => ({
      ...dead,
      nodes: dead.nodes.map((node) => (node.name === "k3s3" ? { ...node, machineId } : node)),
    });
    expect(forgetRefusals(worker(), registeredBy("b2"), itself, "undecided")).to.deep.equal([]);
    expect(forgetRefusals(worker(), registeredBy("a1"), itself, "undecided")[0].why).to.contain("it is alive");
  });

  it("its Node is Ready", () => {
    const [refusal] = forgetRefusals(worker(), facts(), silent, "undecided");
    expect(refusal.why).to.contain("write to the same volumes twice");
  });

  it("volumes whose only copy was there, until somebody has decided about them", () => {
    const sole = {
      ...dead,
      longhorn: longhorn({
        volumes: [volume("v", { numberOfReplicas: 1, robustness: "faulted" }), volume("w")],
        replicas: [replica("v", "k3s3"), replica("w", "k3s3"), replica("w", "k3s1")],
      }),
    };
    const [refusal, ...more] = forgetRefusals(worker(), sole, silent, "undecided");
    expect(refusal.what).to.equal("volume v (media/v-data)");
    expect(refusal.wayOut).to.contain("--keep-volumes").and.to.contain("--give-up-volumes");
    expect(more).to.deep.equal([]);
    expect(forgetRefusals(worker(), sole, silent, "keep")).to.deep.equal([]);
    expect(forgetRefusals(worker(), sole, silent, "give-up")).to.deep.equal([]);
    const kept = forgetPhases("k3s3", sole, "keep").find(({ name }) => name === "delete-longhorn-node")!;
    expect(kept.done).to.equal(true);
    expect(kept.text).to.contain("keep Longhorn's entry of k3s3: the only copy of 1 volumes");
    const lost = forgetPhases("k3s3", sole, "give-up").find(({ name }) => name === "delete-longhorn-node")!;
    expect(lost.text).to.contain("and its 2 replicas there");
  });
});

describe("phases", () => {
  const names = (phases: readonly { name: string; done: boolean }[]) =>
    phases.map(({ name, done }) => `${name}${done ? " (done)" : ""}`);

  it("of a removal come in an order in which the node cannot come back, and nothing is lost", () => {
    expect(names(removalPhases("k3s3", facts({ pods: [pod("a")] }), limits))).to.deep.equal([
      "cordon",
      "evict-replicas",
      "drain",
      "await-replicas (done)",
      "teardown",
      "delete-node",
      "delete-password",
      "delete-longhorn-node",
    ]);
  });

  it("are found done by the run after one that was cut off", () => {
    const begun = facts({
      nodes: facts().nodes.map((node) => ({ ...node, unschedulable: node.name === "k3s3", mark: "remove" })),
      longhorn: longhorn({
        nodes: [longhornNode("k3s3", { allowScheduling: false, evictionRequested: true })],
        volumes: [volume("v")],
        replicas: [replica("v", "k3s3")],
      }),
    });
    expect(names(removalPhases("k3s3", begun, limits)).slice(0, 4)).to.deep.equal([
      "cordon (done)",
      "evict-replicas (done)",
      "drain (done)",
      "await-replicas",
    ]);
    const nearlyGone = facts({ nodes: [], passwordSecret: true, longhorn: longhorn({ nodes: [] }) });
    expect(names(removalPhases("k3s3", nearlyGone, limits)).slice(-3)).to.deep.equal([
      "delete-node (done)",
      "delete-password",
      "delete-longhorn-node (done)",
    ]);
  });

  it("leave Longhorn out where there is none", () => {
    expect(names(removalPhases("k3s3", facts({ longhorn: undefined }), limits)).join()).not.to.match(
      /replicas|longhorn/,
    );
  });

  it("of a drain are a cordon and the wait for pods and attachments", () => {
    expect(names(drainPhases("k3s3", facts({ attached: ["pvc-1"] }), limits))).to.deep.equal(["cordon", "drain"]);
  });

  it("the plan says what emptyDir volumes hold", () => {
    expect(lostScratch(facts({ pods: [pod("a", { emptyDirs: ["cache"] }), pod("b")] }))).to.deep.equal([
      "media/a: cache",
    ]);
  });
});
