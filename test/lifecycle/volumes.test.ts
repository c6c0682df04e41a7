import { expect } from "chai";
import {
  localVolumeRefusals,
  longhornRefusals,
  longhornRemains,
  lostWithout,
  soleCopies,
} from "../../lifecycle/volumes";
import { GIB, longhorn, longhornNode, replica, volume } from "./facts";

/** Two copies, one of them on the node that goes. */
const pair = [replica("v", "k3s3"), replica("v", "k3s1")];

describe("volumes of Longhorn and a node that goes for good", () => {
  it("a healthy volume whose other copy is elsewhere, with a place for a new one, stands in nobody's way", () => {
    expect(longhornRefusals(longhorn({ volumes: [volume("v")], replicas: pair }), "k3s3")).to.deep.equal([]);
  });

  it("a volume of which nothing is on the node is none of its business, whatever its state", () => {
    const facts = longhorn({
      volumes: [volume("v", { robustness: "degraded", numberOfReplicas: 1 })],
      replicas: [replica("v", "k3s1")],
    });
    expect(longhornRefusals(facts, "k3s3")).to.deep.equal([]);
    expect(longhornRemains(facts, "k3s3")).to.deep.equal([]);
  });

  it("a single-replica volume is refused by name, with the command that gives it a second one", () => {
    const [refusal] = longhornRefusals(
      longhorn({ volumes: [volume("v", { numberOfReplicas: 1 })], replicas: [replica("v", "k3s3")] }),
      "k3s3",
    );
    expect(refusal.what).to.equal("volume v (media/v-data)");
    expect(refusal.why).to.contain("single replica");
    expect(refusal.wayOut).to.contain(`patch volumes.longhorn.io v --type merge -p '{"spec":{"numberOfReplicas":2}}'`);
  });

  for (const [what, other] of Object.entries({
    "has failed": [replica("v", "k3s1", { healthy: false, failed: true })],
    "is still being built": [replica("v", "k3s1", { healthy: false })],
    "is on a node that is down": [replica("v", "k3s2")],
    "is on a disk that is down": [replica("v", "k3s4")],
    "is on a disk that the node has no more": [replica("v", "k3s1", { disk: "k3s1-disk-before" })],
    "is on no disk": [replica("v", "k3s5", { disk: "" })],
    "is nowhere": [],
  })) {
    it(`the last healthy replica is refused where the other one ${what}`, () => {
      const with1 = (disk: object) => ({ disks: [{ ...longhornNode("k3s4").disks[0], ...disk }] });
      const nodes = [
        longhornNode("k3s1"),
        longhornNode("k3s2", { ready: false }),
        longhornNode("k3s3"),
        longhornNode("k3s4", with1({ ready: false })),
        longhornNode("k3s5", with1({ uuid: "" })),
      ];
      const facts = longhorn({
        volumes: [volume("v", { robustness: "degraded" })],
        replicas: [replica("v", "k3s3"), ...other],
        nodes,
      });
      const [refusal] = longhornRefusals(facts, "k3s3");
      expect(refusal.why).to.contain("last healthy replica is on k3s3");
      expect(soleCopies(facts, "k3s3").map(({ name }) => name)).to.deep.equal(["v"]);
    });
  }

  it("a copy is the last one whichever else has been given up", () => {
    const facts = longhorn({
      volumes: [volume("v"), volume("w")],
      replicas: [replica("v", "k3s3"), replica("w", "k3s3")],
    });
    const lost = (...agreed: string[]) => lostWithout(facts, "k3s3", new Set(agreed)).map(({ name }) => name);
    expect(lost()).to.deep.equal(["v", "w"]);
    expect(lost("v")).to.deep.equal(["w"]);
    expect(lost("v", "w")).to.deep.equal([]);
  });

  it("a degraded volume is refused although a copy is elsewhere: nothing is moved while something is being rebuilt", () => {
    const facts = longhorn({
      volumes: [volume("v", { numberOfReplicas: 3, robustness: "degraded" })],
      replicas: [...pair, replica("v", "k3s2", { healthy: false, failed: true })],
    });
    const [refusal] = longhornRefusals(facts, "k3s3");
    expect(refusal.why).to.equal("it is degraded: 2 healthy of 3 replicas");
    expect(soleCopies(facts, "k3s3")).to.deep.equal([]);
  });

  it("a detached volume, whose robustness Longhorn does not know, is judged by its replicas", () => {
    const detached = volume("v", { state: "detached", robustness: "unknown" });
    expect(longhornRefusals(longhorn({ volumes: [detached], replicas: pair }), "k3s3")).to.deep.equal([]);
    const [refusal] = longhornRefusals(longhorn({ volumes: [detached], replicas: [pair[0]] }), "k3s3");
    expect(refusal.why).to.contain("last healthy replica");
  });

  describe("a replica must have somewhere to go", () => {
    const disk = longhornNode("x").disks[0];
    const refusedWith = (k3s2: Parameters<typeof longhornNode>[1], more = {}, settings = {}) => {
      const base = longhorn();
      return longhornRefusals(
        longhorn({
          volumes: [volume("v", more)],
          replicas: pair,
          nodes: [longhornNode("k3s1"), longhornNode("k3s2", k3s2), longhornNode("k3s3")],
          settings: { ...base.settings, ...settings },
        }),
        "k3s3",
      ).map(({ why }) => why);
    };
    const nowhere = /nowhere to go/;

    it("not to a node that is down, closed or being emptied", () => {
      for (const k3s2 of [{ ready: false }, { allowScheduling: false }, { evictionRequested: true }]) {
        expect(refusedWith(k3s2)).to.match(nowhere);
      }
    });

    it("not to a disk that is closed, full, promised or of another kind", () => {
      for (const wrong of [
        { schedulable: false },
        { available: 70 * GIB },
        { scheduled: 265 * GIB },
        { tags: ["nvme"] },
      ]) {
        expect(refusedWith({ disks: [{ ...disk, ...wrong }] }), JSON.stringify(wrong)).to.match(nowhere);
      }
      expect(refusedWith({}, { diskSelector: ["nvme"] })).to.match(nowhere);
      expect(refusedWith({ disks: [{ ...disk, tags: ["nvme"] }] }, { diskSelector: ["nvme"] })).to.deep.equal([]);
      expect(refusedWith({ disks: [{ ...disk, tags: ["nvme"] }] }, {}, { emptyDiskSelector: true })).to.deep.equal([]);
    });

    it("not to the node that has the other copy, unless Longhorn may put both there", () => {
      const two = (softAntiAffinity: boolean) =>
        longhornRefusals(
          longhorn({
            volumes: [volume("v")],
            replicas: pair,
            nodes: [longhornNode("k3s1"), longhornNode("k3s3")],
            settings: { ...longhorn().settings, softAntiAffinity },
          }),
          "k3s3",
        );
      expect(two(false)[0].wayOut).to.contain('"numberOfReplicas":1');
      expect(two(true)).to.deep.equal([]);
    });

    it("but one that is on its way already is not asked for a place again", () => {
      const moving = longhorn({
        volumes: [volume("v")],
        replicas: [...pair, replica("v", "k3s2", { healthy: false })],
        nodes: [longhornNode("k3s1"), longhornNode("k3s2", { disks: [] }), longhornNode("k3s3")],
      });
      expect(longhornRefusals(moving, "k3s3")).to.deep.equal([]);
    });
  });

  it("remains are replicas in any state, and engines: Longhorn refuses to forget a node with either", () => {
    const facts = longhorn({
      volumes: [volume("v"), volume("w")],
      replicas: [replica("v", "k3s3", { healthy: false, failed: true }), replica("v", "k3s1")],
      engines: ["w"],
    });
    expect(longhornRemains(facts, "k3s3")).to.deep.equal([
      "volume v (media/v-data): v-r-k3s3",
      "volume w: its engine runs on k3s3",
    ]);
  });
});

describe("volumes that are directories of the node", () => {
  it("are refused by name, with the claim that has to go", () => {
    const [bound, free] = localVolumeRefusals(
      [
        { name: "pvc-1", storageClass: "local-path", claim: { namespace: "monitoring", name: "prometheus-0" } },
        { name: "pvc-2" },
      ],
      "k3s3",
    );
    expect(bound.what).to.equal("volume pvc-1 (monitoring/prometheus-0)");
    expect(bound.wayOut).to.contain("kubectl -n monitoring delete pvc prometheus-0");
    expect(free.wayOut).to.contain("kubectl delete pv pvc-2");
  });
});
