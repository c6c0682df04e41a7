import { expect } from "chai";
import { difference, type Difference } from "../support/difference";
import { edited } from "../support/home";
import { recordedHome, recordedStack, type RecordedStack } from "../support/stack";

/**
 * What lists every node, and so must follow when one comes or goes: who may mount, who is waited for, whose requests
 * pass for the gateway's own.
 */
const LISTS_NODES = [
  "cilium-nodes-ready-apply",
  "longhorn-csi-apply",
  "longhorn-nodes-apply",
  "nfs-csi-apply",
  "r730-exports-apply",
  "r730-exports-state",
  /^oauth2-proxy-(alertmanager|longhorn|prometheus)/,
] as const;

function lists(name: string, ...more: (string | RegExp)[]): boolean {
  return [...LISTS_NODES, ...more].some((one) => (typeof one === "string" ? one === name : one.test(name)));
}

describe("graph: nodes come, go and are replaced", () => {
  let home: RecordedStack;

  before(async () => {
    home = await recordedHome();
  });

  describe("a worker is added", () => {
    let found: Difference;

    before(async () => {
      const grown = await recordedStack(
        "home",
        edited((config) => {
          config.machines.k3s4 = {
            ...structuredClone(config.machines.k3s2),
            address: "192.168.10.24",
            identity: { kind: "product-serial", value: "ABCDEF4" },
            rebootWindow: "07:00",
          };
        }),
      );
      found = difference(home, grown);
    });

    it("creates its own resources only", () => {
      expect(found.added).to.include.members(["k3s4-os-os-apply", "k3s4-disks-disks-apply", "k3s-k3s4-apply"]);
      expect(found.added.filter((name) => !name.includes("k3s4"))).to.deep.equal([]);
      expect(found.removed).to.deep.equal([]);
    });

    it("touches nothing else but what lists every node", () => {
      // It has a disk and QuickSync; alerts and dashboards count nodes and disks; the prober asks every node; Authentik, too, is asked by the gateway on each node.
      const more = [
        "longhorn-disks-apply",
        /^intel-gpu-plugin-/,
        /^alert-rules-/,
        /^dashboards-/,
        "prober-monitor",
        /^authentik(-config)?$/,
      ];
      expect(found.changed.filter((name) => !lists(name, ...more))).to.deep.equal([]);
      expect(found.changed).to.include.members(["r730-exports-apply", "longhorn-nodes-apply", "nfs-csi-apply"]);
    });
  });

  describe("a worker is taken out", () => {
    let found: Difference;

    // No app stands on the machine that goes: they are taken out or moved first.
    before(async () => {
      const bare = await recordedStack(
        "home",
        edited((config) => (config.apps = {})),
      );
      const shrunk = await recordedStack(
        "home",
        edited((config) => {
          config.apps = {};
          delete config.machines.k3s3;
          for (const tier of ["optane", "nvme", "sas-ssd"]) {
            delete config.storage.tiers[tier];
          }
        }),
      );
      found = difference(bare, shrunk);
    });

    it("forgets its resources and those of its tiers and its GPU, and makes none", () => {
      expect(found.added).to.deep.equal([]);
      expect(
        found.removed.filter(
          (name) =>
            !/k3s3|^longhorn-longhorn-(optane|nvme|sas-ssd)$|nvidia|dcgm|^alert-rules-homelab-gpu$|^dashboards-homelab-gpu$/.test(
              name,
            ),
        ),
      ).to.deep.equal([]);
      expect(found.removed).to.include.members(["k3s3-os-os-apply", "k3s-k3s3-apply", "longhorn-disks-k3s3"]);
    });

    it("runs nothing on the machine that goes: that is what `npm run node -- remove` does first", () => {
      const gone = home.ofType(/^command:/).filter(({ name }) => /k3s3/.test(name));
      expect(gone.length).to.be.greaterThan(3);
      expect(gone.filter(({ inputs }) => inputs.delete !== undefined).map(({ name }) => name)).to.deep.equal([]);
      expect(home.one(/Patch$/, /^longhorn-disks-k3s3$/).retainOnDelete).to.equal(true);
    });

    it("touches no step of a machine that stays", () => {
      const steps = found.changed.filter((name) => /^(k3s-)?(k3s1|k3s2|k3s-master1)-/.test(name));
      expect(steps).to.deep.equal([]);
    });
  });

  for (const [what, edit] of Object.entries({
    "another machine, with its own identity and host key": (worker: any) => {
      worker.identity = { kind: "product-serial", value: "NEWBOX3" };
      worker.ssh.hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    },
    "the same machine with a new installation, of which only the host key tells": (worker: any) => {
      worker.ssh.hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    },
  })) {
    describe(`a worker is replaced under its name by ${what}`, () => {
      let replaced: RecordedStack;
      let found: Difference;

      before(async () => {
        replaced = await recordedStack(
          "home",
          edited((config) => edit(config.machines.k3s3)),
        );
        found = difference(home, replaced);
      });

      it("makes and forgets no resource: the name is the same", () => {
        expect(found.added).to.deep.equal([]);
        expect(found.removed).to.deep.equal([]);
      });

      it("runs every step again on the new machine, and probes it anew", () => {
        const own = home
          .ofType(/^command:|HostState$/)
          .filter(({ name }) => /^(k3s3|k3s-k3s3)-/.test(name))
          .map(({ name }) => name);
        expect(own).to.include.members(["k3s3-os-os-apply", "k3s3-disks-disks-state", "k3s-k3s3-apply"]);
        expect(own.filter((name) => !found.changed.includes(name))).to.deep.equal([]);
      });

      it("tells Longhorn its disks again, and waits for the node, its CSI drivers and its GPU once more", () => {
        expect(found.changed).to.include.members([
          "cilium-nodes-ready-apply",
          "longhorn-csi-apply",
          "longhorn-nodes-apply",
          "longhorn-disks-k3s3",
          "longhorn-disks-apply",
          "nfs-csi-apply",
          "nvidia-device-plugin-allocatable-apply",
        ]);
      });

      it("touches nothing else", () => {
        const own = /k3s3/;
        const gates = ["longhorn-disks-apply", "nvidia-device-plugin-allocatable-apply"];
        expect(found.changed.filter((name) => !lists(name, own, ...gates))).to.deep.equal([]);
        expect(found.changed.filter((name) => /exports|oauth2/.test(name))).to.deep.equal([]);
      });
    });
  }
});
