import { expect } from "chai";
import { renderStep } from "../../../nodes/host-script";
import { needKubectl, runGate, type ApiObject } from "../../support/fake-api";
import { shellcheck } from "../../nodes/shellcheck";

const root = "/var/lib/rancher/k3s/agent/kubelet";

const csiNode = (name: string, ...drivers: string[]): ApiObject => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "CSINode",
  metadata: { name },
  spec: { drivers: drivers.map((driver) => ({ name: driver, nodeID: name, topologyKeys: null })) },
});

const plugin = (folder: string): ApiObject => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "longhorn-csi-plugin", namespace: "longhorn-system" },
  spec: {
    template: {
      spec: {
        volumes: [
          { name: "socket-dir", hostPath: { path: `${folder}/plugins/driver.longhorn.io` } },
          { name: "registration-dir", hostPath: { path: `${folder}/plugins_registry` } },
        ],
      },
    },
  },
});

const setting = (name: string, value: string): ApiObject => ({
  apiVersion: "longhorn.io/v1beta2",
  kind: "Setting",
  metadata: { name, namespace: "longhorn-system" },
  value,
});

type Seen = Readonly<Record<string, { path: string; schedulable: string; reason?: string }>>;

const longhornNode = (name: string, disks: Seen = {}, ready = "True", status: Seen = disks): ApiObject => ({
  apiVersion: "longhorn.io/v1beta2",
  kind: "Node",
  metadata: { name, namespace: "longhorn-system" },
  spec: { disks: Object.fromEntries(Object.entries(disks).map(([disk, { path }]) => [disk, { path }])) },
  status: {
    conditions: [
      { type: "MountPropagation", status: "True" },
      { type: "Ready", status: ready },
    ],
    diskStatus: Object.fromEntries(
      Object.entries(status).map(([disk, { schedulable, reason = "" }]) => [
        disk,
        {
          conditions: [
            { type: "Ready", status: "True", reason: "", message: "" },
            { type: "Schedulable", status: schedulable, reason, message: "" },
          ],
        },
      ]),
    ),
  },
});

const defaultClass: ApiObject = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "longhorn" },
  provisioner: "driver.longhorn.io",
};

