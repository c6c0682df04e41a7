import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { mirroredFile } from "../../config/mirror";
import { knownFlags } from "../../nodes/k3s/flags";
import { k3sRelease } from "../../nodes/k3s/node-step";
import { offerStandInK3s, STAND_IN_VERSION } from "../../sandbox/k3s";
import { finished } from "../../sandbox/processes";
import { StandIn, type Node } from "./stand-in";

const SERVER = "10.9.0.1";

/** The stand-in's own processes in a network of their own; nothing of Kubernetes is imitated in here. */
describe("the stand-in for K3s", () => {
  let standIn: StandIn;
  let folder: string;

  /** Writes a node's configuration; `more` adds to it or replaces. */
  const configure = (kind: Node["kind"], name: string, more: object = {}): Node => {
    return standIn.configure(kind, name, {
      "data-dir": path.join(folder, `${name}-data`),
      "node-name": name,
      "node-ip": kind === "server" ? SERVER : "10.9.0.2",
      "kubelet-arg": [`root-dir=${folder}/${name}-kubelet`, `healthz-port=${kind === "server" ? 10248 : 10348}`],
      ...(kind === "server"
        ? { token: "serversecret", "agent-token": "agentsecret", "cluster-init": true, "secrets-encryption": true }
        : { token: "agentsecret", server: `https://${SERVER}:6443` }),
      ...more,
    });
  };
  const k3s = (etc: string, args: readonly string[]) => standIn.k3s(etc, args);
  const run = (node: Node) => standIn.run(node);
  const stop = (node: Node) => standIn.stop(node);
  const says = (node: Node, text: string) => standIn.says(node, text);
  const up = (node: Node) => standIn.up(node);

  let server: Node;
  let agent: Node;
  const kubectl = (args: string, input = "") => standIn.kubectl(server, args, input);
  const refused = async (args: string, input = ""): Promise<string> => {
    const ran = await standIn.k3s(server.etc, ["kubectl", ...args.split(" ")], input);
    expect(ran.status, ran.stdout).not.to.equal(0);
    return ran.stderr;
  };
  const apply = (object: object, options = "") => kubectl(`apply --server-side${options} -f -`, JSON.stringify(object));

  before(async function () {
    this.timeout(1_800_000);
    standIn = await StandIn.start(this, "k3s", [SERVER, "10.9.0.2"]);
    folder = standIn.folder;
    server = configure("server", "master", {
      "node-label": ["tier=control"],
      "node-taint": ["node-role.kubernetes.io/control-plane:NoSchedule"],
      "tls-san": ["k3s.example"],
    });
    agent = configure("agent", "worker", {
      "node-label": ["nvidia.com/gpu.present=true"],
      "node-taint": ["gpu=yes:NoExecute"],
    });
  });

  after(async function () {
    this.timeout(60_000);
    await standIn?.end([agent, server]);
  });

  describe("configuration", () => {
    for (const kind of ["server", "agent"] as const) {
      it(`of a node of kind ${kind}: every key that the program may write is taken, each other is named`, async () => {
        const known = Object.fromEntries([...knownFlags[kind]].map((key) => [key, "true"]));
        const { etc } = configure(kind, `bad-${kind}`, { ...known, "no-such-key": 1, "cluster-ciddr": "10.0.0.0/8" });
        const ran = await k3s(etc, [kind]);
        expect(ran.status).to.equal(1);
        expect([...ran.stderr.matchAll(/-([a-z-]+) \(/g)].map(([, key]) => key)).to.deep.equal([
          "cluster-ciddr",
          "no-such-key",
        ]);
      });
    }

    it("a server's key on an agent is fatal, in a drop-in and on the command line too", async () => {
      const { etc } = configure("agent", "misplaced", { "cluster-cidr": "10.0.0.0/16" });
      fs.mkdirSync(path.join(etc, "k3s/config.yaml.d"));
      fs.writeFileSync(path.join(etc, "k3s/config.yaml.d/x.yaml"), "tls-san+: [x]\n");
      const ran = await k3s(etc, ["agent", "--cluster-init"]);
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("flag provided but not defined").and.contain("-cluster-cidr");
      expect(ran.stderr).to.contain("-tls-san (").and.contain("--cluster-init (");
    });

    it("an argument that no kubelet of this version has is fatal", async () => {
      const { etc } = configure("agent", "kubelet", { "kubelet-arg": ["root-dirr=/x"] });
      const ran = await k3s(etc, ["agent"]);
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("unknown flag: --root-dirr");
    });
  });

  describe("server", function () {
    this.timeout(180_000);

    before(async () => {
      run(server);
      await up(server);
      console.log(`      ${/k3s is up and running, after .* s/.exec(server.log)?.[0]}`);
    });

    it("answers for its version, and writes token and kubeconfig where K3s does, with its modes", async () => {
      expect((await k3s(server.etc, ["--version"])).stdout).to.equal(`k3s version ${STAND_IN_VERSION} (stand-in)\n`);
      const versions = await kubectl("version");
      expect(versions).to.contain(`Client Version: ${STAND_IN_VERSION}`);
      expect(versions).to.contain(`Server Version: ${STAND_IN_VERSION}`);
      const data = path.join(folder, "master-data/server");
      const authority = fs.readFileSync(path.join(data, "tls/server-ca.crt"));
      const hash = createHash("sha256").update(authority).digest("hex");
      expect(fs.readFileSync(path.join(data, "node-token"), "utf8")).to.equal(`K10${hash}::server:serversecret\n`);
      expect(fs.readFileSync(path.join(data, "agent-token"), "utf8")).to.equal(`K10${hash}::node:agentsecret\n`);
      expect(fs.readlinkSync(path.join(data, "node-token"))).to.equal(path.join(data, "token"));
      for (const file of [
        path.join(data, "token"),
        path.join(server.etc, "k3s/k3s.yaml"),
        path.join(server.etc, "node/password"),
      ]) {
        expect((fs.statSync(file).mode & 0o777).toString(8), file).to.equal("600");
      }
      const get = async (url: string) => {
        const ran = await finished(standIn.inside(["curl", "-sk", url]));
        expect(ran.status, ran.stderr).to.equal(0);
        return ran;
      };
      expect((await get(`https://${SERVER}:6443/cacerts`)).stdout).to.equal(authority.toString());
      expect((await get(`https://${SERVER}:6443/ping`)).stdout).to.equal("pong");
      expect((await get(`https://${SERVER}:6443/version`)).stdout).to.contain("Unauthorized");
    });

    it("its own node is Ready, with role, labels and taints", async () => {
      await kubectl("wait --for=condition=Ready node/master --timeout=60s");
      const node = JSON.parse(await kubectl("get node master -o json"));
      expect(node.metadata.labels).to.include({ tier: "control", "node-role.kubernetes.io/control-plane": "true" });
      expect(node.spec.taints.map((taint: any) => taint.key)).to.include("node-role.kubernetes.io/control-plane");
      expect(node.status.nodeInfo.kubeletVersion).to.equal(STAND_IN_VERSION);
      expect(node.status.nodeInfo.machineID).to.equal(fs.readFileSync("/etc/machine-id", "utf8").trim());
      expect(node.status.addresses).to.deep.include({ type: "InternalIP", address: SERVER });
    });

    it("a Secret lies encrypted in the datastore, a ConfigMap does not", async () => {
      await kubectl("create secret generic hidden --from-literal=key=plain-secret-text");
      await kubectl("create configmap shown --from-literal=key=plain-config-text");
      expect((await k3s(server.etc, ["etcd-snapshot", "save", "--etcd-s3=false", "--name", "proof"])).status).to.equal(
        0,
      );
      const snapshots = path.join(folder, "master-data/server/db/snapshots");
      const [file] = fs.readdirSync(snapshots);
      expect(file).to.match(/^proof-master-\d+$/);
      const content = fs.readFileSync(path.join(snapshots, file));
      expect(content.includes("plain-config-text")).to.equal(true);
      expect(content.includes("plain-secret-text")).to.equal(false);
      expect((await k3s(server.etc, ["etcd-snapshot", "ls"])).stdout).to.contain(file);
      expect((await k3s(server.etc, ["secrets-encrypt", "status"])).stdout).to.contain("Encryption Status: Enabled");
    });

    it("a second server with another critical value is told which", async () => {
      const second = configure("server", "second", {
        server: `https://${SERVER}:6443`,
        "service-cidr": "10.99.0.0/16",
        "cluster-dns": "10.43.0.10",
      });
      const ran = await k3s(second.etc, ["server"]);
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("critical configuration value mismatch").and.contain("service-cidr");
      expect(ran.stderr).not.to.contain("cluster-cidr");
    });
  });

  describe("agent", function () {
    this.timeout(180_000);

    it("with a wrong token it does not join, and says why", async () => {
      const stranger = run(configure("agent", "stranger", { token: "wrong" }));
      await says(stranger, "401 Unauthorized");
      await stop(stranger);
      const other = run(configure("agent", "stranger", { token: `K10${"0".repeat(64)}::node:agentsecret` }));
      await says(other, "does not match the Cluster CA");
      await stop(other);
      expect(await kubectl("get nodes -o name")).to.equal("node/master");
    });

    it("with the agents' token it joins, and nothing but that can be done with this token", async () => {
      run(agent);
      await up(agent);
      await kubectl("wait --for=condition=Ready node/worker --timeout=60s");
      const node = JSON.parse(await kubectl("get node worker -o json"));
      expect(node.metadata.labels["nvidia.com/gpu.present"]).to.equal("true");
      expect(node.spec.taints.map((taint: any) => `${taint.key}=${taint.value}:${taint.effect}`)).to.include(
        "gpu=yes:NoExecute",
      );
      expect(await kubectl("-n kube-system get secret worker.node-password.k3s -o name")).to.contain("worker");
      const ran = await k3s(server.etc, ["token", "rotate", "--token", "agentsecret", "--new-token", "mine"]);
      expect(ran.status).to.equal(1);
      expect(ran.stderr).to.contain("401");
    });

    it("another machine by the same name is refused until the node is deleted", async () => {
      await stop(agent);
      fs.renameSync(path.join(agent.etc, "node"), path.join(agent.etc, "node.first"));
      run(agent);
      await says(agent, "Node password rejected");
      await kubectl("delete node worker");
      await up(agent);
      await kubectl("wait --for=condition=Ready node/worker --timeout=60s");
    });

    it("a kubelet gives itself no role", async () => {
      const proud = run(
        configure("agent", "proud", {
          "node-label": ["node-role.kubernetes.io/worker=true"],
          "kubelet-arg": [`root-dir=${folder}/proud`, "healthz-port=10448"],
        }),
      );
      await says(proud, "is not allowed to set the following labels: node-role.kubernetes.io/worker");
      await stop(proud);
    });
  });

  describe("cluster", function () {
    this.timeout(180_000);
    const tolerations = [{ operator: "Exists" }];
    const metadata = (name: string) => ({ name, namespace: "default" });
    const containers = [{ name: "main", image: "example.invalid/app:1" }];

    it("a Deployment rolls out, a Job completes, a claim gets its volume", async () => {
      const labels = { app: "web" };
      const deployment = {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: metadata("web"),
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { tolerations, containers } },
        },
      };
      const job = {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: metadata("once"),
        spec: { template: { spec: { tolerations, containers, restartPolicy: "Never" } } },
      };
      await apply(deployment);
      await apply(job);
      await kubectl("rollout status deployment/web --timeout=60s");
      await kubectl("wait --for=condition=Complete job/once --timeout=60s");

      await apply({
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "late" },
        provisioner: "rancher.io/local-path",
        volumeBindingMode: "WaitForFirstConsumer",
      });
      await apply({
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: metadata("data"),
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "late", resources: { requests: { storage: "1Gi" } } },
      });
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
      await apply({
        apiVersion: "v1",
        kind: "Pod",
        metadata: metadata("user"),
        spec: { tolerations, containers, volumes },
      });
      await kubectl("wait --for=condition=Ready pod/user --timeout=60s");
      expect(await kubectl("get pvc data -o jsonpath={.status.phase}")).to.equal("Bound");
      await kubectl("delete pod/user pvc/data --timeout=60s");
    });

    it("custom resources, field managers and immutable fields are the API server's own", async () => {
      const definition = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "lamps.example.com" },
        spec: {
          group: "example.com",
          scope: "Namespaced",
          names: { plural: "lamps", singular: "lamp", kind: "Lamp" },
          versions: [
            {
              name: "v1",
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: "object",
                  properties: { spec: { type: "object", properties: { watts: { type: "integer", maximum: 60 } } } },
                },
              },
            },
          ],
        },
      };
      await apply(definition);
      await kubectl("wait --for=condition=Established crd/lamps.example.com --timeout=60s");
      const lamp = (watts: number) => ({
        apiVersion: "example.com/v1",
        kind: "Lamp",
        metadata: metadata("desk"),
        spec: { watts },
      });
      await apply(lamp(40), " --field-manager=one");
      expect(await refused("apply --server-side --field-manager=two -f -", JSON.stringify(lamp(50)))).to.contain(
        "conflict",
      );
      expect(await refused("apply --server-side --field-manager=one -f -", JSON.stringify(lamp(100)))).to.contain("60");
      const other = '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}';
      expect(await refused(`patch deployment web --type=merge -p ${other}`)).to.contain("field is immutable");
    });
  });

  describe("a server that starts again", function () {
    this.timeout(180_000);

    it("with another critical value or token it is refused; with its own it has all that it had", async () => {
      const config = path.join(server.etc, "k3s/config.yaml");
      const good = fs.readFileSync(config, "utf8");
      const uid = await kubectl("get deployment web -o jsonpath={.metadata.uid}");
      await stop(server);
      fs.writeFileSync(config, `${good}cluster-cidr: 10.50.0.0/16\n`);
      const moved = await k3s(server.etc, ["server"]);
      expect(moved.status).to.equal(1);
      expect(moved.stderr)
        .to.contain("critical configuration value mismatch")
        .and.contain("cluster-cidr (first server '10.42.0.0/16'");
      fs.writeFileSync(config, good.replace("serversecret", "anothersecret"));
      const other = await k3s(server.etc, ["server"]);
      expect(other.status).to.equal(1);
      expect(other.stderr).to.contain("bootstrap data already found and encrypted with different token");
      fs.writeFileSync(config, good);
      run(server);
      await up(server);
      expect(await kubectl("get deployment web -o jsonpath={.metadata.uid}")).to.equal(uid);
      await kubectl("wait --for=condition=Ready node --all --timeout=120s");
    });

    it("its token is rotated: the new one starts it, the old one does not", async () => {
      const rotated = await k3s(server.etc, ["token", "rotate", "--token", "serversecret", "--new-token", "newsecret"]);
      expect(rotated.status, rotated.stderr).to.equal(0);
      await stop(server);
      expect((await k3s(server.etc, ["server"])).stderr).to.contain("encrypted with different token");
      const config = path.join(server.etc, "k3s/config.yaml");
      fs.writeFileSync(config, fs.readFileSync(config, "utf8").replace("serversecret", "newsecret"));
      run(server);
      await up(server);
      expect(await kubectl("get deployment web -o name")).to.equal("deployment.apps/web");
    });
  });

  it("a mirror's folder gets it where the program looks for that release", async () => {
    const { version, sha256 } = await offerStandInK3s(path.join(folder, "mirror"));
    const file = path.join(folder, "mirror", mirroredFile(`${k3sRelease(version)}/k3s`, sha256));
    expect(createHash("sha256").update(fs.readFileSync(file)).digest("hex")).to.equal(sha256);
    expect(fs.statSync(file).mode & 0o111).not.to.equal(0);
  }).timeout(60_000);
});
