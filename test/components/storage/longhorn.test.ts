import { expect } from "chai";
import fc from "fast-check";
import { Longhorn } from "../../../components/storage/longhorn";
import { tierClasses } from "../../../components/storage/longhorn-classes";
import { longhornDiskSpecs } from "../../../components/storage/longhorn-disks";
import { longhornNodes, storageNodes } from "../../../components/storage/longhorn-nodes";
import { longhornRecurringJobs } from "../../../components/storage/longhorn-recurring-jobs";
import { longhornSettings, settingName } from "../../../components/storage/longhorn-settings";
import { longhornValues } from "../../../components/storage/longhorn-values";
import { cronProblem } from "../../../config/cron";
import type { Homelab } from "../../../config/homelab";
import { defaultPins } from "../../../config/pins";
import { hostOf } from "../../../nodes/host";
import { record, type Recording } from "../../../plan/record";
import { crdErrors, type Manifest } from "../../support/crds";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";

interface Values {
  csi: Record<string, unknown>;
  persistence: Record<string, unknown>;
  preUpgradeChecker: Record<string, unknown>;
  ingress: { enabled: boolean };
  longhornManager: { tolerations: unknown[] };
  longhornDriver: { tolerations: unknown[] };
}

const values = (homelab: Homelab) => longhornValues(homelab) as unknown as Values;

/** One machine that carries the default tier and another one side by side. */
const mixed = () =>
  home((config) => {
    config.machines.k3s1.disks["optane-0"] = { tier: "optane", sizeGb: 110, id: "/dev/disk/by-id/nvme-x" };
  });

/** The scheduler's rule, longhorn-manager v1.6.2 types/types.go IsSelectorsInTags. */
function takes(tags: readonly string[], selectors: readonly string[], allowEmptySelector: boolean): boolean {
  return selectors.length === 0
    ? allowEmptySelector || tags.length === 0
    : selectors.every((selector) => tags.includes(selector));
}

const deploy = (homelab: Homelab): Promise<Recording> =>
  record(() => {
    new Longhorn("longhorn", {
      nodes: [],
      homelab,
      controlPlane: hostOf(homelab, homelab.controlPlane, {
        identity: { kind: "product-uuid", value: "5f0c1d7e" },
        hostKey: "ssh-ed25519 AAAA",
      }),
    });
  });

