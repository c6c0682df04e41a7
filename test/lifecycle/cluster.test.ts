import { expect } from "chai";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { LONGHORN_NAMESPACE } from "../../components/storage/longhorn-nodes";
import { Cluster } from "../../lifecycle/actors/cluster";
import { drainNode, forget, remove, uncordonNode, type Site } from "../../lifecycle/operations";
import { passwordSecretName } from "../../lifecycle/phases";
import type { FateOfVolumes, HostFinding } from "../../lifecycle/preflight";
import { root } from "../support/home";
import { needKubernetes, PlayedKubelets, TestCluster, until, type Manifest } from "../support/kubernetes";
import { worker } from "./facts";
import { PlayedLonghorn } from "./played-longhorn";

const ADDRESSES = {
  "k3s-master1": "192.168.10.30",
  k3s1: "192.168.10.21",
  k3s2: "192.168.10.23",
  k3s3: "192.168.10.31",
  k3s30: "192.168.10.33",
};
const NODE = "k3s3";
/** Its name begins with the other one's, as k3s10 begins with k3s1. */
const NAMESAKE = "k3s30";
const MEDIA = "media";

/** A workload of the real controllers, whose pods start on k3s3 and may go anywhere. */
function deployment(name: string, replicas: number, more: Record<string, unknown> = {}): Manifest {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: MEDIA },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, more) },
  };
}

function template(name: string, more: Record<string, unknown> = {}) {
  return {
    metadata: { labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      // First k3s3, then wherever there is room: a preference, so that a drain has somewhere to go.
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 100,
              preference: { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [NODE] }] },
            },
          ],
        },
      },
      containers: [{ name: "main", image: "registry.invalid/none:1" }],
      ...more,
    },
  };
}

const budget = (app: string, minAvailable: number): Manifest => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: app, namespace: MEDIA },
  spec: { minAvailable, selector: { matchLabels: { app } } },
});