describe("gates of the storage, run by the real kubectl", function () {
  this.timeout(60_000);

  before(function () {
    needKubectl(this);
  });

  for (const [script, variables] of [
    ["csi-registered.sh", { DRIVER: "d", NAMESPACE: "n", DAEMONSET: "p", KUBELET_ROOT: root, NODES: ["k3s1"] }],
    ["longhorn-upgrade.sh", { VERSION: "1.6.2", PAUSE_SECONDS: 0 }],
    ["longhorn-nodes.sh", { NODES: ["k3s1"], SETTINGS: ["log-level=Info"] }],
    ["longhorn-disks.sh", { DISKS: [], STORAGE_CLASS: "longhorn" }],
    ["allocatable.sh", { RESOURCE: "nvidia.com/gpu", NODES: ["k3s3=4"], HINT: "" }],
  ] as const) {
    it(`${script} never passes because nobody answered`, async () => {
      const { status, output } = await runGate(script, variables, "down");
      expect(status).to.equal(1);
      expect(output).to.match(/does not answer|cannot be read/);
    });
  }

  describe("longhorn-upgrade", () => {
    const kind: ApiObject = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "settings.longhorn.io" },
    };
    const asked = (VERSION: string, ...objects: ApiObject[]) =>
      runGate("longhorn-upgrade.sh", { VERSION, PAUSE_SECONDS: 0 }, objects, ["versions-lib.sh"]);
    const running = (version: string) => [kind, setting("current-longhorn-version", version)];

    it("lets a first installation, the same version, a patch and the next minor version pass", async () => {
      const passed = { status: 0, output: "" };
      expect(await asked("1.9.2")).to.deep.equal(passed);
      expect(await asked("1.6.2", kind)).to.deep.equal(passed);
      for (const version of ["1.6.2", "1.6.4", "1.7.3"]) {
        expect(await asked(version, ...running("v1.6.2")), version).to.deep.equal(passed);
      }
    });

    it("refuses to skip a minor version, and to go back, before a manager is replaced", async () => {
      for (const version of ["1.8.0", "1.9.2", "2.6.2"]) {
        const { status, output } = await asked(version, ...running("v1.6.2"));
        expect(status, version).to.equal(1);
        expect(output).to.contain("set versions.charts.longhorn to a release of 1.7 first; nothing was changed");
      }
      for (const version of ["1.6.1", "1.5.9"]) {
        const { status, output } = await asked(version, ...running("v1.6.2"));
        expect(status, version).to.equal(1);
        expect(output).to.contain("it cannot go back. Set versions.charts.longhorn to 1.6.2");
      }
    });
  });

  describe("csi-registered", () => {
    const variables = {
      DRIVER: "driver.longhorn.io",
      NAMESPACE: "longhorn-system",
      DAEMONSET: "longhorn-csi-plugin",
      KUBELET_ROOT: root,
      NODES: ["k3s1", "k3s2"],
    };
    const registered = [csiNode("k3s1", "nfs.csi.k8s.io", "driver.longhorn.io"), csiNode("k3s2", "driver.longhorn.io")];

    it("passes when the driver is in every CSINode", async () => {
      expect(await runGate("csi-registered.sh", variables, [plugin(root), ...registered])).to.deep.equal({
        status: 0,
        output: "",
      });
    });

    it("incident of June 2025: names the plugin that looks below another kubelet root", async () => {
      const { status, output } = await runGate("csi-registered.sh", variables, [
        plugin("/var/lib/kubelet"),
        ...registered,
      ]);
      expect(status).to.equal(1);
      expect(output)
        .to.contain("registers in '/var/lib/kubelet/plugins_registry'")
        .and.contain(`'${root}/plugins_registry'`);
    });

    it("names the node on which the driver is missing", async () => {
      const { status, output } = await runGate("csi-registered.sh", variables, [
        plugin(root),
        csiNode("k3s1", "driver.longhorn.io"),
        csiNode("k3s2", "nfs.csi.k8s.io"),
      ]);
      expect(status).to.equal(1);
      expect(output).to.contain("k3s2: driver.longhorn.io is not in its CSINode").and.not.contain("k3s1:");
    });

    it("fails, and says why, when the plugin does not exist", async () => {
      const { status, output } = await runGate("csi-registered.sh", variables, registered);
      expect(status).to.equal(1);
      expect(output).to.contain("it does not exist");
    });
  });

  describe("longhorn-nodes", () => {
    const variables = {
      NODES: ["k3s1", "k3s3"],
      SETTINGS: ["create-default-disk-labeled-nodes=true", "replica-auto-balance=best-effort"],
    };
    const settings = [
      setting("create-default-disk-labeled-nodes", "true"),
      setting("replica-auto-balance", "best-effort"),
      setting("log-level", "Info"),
    ];

    it("passes with fresh nodes, which have no disk", async () => {
      const { status, output } = await runGate("longhorn-nodes.sh", variables, [
        ...settings,
        longhornNode("k3s1"),
        longhornNode("k3s3"),
      ]);
      expect(output).to.equal("");
      expect(status).to.equal(0);
    });

    it("trap 66: notices that Longhorn dropped the settings", async () => {
      const { status, output } = await runGate("longhorn-nodes.sh", variables, [
        setting("create-default-disk-labeled-nodes", "false"),
        setting("replica-auto-balance", "best-effort"),
        longhornNode("k3s1"),
        longhornNode("k3s3"),
      ]);
      expect(status).to.equal(1);
      expect(output).to.contain("setting create-default-disk-labeled-nodes should be 'true', Longhorn has 'false'");
    });

    it("waits for a node that Longhorn does not know, is not ready, or still looks at its disks", async () => {
      const disk = { path: "/mnt/a", schedulable: "True" };
      const { status, output } = await runGate("longhorn-nodes.sh", { ...variables, NODES: ["k3s1", "k3s2", "k3s3"] }, [
        ...settings,
        longhornNode("k3s1", {}, "False"),
        longhornNode("k3s3", { a: disk, b: disk }, "True", { a: disk }),
      ]);
      expect(status).to.equal(1);
      expect(output).to.contain("k3s1 0/0 False").and.contain("k3s3 2/1 True");
      expect(output).to.match(/node k3s2 .*unknown to Longhorn/);
    });
  });

  describe("longhorn-disks", () => {
    const variables = {
      DISKS: ["k3s1/system=/var/lib/homelab/disks/system", "k3s3/optane-1=/var/lib/homelab/disks/optane-1"],
      STORAGE_CLASS: "longhorn",
    };
    const good = { path: "/var/lib/homelab/disks/system", schedulable: "True" };
    const optane = { path: "/var/lib/homelab/disks/optane-1", schedulable: "True" };

    it("passes when each disk takes volumes", async () => {
      const { status, output } = await runGate("longhorn-disks.sh", variables, [
        longhornNode("k3s1", { system: good }),
        longhornNode("k3s3", { "optane-1": optane }),
        defaultClass,
      ]);
      expect(output).to.equal("");
      expect(status).to.equal(0);
    });

    it("trap 21: names the disk that is not schedulable, with Longhorn's reason", async () => {
      const { status, output } = await runGate("longhorn-disks.sh", variables, [
        longhornNode("k3s1", { system: { ...good, schedulable: "False", reason: "DiskPressure" } }),
        longhornNode("k3s3"),
        defaultClass,
      ]);
      expect(status).to.equal(1);
      expect(output).to.match(/k3s1\/system=.* should be schedulable: .* False DiskPressure/);
      expect(output).to.match(/k3s3\/optane-1=.* Longhorn has no such disk/);
    });

    it("names a disk at another path, a disk too many, and a missing class", async () => {
      const { status, output } = await runGate("longhorn-disks.sh", variables, [
        longhornNode("k3s1", { system: { ...good, path: "/var/lib/longhorn" } }),
        longhornNode("k3s3", {
          "optane-1": optane,
          "default-disk-1": { path: "/var/lib/longhorn", schedulable: "True" },
        }),
      ]);
      expect(status).to.equal(1);
      expect(output).to.contain("k3s1/system=/var/lib/homelab/disks/system should be schedulable");
      expect(output).to.contain(
        "k3s3/default-disk-1=/var/lib/longhorn is a disk of Longhorn, but not of the configuration",
      );
      expect(output).to.contain("StorageClass longhorn does not exist");
    });

    it("passes without any disk in the configuration", async () => {
      const { status } = await runGate("longhorn-disks.sh", { ...variables, DISKS: [] }, [
        longhornNode("k3s1"),
        defaultClass,
      ]);
      expect(status).to.equal(0);
    });
  });

  describe("allocatable", () => {
    const node = (name: string, allocatable: Record<string, string>): ApiObject => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
      status: { allocatable },
    });
    const variables = { RESOURCE: "nvidia.com/gpu", NODES: ["k3s3=4"], HINT: "Look at the driver." };

    it("passes when the node offers exactly what was promised", async () => {
      const { status } = await runGate("allocatable.sh", variables, [
        node("k3s1", { cpu: "6" }),
        node("k3s3", { cpu: "64", "nvidia.com/gpu": "4" }),
      ]);
      expect(status).to.equal(0);
    });

    for (const [found, offered] of [
      ["1", { "nvidia.com/gpu": "1" }],
      ["0", { cpu: "64" }],
    ] as const) {
      it(`fails when the node offers ${found}`, async () => {
        const { status, output } = await runGate("allocatable.sh", variables, [node("k3s3", offered)]);
        expect(status).to.equal(1);
        expect(output).to.contain(`k3s3 should offer 4 of nvidia.com/gpu, it offers ${found}`);
        expect(output).to.contain("Look at the driver.");
      });
    }
  });
});

describe("gates of the storage as text", () => {
  const gates = [
    "csi-registered.sh",
    "longhorn-upgrade.sh",
    "longhorn-nodes.sh",
    "longhorn-disks.sh",
    "allocatable.sh",
  ];
  const variables = {
    DRIVER: "d",
    NAMESPACE: "n",
    DAEMONSET: "p",
    KUBELET_ROOT: root,
    NODES: ["k3s1"],
    SETTINGS: ["a=b"],
    DISKS: ["k3s1/a=/b"],
    STORAGE_CLASS: "longhorn",
    RESOURCE: "nvidia.com/gpu",
    HINT: "h",
    VERSION: "1.6.2",
  };

  for (const source of gates) {
    it(`${source} passes shellcheck`, function () {
      const script = renderStep({ name: "gate", source: `gates/${source}`, variables, timeoutSeconds: 60 });
      shellcheck(this, script, ["SC2034"]);
    });
  }
});
