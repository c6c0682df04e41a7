import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { backupLabels } from "../../components/backup/schedules";
import { mediaClaim, mediaVolume } from "../../components/storage/media-volume";
import { finished } from "../../sandbox/processes";
import { home, root } from "../support/home";
import { StandIn, type Node } from "./stand-in";

const SERVER = "10.9.1.1";
const NAMESPACE = "media";

/** Commands of the runbook that begin with these words, in its order, without their comments. */
function commands(beginning: string): string[] {
  const text = fs.readFileSync(path.join(root, "runbooks", "restore.md"), "utf8");
  const found = text
    .split("\n")
    .flatMap((line) => /^(kubectl .*?)(?:\s+#.*)?$/.exec(line)?.[1] ?? [])
    .filter((command) => command.startsWith(beginning));
  expect(found, `commands of the runbook that begin with '${beginning}'`).not.to.deep.equal([]);
  return found;
}

/** What the runbook of a restore does with volumes, on a real API server with its controllers. */
describe("runbooks/restore.md, on a real API server", function () {
  this.timeout(180_000);
  let standIn: StandIn;
  let server: Node;
  let tools: string;

  const sh = async (script: string) => {
    const ran = await finished(standIn.inside(["env", `PATH=${tools}:${process.env.PATH}`, "bash", "-ec", script]));
    expect(ran.status, `${script}\n${ran.stderr}`).to.equal(0);
    return ran.stdout.trim();
  };
  const make = (...objects: object[]) =>
    standIn.kubectl(
      server,
      "apply --server-side -f -",
      JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
    );
  /** Asks until it is so, for half a minute at most. */
  const becomes = async (question: string, wanted: string) => {
    let found = "";
    for (const end = Date.now() + 30_000; found !== wanted && Date.now() < end;) {
      found = await sh(question);
    }
    expect(found, question).to.equal(wanted);
  };
  const phase = (object: string) =>
    `kubectl -n ${NAMESPACE} get ${object} -o jsonpath='{.status.phase}' --ignore-not-found`;

  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
  const claim = (name: string, spec: object) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: NAMESPACE, labels: backupLabels("weekly") },
    spec,
  });
  const media = claim("media", mediaClaim(home())!);

  before(async function () {
    this.timeout(1_800_000);
    standIn = await StandIn.start(this, "restore", [SERVER]);
    server = standIn.configureServer("one", SERVER);
    await standIn.up(standIn.run(server));
    tools = path.join(standIn.folder, "tools");
    fs.mkdirSync(tools);
    const words = ["env", `K3S_STANDIN_ETC=${server.etc}`, standIn.binary, "kubectl"];
    fs.writeFileSync(path.join(tools, "kubectl"), `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  });
  after(async () => {
    await standIn?.end([server]);
  });

  it("the films' volume lets nobody in after its namespace was deleted, until its old claim is taken off", async () => {
    await make(namespace, { apiVersion: "v1", kind: "PersistentVolume", ...mediaVolume(home())! }, media);
    await becomes(phase("pvc/media"), "Bound");
    await sh(commands("kubectl delete namespace")[0].replace("<namespace>", NAMESPACE));
    await becomes(phase("pv/media"), "Released");
    await make(namespace, media);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    expect(await sh(phase("pvc/media")), "without the runbook").to.equal("Pending");
    await sh(commands("kubectl patch pv media")[0]);
    await becomes(phase("pvc/media"), "Bound");
  });

  it("the record of a volume that is no more goes, with its claim and the pod that waits for it", async () => {
    const { capacity, accessModes } = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] };
    await make(
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "pvc-of-before" },
        spec: {
          ...{ capacity, accessModes, persistentVolumeReclaimPolicy: "Retain", storageClassName: "longhorn" },
          csi: { driver: "driver.longhorn.io", volumeHandle: "pvc-of-before" },
        },
      },
      claim("outputs", {
        ...{ accessModes, storageClassName: "longhorn", volumeName: "pvc-of-before" },
        resources: { requests: capacity },
      }),
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "user", namespace: NAMESPACE },
        spec: {
          containers: [{ name: "main", image: "none" }],
          volumes: [{ name: "outputs", persistentVolumeClaim: { claimName: "outputs" } }],
          nodeName: "one",
        },
      },
    );
    await becomes(phase("pvc/outputs"), "Bound");
    const block = commands("kubectl -n <namespace> delete").concat(commands("kubectl delete pv"));
    const names: Record<string, string> = {
      namespace: NAMESPACE,
      claim: "outputs",
      pod: "user",
      volume: "pvc-of-before",
    };
    await sh(`timeout 60 bash -ec '${block.join("\n").replace(/<(\w+)>/g, (_, name: string) => names[name])}'`);
    await becomes(phase("pvc/outputs"), "");
    await becomes(phase("pv/pvc-of-before"), "");
    expect(await sh(phase("pod/user"))).to.equal("");
  });
});