describe("node commands against a real control plane", function () {
  this.timeout(180_000);
  let cluster: TestCluster;
  let kubelets: PlayedKubelets;
  let longhorn: PlayedLonghorn;
  let said: string[];
  let torn: number;

  const site = (more: Partial<Site> = {}): Site => ({
    cluster: Cluster.of(cluster.kubeconfig),
    limits: { drain: 60, replicas: 60 },
    say: (line) => said.push(line),
    lookAtHost: (): Promise<HostFinding> => Promise.resolve({ kind: "itself", machineId: "a1" }),
    tearDown: () => {
      torn++;
      return Promise.resolve(["changed: K3s torn down"]);
    },
    ...more,
  });
  const yes = { dryRun: false, confirmed: NODE };
  const dead = (): Promise<HostFinding> => Promise.resolve({ kind: "silent", detail: "no answer in 15 s" });
  const node = () => cluster.read("v1", "Node", NODE);
  const secret = () => cluster.read("v1", "Secret", passwordSecretName(NODE), "kube-system");
  const longhornNode = () => cluster.read("longhorn.io/v1beta2", "Node", NODE, LONGHORN_NAMESPACE);
  const podsOn = async (name: string) => {
    const { items } = await cluster.core.listNamespacedPod({
      namespace: MEDIA,
      fieldSelector: `spec.nodeName=${name}`,
    });
    return items.filter(({ metadata }) => !metadata?.deletionTimestamp);
  };
  const ready = async (app: string, count: number) => {
    const { items } = await cluster.core.listNamespacedPod({ namespace: MEDIA, labelSelector: `app=${app}` });
    return (
      items.filter(
        ({ metadata, status }) =>
          !metadata?.deletionTimestamp &&
          status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
      ).length >= count
    );
  };
  const settled = (name: string, expected: number) =>
    until(`the budget ${name} has counted its pods`, 20, async () => {
      const found = await cluster.read("policy/v1", "PodDisruptionBudget", name, MEDIA);
      return (found?.status as { expectedPods?: number } | undefined)?.expectedPods === expected;
    });
  const refusal = async (action: () => Promise<unknown>): Promise<string> => {
    try {
      await action();
    } catch (error) {
      return (error as Error).message;
    }
    return "not refused";
  };

  async function addNode(name: keyof typeof ADDRESSES): Promise<void> {
    await cluster.create({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "kubernetes.io/hostname": name } },
      spec:
        name === "k3s-master1"
          ? { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] }
          : {},
    });
    await cluster.core.patchNodeStatus({
      name,
      body: [
        { op: "add", path: "/status/addresses", value: [{ type: "InternalIP", address: ADDRESSES[name] }] },
        { op: "add", path: "/status/capacity", value: { cpu: "8", memory: "16Gi", pods: "110" } },
        { op: "add", path: "/status/allocatable", value: { cpu: "8", memory: "16Gi", pods: "110" } },
      ],
    });
    await kubelets.report(name, true);
  }

  before(async function () {
    cluster = new TestCluster(needKubernetes(this));
    kubelets = new PlayedKubelets(cluster);
    longhorn = new PlayedLonghorn(cluster);
    for (const name of [MEDIA, LONGHORN_NAMESPACE]) {
      await cluster.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    await until("the default service account", 30, async () =>
      Boolean(await cluster.read("v1", "ServiceAccount", "default", MEDIA)),
    );
    await longhorn.install();
    for (const name of ["k3s-master1", "k3s1", "k3s2"] as const) {
      await addNode(name);
    }
  });

  after(() => {
    kubelets?.stop();
    longhorn?.stopManager();
  });

  beforeEach(async () => {
    said = [];
    torn = 0;
    await addNode(NODE);
    await until(
      "k3s3 takes pods",
      20,
      async () => ((await node())?.spec as { taints?: unknown[] }).taints === undefined,
    );
    await cluster.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: passwordSecretName(NODE), namespace: "kube-system" },
      stringData: { hash: "$1:played" },
    });
    for (const name of ["k3s1", "k3s2", NODE]) {
      await longhorn.addNode(name);
    }
    longhorn.startManager();
  });

  afterEach(async () => {
    longhorn.stopManager();
    kubelets.sick.clear();
    for (const [kind, list] of [
      ["Deployment", "apps/v1"],
      ["StatefulSet", "apps/v1"],
      ["DaemonSet", "apps/v1"],
      ["PodDisruptionBudget", "policy/v1"],
      ["Pod", "v1"],
    ] as const) {
      const { items } = await cluster.objects.list(list, kind, MEDIA);
      for (const { metadata } of items) {
        await cluster.delete(list, kind, metadata!.name!, MEDIA);
      }
    }
    await longhorn.clear();
    await cluster.delete("v1", "Secret", passwordSecretName(NODE), "kube-system");
    await cluster.delete("v1", "Node", NODE);
    await until("the old pods are gone", 60, async () => {
      const { items } = await cluster.core.listNamespacedPod({ namespace: MEDIA });
      return items.length === 0;
    });
  });

  it("a removal moves pods and replicas, takes the machine apart, and leaves nothing of the node in the cluster", async () => {
    await cluster.create(deployment("jellyfin", 2));
    await cluster.create(budget("jellyfin", 1));
    await cluster.create({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "exporter", namespace: MEDIA },
      spec: { selector: { matchLabels: { app: "exporter" } }, template: template("exporter") },
    });
    await longhorn.addVolume("v1", ["k3s1", NODE]);
    await longhorn.addVolume("v2", ["k3s2", NODE]);
    await until("jellyfin runs", 60, () => ready("jellyfin", 2));
    await settled("jellyfin", 2);
    expect((await podsOn(NODE)).length).to.be.greaterThan(1);

    expect(await remove(site(), worker(), yes)).to.equal(true);

    expect(await node(), "Node").to.equal(undefined);
    expect(await secret(), "node password").to.equal(undefined);
    expect(await longhornNode(), "Longhorn's entry").to.equal(undefined);
    expect(torn).to.equal(1);
    expect([await longhorn.places("v1"), await longhorn.places("v2")]).to.deep.equal([
      ["k3s1", "k3s2"],
      ["k3s1", "k3s2"],
    ]);
    await until("jellyfin runs elsewhere", 60, () => ready("jellyfin", 2));
    await until("the pod of the DaemonSet is collected", 60, async () => (await podsOn(NODE)).length === 0);
    expect(said.join("\n")).to.contain("evicted");
  });

  it("a dry run, and a removal that nobody has confirmed, change nothing", async () => {
    const before = await node();
    expect(await remove(site(), worker(), { dryRun: true, confirmed: NODE })).to.equal(false);
    expect(await remove(site(), worker(), { dryRun: false })).to.equal(false);
    expect(await refusal(() => remove(site(), worker(), { dryRun: false, confirmed: "k3s2" }))).to.contain(
      "nothing was touched",
    );
    expect(said.join("\n")).to.contain("--yes-remove k3s3");
    const now = await node();
    expect([now?.spec, now?.metadata?.annotations]).to.deep.equal([before?.spec, before?.metadata?.annotations]);
    expect(torn).to.equal(0);
  });

  it("everything in the way is refused at once, by name, and nothing is changed", async () => {
    await cluster.create(deployment("sonarr", 2));
    await cluster.create(budget("sonarr", 2));
    await cluster.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "debug", namespace: MEDIA },
      spec: { ...template("debug").spec, nodeName: NODE },
    });
    await cluster.create({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "pvc-local" },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: "local-path",
        hostPath: { path: "/var/lib/homelab/local-path/pvc-local" },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [NODE] }] },
            ],
          },
        },
      },
    });
    await longhorn.addVolume("single", [NODE]);
    await longhorn.addVolume("ill", ["k3s1", NODE], "degraded");
    await until("sonarr runs", 60, () => ready("sonarr", 2));
    await settled("sonarr", 2);
    try {
      const message = await refusal(() => remove(site(), worker(), yes));
      expect(message).to.contain("volume single (media/single-data)").and.to.contain("single replica");
      expect(message).to.contain("volume ill (media/ill-data)").and.to.contain("it is degraded");
      expect(message).to.contain("volume pvc-local");
      expect(message).to.contain("pod media/debug");
      expect(message).to.contain("PodDisruptionBudget media/sonarr").and.to.contain("2 healthy of 2 pods");
      expect((await node())?.spec).not.to.have.property("unschedulable");
      expect((await longhornNode())?.spec).to.deep.include({ allowScheduling: true, evictionRequested: false });
      expect(torn).to.equal(0);
    } finally {
      await cluster.delete("v1", "PersistentVolume", "pvc-local");
    }
  });

  it("what a budget holds back is asked for again until it may go", async () => {
    await cluster.create(deployment("radarr", 2));
    await cluster.create(budget("radarr", 1));
    await until("radarr runs", 60, () => ready("radarr", 2));
    await settled("radarr", 2);
    const pods = await podsOn(NODE);
    expect(pods.length, "both on k3s3").to.equal(2);
    // One of the two falls ill: the budget holds on to the other one until it is well again.
    kubelets.sick.add(pods[0].metadata!.name!);
    await until("the budget allows nothing", 20, async () => {
      const found = await cluster.read("policy/v1", "PodDisruptionBudget", "radarr", MEDIA);
      return (found?.status as { disruptionsAllowed: number }).disruptionsAllowed === 0;
    });
    setTimeout(() => kubelets.sick.clear(), 4000);
    expect(await drainNode(site(), worker(), { dryRun: false })).to.equal(true);
    expect(said.join("\n")).to.contain("is held back, and is asked for again").and.to.contain("disruption budget");
    expect(await podsOn(NODE)).to.deep.equal([]);
    expect((await node())?.spec).to.deep.include({ unschedulable: true });
    expect(torn).to.equal(0);

    await uncordonNode(site(), worker());
    expect((await node())?.spec).not.to.have.property("unschedulable");
  });

  it("a drain that does not end says what holds it and the state that it leaves; uncordon takes all of it back", async () => {
    await cluster.create(deployment("lidarr", 2));
    await cluster.create(budget("lidarr", 1));
    await longhorn.addVolume("v1", ["k3s1", NODE]);
    await until("lidarr runs", 60, () => ready("lidarr", 2));
    await settled("lidarr", 2);
    const pods = await podsOn(NODE);
    pods.forEach(({ metadata }) => kubelets.sick.add(metadata!.name!));
    // Neither is well, and the budget protects what may become so: a sick pod is not ready, but it runs.
    await until("the budget allows nothing", 20, async () => {
      const found = await cluster.read("policy/v1", "PodDisruptionBudget", "lidarr", MEDIA);
      return (found?.status as { currentHealthy: number }).currentHealthy === 0;
    });
    const message = await refusal(() => remove(site({ limits: { drain: 4, replicas: 60 } }), worker(), yes));
    expect(message).to.contain("k3s3 is not empty after 4 s").and.to.contain("media/lidarr-");
    expect(message).to.contain("its Node is there and cordoned").and.to.contain("Longhorn has been asked");
    expect(message).to.contain("npm run node -- uncordon k3s3");
    expect(torn, "nothing was taken apart").to.equal(0);

    await uncordonNode(site(), worker());
    expect((await node())?.spec).not.to.have.property("unschedulable");
    expect((await node())?.metadata?.annotations ?? {}).not.to.have.property("homelab/lifecycle");
    expect((await longhornNode())?.spec).to.deep.include({ allowScheduling: true, evictionRequested: false });
  });

  for (const moment of [
    "cordon",
    "ask Longhorn",
    "evict ",
    "wait until Longhorn",
    "on the machine",
    "delete the Node",
  ]) {
    it(`a removal that is killed at '${moment}' is completed by running it again`, async () => {
      await cluster.create(deployment("kavita", 3));
      await cluster.create(budget("kavita", 1));
      await longhorn.addVolume("v1", ["k3s1", NODE]);
      await longhorn.addVolume("v2", ["k3s2", NODE]);
      await until("kavita runs", 60, () => ready("kavita", 3));
      await settled("kavita", 3);
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-removal-"));
      try {
        const kubeconfig = path.join(folder, "kubeconfig");
        fs.writeFileSync(kubeconfig, cluster.kubeconfig);
        await killedAt(moment, [kubeconfig, path.join(folder, "teardown")]);

        expect(await remove(site(), worker(), yes)).to.equal(true);
        expect([await node(), await secret(), await longhornNode()]).to.deep.equal([undefined, undefined, undefined]);
        expect(await longhorn.places("v1")).to.deep.equal(["k3s1", "k3s2"]);
        expect(torn).to.equal(1);
        await until("kavita runs elsewhere", 60, () => ready("kavita", 3));
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  /** Runs a removal in a process of its own and kills it as soon as it says that it begins with something. */
  async function killedAt(moment: string, args: readonly string[]): Promise<void> {
    const script = path.join(root, "test", "lifecycle", "removal-process.ts");
    const child = spawn(process.execPath, ["-r", "ts-node/register/transpile-only", script, ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (data: Buffer) => {
        output += data.toString("utf8");
        // The plan lists the phases with a number; a phase that begins has none, and dots at its end.
        if (output.split("\n").some((line) => line.startsWith(moment) && line.endsWith("..."))) {
          child.kill("SIGKILL");
        }
      });
      child.stderr.on("data", (data: Buffer) => (output += data.toString("utf8")));
      child.once("exit", (_code, signal) => {
        expect(signal, output).to.equal("SIGKILL");
        resolve();
      });
    });
  }

  describe("a node whose name begins with the name of the one that goes", () => {
    const VOLUME = "pvc-of-namesake";
    const parts = [
      ["v1", "Node", NAMESAKE],
      ["v1", "Secret", passwordSecretName(NAMESAKE), "kube-system"],
      ["v1", "PersistentVolume", VOLUME],
      ["storage.k8s.io/v1", "VolumeAttachment", VOLUME],
      ["v1", "Pod", "of-namesake", MEDIA],
      ["longhorn.io/v1beta2", "Node", NAMESAKE, LONGHORN_NAMESPACE],
      ["longhorn.io/v1beta2", "Volume", "sole", LONGHORN_NAMESPACE],
      ["longhorn.io/v1beta2", "Replica", `sole-r-${NAMESAKE}`, LONGHORN_NAMESPACE],
      ["longhorn.io/v1beta2", "Replica", `pair-r-${NAMESAKE}`, LONGHORN_NAMESPACE],
      ["longhorn.io/v1beta2", "Engine", "sole-e", LONGHORN_NAMESPACE],
    ] as const;
    /** Which objects they are and what is asked of them; a heartbeat changes neither. */
    const all = async () =>
      Object.fromEntries(
        await Promise.all(
          parts.map(async ([apiVersion, kind, name, namespace]) => {
            const found = await cluster.read(apiVersion, kind, name, namespace);
            const { uid, annotations, labels, deletionTimestamp } = found?.metadata ?? {};
            const { spec, data } = found ?? {};
            return [`${kind} ${name}`, { uid, annotations, labels, deletionTimestamp, spec, data }] as const;
          }),
        ),
      );

    beforeEach(async () => {
      await addNode(NAMESAKE);
      await until("it takes pods", 20, async () => {
        const found = await cluster.read("v1", "Node", NAMESAKE);
        return (found?.spec as { taints?: unknown[] } | undefined)?.taints === undefined;
      });
      await cluster.create({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: passwordSecretName(NAMESAKE), namespace: "kube-system" },
        stringData: { hash: "$1:of-namesake" },
      });
      const only = { key: "kubernetes.io/hostname", operator: "In", values: [NAMESAKE] };
      await cluster.create({
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: VOLUME },
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName: "local-path",
          hostPath: { path: `/var/lib/homelab/local-path/${VOLUME}` },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [only] }] } },
        },
      });
      await cluster.create({
        apiVersion: "storage.k8s.io/v1",
        kind: "VolumeAttachment",
        metadata: { name: VOLUME },
        // Nobody's driver, so that the control plane leaves it alone.
        spec: { attacher: "played.invalid", nodeName: NAMESAKE, source: { persistentVolumeName: VOLUME } },
      });
      await cluster.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "of-namesake", namespace: MEDIA },
        spec: { ...template("of-namesake").spec, nodeName: NAMESAKE },
      });
      await longhorn.addNode(NAMESAKE);
      await longhorn.addVolume("sole", [NAMESAKE]);
      await longhorn.addVolume("pair", [NODE, NAMESAKE]);
      await cluster.create({
        apiVersion: "longhorn.io/v1beta2",
        kind: "Engine",
        metadata: { name: "sole-e", namespace: LONGHORN_NAMESPACE },
        spec: { volumeName: "sole", nodeID: NAMESAKE },
        status: { currentState: "running" },
      });
    });

    afterEach(async () => {
      kubelets.alive.delete(NAMESAKE);
      for (const [apiVersion, kind, name, namespace] of parts) {
        await cluster.delete(apiVersion, kind, name, namespace);
      }
    });

    it("keeps all that it has, and stands in nobody's way, when the other one is removed", async () => {
      const before = await all();
      expect(await remove(site(), worker(), yes)).to.equal(true);
      expect([await node(), await secret(), await longhornNode()]).to.deep.equal([undefined, undefined, undefined]);
      expect(await all()).to.deep.equal(before);
      expect(Object.values(before).every(({ uid }) => uid !== undefined)).to.equal(true);
    });

    it("keeps all that it has when the other one died and is forgotten, and its copies count as copies elsewhere", async () => {
      await kubelets.report(NODE, false);
      const before = await all();
      expect(await forget(site({ lookAtHost: dead }), worker(), yes, "undecided")).to.equal(true);
      expect([await node(), await secret(), await longhornNode()]).to.deep.equal([undefined, undefined, undefined]);
      expect(await longhorn.places("pair")).to.deep.equal([NAMESAKE]);
      expect(await all()).to.deep.equal(before);
    });
  });

  describe("a machine that is dead", () => {
    beforeEach(async () => {
      await cluster.create({
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "postgres", namespace: MEDIA },
        spec: {
          serviceName: "postgres",
          replicas: 1,
          selector: { matchLabels: { app: "postgres" } },
          template: template("postgres"),
        },
      });
      await until("postgres runs", 60, () => ready("postgres", 1));
      expect((await podsOn(NODE)).map(({ metadata }) => metadata!.name)).to.deep.equal(["postgres-0"]);
    });

    it("is not forgotten while its Node is Ready", async () => {
      const message = await refusal(() => forget(site({ lookAtHost: dead }), worker(), yes, "undecided"));
      expect(message).to.contain("it is Ready").and.to.contain("nothing was changed");
      expect((await node())?.spec).not.to.have.property("unschedulable");
    });

    it("is not forgotten while it answers on SSH", async () => {
      await kubelets.report(NODE, false);
      const message = await refusal(() => forget(site(), worker(), yes, "undecided"));
      expect(message).to.contain("it is alive: it answers on SSH with the configured host key and identity");
    });

    it("is forgotten: its pods start elsewhere, and the name is free for another machine", async () => {
      await longhorn.addVolume("v1", ["k3s1", NODE]);
      await kubelets.report(NODE, false);
      expect(await forget(site({ lookAtHost: dead }), worker(), yes, "undecided")).to.equal(true);
      expect([await node(), await secret(), await longhornNode()]).to.deep.equal([undefined, undefined, undefined]);
      expect(await longhorn.places("v1"), "the replica on the dead disks is forgotten, too").to.deep.equal(["k3s1"]);
      await until("postgres runs elsewhere", 60, () => ready("postgres", 1));
      expect(torn, "nobody can take it apart").to.equal(0);
      // And once more, as after a kill: nothing is left to do.
      expect(await forget(site({ lookAtHost: dead }), worker(), yes, "undecided")).to.equal(true);
    });

    for (const fate of ["keep", "give-up"] as FateOfVolumes[]) {
      it(`a volume whose only copy was there is named, and '${fate}' is done with it once somebody says so`, async () => {
        await longhorn.addVolume("sole", [NODE], "faulted");
        await kubelets.report(NODE, false);
        const act = (decided: FateOfVolumes) => forget(site({ lookAtHost: dead }), worker(), yes, decided);
        expect(await refusal(() => act("undecided"))).to.contain("volume sole (media/sole-data)");
        expect((await node())?.spec).not.to.have.property("unschedulable");
        expect(await act(fate)).to.equal(true);
        expect([await node(), await secret()]).to.deep.equal([undefined, undefined]);
        expect((await longhornNode()) === undefined).to.equal(fate === "give-up");
        expect(await longhorn.places("sole")).to.deep.equal(fate === "give-up" ? [] : [NODE]);
      });
    }
  });
});