describe("Longhorn", () => {
  describe("values", () => {
    for (const version of [defaultPins.charts.longhorn, "1.6.4", "1.9.2"]) {
      it(`trap 66: are all known to chart ${version}`, () => {
        const tainted = home((config) => (config.machines.k3s3.taints = ["gpu=yes:NoSchedule"]));
        expect(unknownValuePaths("longhorn", version, longhornValues(tainted))).to.deep.equal([]);
      });
    }

    it("trap 16: the kubelet root is that of the configuration", () => {
      expect(values(home()).csi.kubeletRootDir).to.equal("/var/lib/rancher/k3s/agent/kubelet");
      const moved = home((config) => (config.cluster.kubeletRoot = "/var/lib/kubelet"));
      expect(values(moved).csi.kubeletRootDir).to.equal("/var/lib/kubelet");
    });

    it("trap 19: class longhorn is made of the default tier, by the chart alone", () => {
      expect(values(home()).persistence).to.deep.equal({
        defaultClass: true,
        defaultClassReplicaCount: 2,
        defaultDataLocality: "best-effort",
        defaultFsType: "ext4",
        reclaimPolicy: "Retain",
      });
    });

    it("need no hook: the managers check the version, no Job does", () => {
      expect(values(home()).preUpgradeChecker).to.deep.equal({ jobEnabled: false, upgradeVersionCheck: true });
    });

    it("trap 56: no ingress of its own", () => {
      expect(values(home()).ingress.enabled).to.equal(false);
    });

    it("run at most two of each sidecar, and one on a single node", () => {
      const single = home((config) => {
        delete config.machines.k3s2;
        delete config.machines.k3s3;
        config.apps = {};
        config.storage.tiers = { standard: { ...config.storage.tiers.standard, replicas: 1 } };
      });
      expect(values(home()).csi.attacherReplicaCount).to.equal(2);
      expect(values(single).csi.attacherReplicaCount).to.equal(1);
    });
  });

  describe("settings", () => {
    it("put no disk anywhere by themselves, and keep two copies on two machines", () => {
      expect(longhornSettings(home())).to.include({
        createDefaultDiskLabeledNodes: true,
        allowEmptyDiskSelectorVolume: false,
        replicaSoftAntiAffinity: false,
        defaultReplicaCount: 2,
      });
    });

    // Copied from SettingDefinition*.Choices of longhorn-manager v1.6.2 types/setting.go: one value outside of these
    // makes Longhorn drop all settings.
    const choices: Readonly<Record<string, readonly string[]>> = {
      defaultDataLocality: ["disabled", "best-effort", "strict-local"],
      replicaAutoBalance: ["disabled", "least-effort", "best-effort"],
      nodeDownPodDeletionPolicy: [
        "do-nothing",
        "delete-statefulset-pod",
        "delete-deployment-pod",
        "delete-both-statefulset-and-deployment-pod",
      ],
      nodeDrainPolicy: [
        "block-for-eviction",
        "block-for-eviction-if-contains-last-replica",
        "block-if-contains-last-replica",
        "allow-if-replica-is-stopped",
        "always-allow",
      ],
    };
    for (const [setting, allowed] of Object.entries(choices)) {
      it(`trap 66: ${setting} is one that Longhorn allows`, () => {
        expect(allowed).to.include(longhornSettings(home())[setting]);
      });
    }

    it("never let a node with single replicas block its own drain for ever", () => {
      expect(longhornSettings(home()).nodeDrainPolicy).to.equal("allow-if-replica-is-stopped");
    });

    it("leave a quarter free where a root file system carries volumes, a tenth otherwise", () => {
      const dedicated = home((config) => {
        for (const name of ["k3s1", "k3s2"]) {
          config.machines[name].disks = { data: { tier: "standard", sizeGb: 500, id: `/dev/disk/by-id/${name}` } };
        }
      });
      expect(longhornSettings(home()).storageMinimalAvailablePercentage).to.equal(25);
      expect(longhornSettings(dedicated).storageMinimalAvailablePercentage).to.equal(10);
    });

    it("have the names of Longhorn's own objects", () => {
      expect(settingName("createDefaultDiskLabeledNodes")).to.equal("create-default-disk-labeled-nodes");
      expect(settingName("concurrentReplicaRebuildPerNodeLimit")).to.equal("concurrent-replica-rebuild-per-node-limit");
    });
  });

  describe("nodes", () => {
    const names = (homelab: Homelab) => longhornNodes(homelab).map(({ name }) => name);

    it("are those where ordinary pods may run; a tainted control plane is left alone", () => {
      expect(names(home())).to.deep.equal(["k3s1", "k3s2", "k3s3"]);
    });

    it("include a tainted worker, which every part of Longhorn then tolerates", () => {
      const tainted = home((config) => (config.machines.k3s3.taints = ["gpu=yes:NoSchedule", "odd:PreferNoSchedule"]));
      expect(names(tainted)).to.include("k3s3");
      const toleration = { key: "gpu", operator: "Equal", value: "yes", effect: "NoSchedule" };
      expect(values(tainted).longhornManager.tolerations).to.deep.equal([toleration]);
      expect(values(tainted).longhornDriver.tolerations).to.deep.equal([toleration]);
      expect(longhornSettings(tainted).taintToleration).to.equal("gpu=yes:NoSchedule");
      expect(longhornSettings(home())).not.to.have.property("taintToleration");
    });
  });

  describe("disks and classes", () => {
    it("carry path, reserve and tier of the configuration", () => {
      const homelab = home();
      const k3s3 = homelab.workers.find(({ name }) => name === "k3s3")!;
      const specs = longhornDiskSpecs(homelab, k3s3);
      expect(Object.keys(specs)).to.have.length(11);
      expect(specs["optane-1"]).to.deep.equal({
        diskType: "filesystem",
        path: "/var/lib/homelab/disks/optane-1",
        allowScheduling: true,
        storageReserved: 5_500_000_000,
        tags: ["optane"],
      });
    });

    for (const [title, homelab] of [
      ["the home stack", home()],
      ["a machine that mixes tiers", mixed()],
    ] as const) {
      it(`trap 22: in ${title} each class finds the disks of its own tier and no other`, () => {
        const allowEmpty = longhornSettings(homelab).allowEmptyDiskSelectorVolume as boolean;
        const selectors = new Map<string, string[]>([
          [homelab.storage.defaultTier, []],
          ...tierClasses(homelab).map(
            ({ parameters }) =>
              [
                (parameters as Record<string, string>).diskSelector,
                [(parameters as Record<string, string>).diskSelector],
              ] as [string, string[]],
          ),
        ]);
        expect([...selectors.keys()]).to.have.members(Object.keys(homelab.storage.tiers));
        for (const worker of storageNodes(homelab)) {
          for (const [disk, { tags }] of Object.entries(longhornDiskSpecs(homelab, worker))) {
            const found = [...selectors]
              .filter(([, selector]) => takes(tags, selector, allowEmpty))
              .map(([tier]) => tier);
            expect(found, `${worker.name}/${disk}`).to.deep.equal([worker.disks[disk].tier]);
          }
        }
      });
    }

    it("an orphaned replica, perhaps the last copy, is never deleted by itself", () => {
      const settings = Object.keys(longhornSettings(home())).filter((key) => key.toLowerCase().includes("orphan"));
      expect(settings).to.deep.equal([]);
    });

    it("trap 23: replicas of a class never exceed the nodes that carry its tier", () => {
      const homelab = home();
      for (const { parameters } of tierClasses(homelab)) {
        const { numberOfReplicas, diskSelector } = parameters as Record<string, string>;
        const carriers = homelab.workers.filter(({ disks }) =>
          Object.values(disks).some(({ tier }) => tier === diskSelector),
        );
        expect(Number(numberOfReplicas)).to.be.at.most(carriers.length);
      }
    });

    it("trap 24: no class ties a volume to a node that its pod may not be on, unless the owner asks for it", () => {
      const unsaid = home((config) =>
        Object.values<any>(config.storage.tiers).forEach((tier) => delete tier.dataLocality),
      );
      for (const homelab of [home(), unsaid]) {
        const localities = tierClasses(homelab).map(({ parameters }) => parameters as Record<string, string>);
        expect(localities.map(({ dataLocality }) => dataLocality)).not.to.include("strict-local");
        expect(values(homelab).persistence.defaultDataLocality).to.equal("best-effort");
      }
    });

    it("trap 30: no class but Longhorn's own says that it is the default", () => {
      for (const { metadata } of tierClasses(home())) {
        expect(JSON.stringify(metadata)).not.to.contain("is-default-class");
      }
    });

    it("classes have text parameters only, and keep the data of a claim that goes", () => {
      const classes = tierClasses(home());
      expect(classes.map(({ metadata }) => metadata.name)).to.deep.equal([
        "longhorn-optane",
        "longhorn-nvme",
        "longhorn-sas-ssd",
      ]);
      for (const { parameters, reclaimPolicy } of classes) {
        expect(reclaimPolicy).to.equal("Retain");
        expect(Object.values(parameters as object).every((value) => typeof value === "string")).to.equal(true);
      }
    });

    it("any tier may be the default: its disks lose the tag, all others keep theirs", () => {
      const tiers = Object.keys(home().storage.tiers);
      fc.assert(
        fc.property(fc.constantFrom(...tiers), (defaultTier) => {
          const homelab: Homelab = { ...home(), storage: { ...home().storage, defaultTier } };
          for (const worker of homelab.workers) {
            for (const [disk, { tags }] of Object.entries(longhornDiskSpecs(homelab, worker))) {
              const { tier } = worker.disks[disk];
              expect(tags).to.deep.equal(tier === defaultTier ? [] : [tier]);
            }
          }
        }),
        { numRuns: tiers.length * 3 },
      );
    });
  });

  describe("recurring jobs", () => {
    it("trap 25: every volume gets snapshots and a trim, and no class has to say so", () => {
      expect(longhornRecurringJobs.map(({ task }) => task)).to.deep.equal(["snapshot", "filesystem-trim"]);
      for (const { groups } of longhornRecurringJobs) {
        expect(groups).to.deep.equal(["default"]);
      }
    });

    it("are what Longhorn's webhook would leave unchanged", () => {
      for (const { cron, retain, task, name } of longhornRecurringJobs) {
        expect(cronProblem(cron)).to.equal(undefined);
        expect(name.length).to.be.at.most(40);
        expect(task === "snapshot" ? retain >= 1 : retain === 0, name).to.equal(true);
      }
    });
  });

  describe("component", () => {
    let resources: Recording["resources"];
    const find = (name: string) => resources.find((resource) => resource.name === name)!;
    const above = (name: string): string[] => {
      const direct = find(name).dependencies.map((urn) => urn.split("::").pop()!);
      return [...direct, ...direct.flatMap(above)];
    };

    before(async () => {
      ({ resources } = await deploy(home()));
    });

    it("orders chart, nodes, disks and proof", () => {
      expect(above("longhorn-nodes")).to.deep.equal(["longhorn"]);
      expect(above("longhorn-disks-k3s3")).to.include("longhorn-nodes-apply");
      expect(find("longhorn-disks").dependencies.map((urn) => urn.split("::").pop())).to.include.members([
        "longhorn-disks-k3s1",
        "longhorn-disks-k3s2",
        "longhorn-disks-k3s3",
      ]);
    });

    it("trap 20: disks are patched onto the manager's own objects, and stay when the patch goes", () => {
      const patches = resources.filter(({ type }) => type === "kubernetes:longhorn.io/v1beta2:NodePatch");
      expect(patches.map(({ name }) => name)).to.deep.equal([
        "longhorn-disks-k3s1",
        "longhorn-disks-k3s2",
        "longhorn-disks-k3s3",
      ]);
      for (const { inputs, retainOnDelete } of patches) {
        expect(retainOnDelete).to.equal(true);
        expect(JSON.stringify(inputs.metadata)).to.contain('"pulumi.com/patchForce":"true"');
      }
    });

    it("trap 27: settings come from the chart's values alone, which the manager would apply over anything else", async () => {
      const { resources } = await deploy(home());
      const rivals = resources.filter(
        ({ type, inputs }) =>
          type.endsWith(":Setting") || type.endsWith(":ConfigMap") || String(inputs.kind).startsWith("Setting"),
      );
      expect(rivals.map(({ name }) => name)).to.deep.equal([]);
      const chart = resources.find(({ type }) => type.endsWith(":Chart"));
      expect(chart?.inputs.values).to.have.property("defaultSettings").that.deep.equals(longhornSettings(home()));
    });

    it("trap 26: namespace and chart are never deleted, and never protected, which would forbid a rebuild", () => {
      for (const name of ["longhorn-system", "longhorn"]) {
        const kept = resources.filter((resource) => resource.name === name && resource.type.startsWith("kubernetes:"));
        expect(kept, name).to.have.length(1);
        expect(kept[0].retainOnDelete, name).to.equal(true);
        expect(kept[0].protect, name).to.equal(false);
      }
    });

    it("classes are replaced like any other object", () => {
      const classes = resources.filter(({ type }) => type.endsWith(":StorageClass"));
      expect(classes).to.have.length(3);
      expect(classes.filter(({ retainOnDelete }) => retainOnDelete)).to.deep.equal([]);
    });

    it("every custom resource is one that Longhorn's CRDs take", () => {
      const objects = resources.filter(({ type }) => type.startsWith("kubernetes:longhorn.io/"));
      expect(objects).to.have.length(5);
      for (const { name, inputs } of objects) {
        expect(crdErrors(`longhorn-${defaultPins.charts.longhorn}`, inputs as unknown as Manifest), name).to.deep.equal(
          [],
        );
      }
    });

    it("the namespace may mount on the host and be routed to", () => {
      const labels = (find("longhorn-system").inputs.metadata as { labels: Record<string, string> }).labels;
      expect(labels).to.include({
        "pod-security.kubernetes.io/enforce": "privileged",
        "homelab/gateway-access": "true",
      });
    });

    it("gates know every node, setting and disk", () => {
      const text = (name: string) => String(find(name).inputs.stdin);
      expect(text("longhorn-nodes-apply")).to.contain("'allow-empty-disk-selector-volume=false'");
      expect(text("longhorn-disks-apply")).to.contain("'k3s3/sas-7=/var/lib/homelab/disks/sas-7'");
      expect(text("longhorn-csi-apply")).to.contain("KUBELET_ROOT='/var/lib/rancher/k3s/agent/kubelet'");
    });
  });
});
