import { expect } from "chai";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { Cluster } from "../../lifecycle/actors/cluster";
import { forget } from "../../lifecycle/operations";
import type { FateOfVolumes } from "../../lifecycle/preflight";
import { worker } from "./facts";
import { healthyReplica } from "./played-longhorn";

const LONGHORN = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system";
const NODE = "k3s3";

type Item = { metadata: { name: string } } & Record<string, unknown>;

/**
 * Of an API server what `forget` asks one: lists, and deletions, which are kept. A real one runs in cluster.test.ts where
 * there is one.
 */
class PlayedApi {
  public readonly deleted: string[] = [];
  /** Called before a deletion is carried out. */
  public beforeDelete: (what: string) => void = () => undefined;
  private readonly server = http.createServer((request, response) => {
    const at = new URL(request.url!, "http://x").pathname;
    const [folder, name] = [at.slice(0, at.lastIndexOf("/")), at.slice(at.lastIndexOf("/") + 1)];
    const answer = (status: number, body: object) =>
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    if (request.method === "GET" && !(folder in this.lists)) {
      answer(200, { items: this.lists[at] ?? [] });
      return;
    }
    const item = this.lists[folder]?.find(({ metadata }) => metadata.name === name);
    if (request.method === "DELETE") {
      const what = `${folder.slice(folder.lastIndexOf("/") + 1)} ${name}`;
      this.beforeDelete(what);
      this.deleted.push(what);
      this.lists[folder] = this.lists[folder].filter((one) => one !== item);
    }
    answer(item ? 200 : 404, item ?? { message: "not found" });
  });

  public constructor(public readonly lists: Record<string, Item[]>) {}

  public async start(): Promise<Cluster> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const { port } = this.server.address() as AddressInfo;
    return Cluster.of(
      JSON.stringify({
        clusters: [{ name: "x", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
        users: [{ name: "x", user: {} }],
        contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
        "current-context": "x",
      }),
    );
  }

  public stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

describe("a dead machine's copies of volumes, when it is forgotten", () => {
  let api: PlayedApi;
  let said: string[];

  const ready = [{ type: "Ready", status: "True" }];
  const replica = (volume: string, node: string): Item => ({
    metadata: { name: `${volume}-r-${node}` },
    spec: healthyReplica(volume, node),
  });

  beforeEach(() => {
    said = [];
    const names = ["k3s1", "k3s2", NODE];
    api = new PlayedApi({
      "/api/v1/nodes": names.map((name) => ({
        metadata: { name },
        spec: { taints: [{ key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" }] },
        status: { conditions: name === NODE ? [] : ready },
      })),
      "/api/v1/namespaces/kube-system/secrets": [{ metadata: { name: `${NODE}.node-password.k3s` } }],
      [`${LONGHORN}/volumes`]: ["sole", "v1", "v2"].map((name) => ({
        metadata: { name },
        spec: { numberOfReplicas: 2, size: "1" },
      })),
      [`${LONGHORN}/replicas`]: [
        replica("sole", NODE),
        replica("v1", NODE),
        replica("v1", "k3s1"),
        replica("v2", NODE),
        replica("v2", "k3s2"),
      ],
      [`${LONGHORN}/nodes`]: names.map((name) => ({
        metadata: { name },
        spec: { allowScheduling: true, disks: { system: { allowScheduling: true } } },
        status: { conditions: ready, diskStatus: { system: { conditions: ready, diskUUID: `${name}-disk` } } },
      })),
    });
  });

  afterEach(() => api.stop());

  const replicas = () => api.lists[`${LONGHORN}/replicas`];
  const withoutSole = () => replicas().splice(0, 1);
  const act = async (fate: FateOfVolumes): Promise<string> => {
    const site = {
      cluster: await api.start(),
      limits: { drain: 60, replicas: 60 },
      say: (line: string) => said.push(line),
      lookAtHost: () => Promise.resolve({ kind: "silent", detail: "no answer in 15 s" } as const),
      tearDown: () => Promise.reject(new Error("nobody can take it apart")),
    };
    return forget(site, worker(), { dryRun: false, confirmed: NODE }, fate).then(
      () => "done",
      (error: Error) => error.message,
    );
  };
  /** The copy on another node fails as soon as something is deleted. */
  const failWhen = (moment: string, volume: string) => {
    api.beforeDelete = (what) => {
      if (what === moment) {
        const other = replicas().find((one) => one.metadata.name.startsWith(`${volume}-`) && !isHere(one))!;
        (other.spec as { failedAt: string }).failedAt = "2026-01-02T00:00:00Z";
      }
    };
  };
  const isHere = ({ spec }: Item) => (spec as { nodeID: string }).nodeID === NODE;
  const gone = () => api.deleted.filter((what) => what.startsWith("replicas"));

  it("are deleted where each has another, and only those of the machine", async () => {
    withoutSole();
    expect(await act("undecided")).to.equal("done");
    expect(gone()).to.deep.equal([`replicas v1-r-${NODE}`, `replicas v2-r-${NODE}`]);
    expect(api.deleted.slice(-1)).to.deep.equal([`nodes ${NODE}`]);
  });

  for (const fate of ["undecided", "keep", "give-up"] as const) {
    it(`stay if one has become the last while pods were let go; decided: ${fate}`, async () => {
      withoutSole();
      failWhen(`secrets ${NODE}.node-password.k3s`, "v1");
      const message = await act(fate);
      expect(message).to.contain("is now on the disks of k3s3").and.to.contain("volume v1").and.not.to.contain("v2");
      expect(message).to.contain("--keep-volumes");
      expect(gone()).to.deep.equal([]);
    });
  }

  it("are given up by name: one that becomes the last afterwards was not among them", async () => {
    failWhen(`secrets ${NODE}.node-password.k3s`, "v1");
    const message = await act("give-up");
    expect(message).to.contain("volume v1").and.not.to.contain("volume sole");
    expect(gone()).to.deep.equal([]);
  });

  it("are looked at again before each deletion", async () => {
    withoutSole();
    failWhen(`replicas v1-r-${NODE}`, "v2");
    expect(await act("undecided")).to.contain("volume v2");
    expect(gone()).to.deep.equal([`replicas v1-r-${NODE}`]);
  });

  it("are kept, all of them, where somebody keeps the last ones", async () => {
    expect(await act("keep")).to.equal("done");
    expect(gone()).to.deep.equal([]);
  });

  it("are deleted with the last ones that were given up", async () => {
    expect(await act("give-up")).to.equal("done");
    expect(gone()).to.have.length(3);
  });

  it("are last ones where the other's disk is down, though its node is up", async () => {
    withoutSole();
    const disk = api.lists[`${LONGHORN}/nodes`][0].status as { diskStatus: { system: { conditions: unknown[] } } };
    disk.diskStatus.system.conditions = [];
    const message = await act("undecided");
    expect(message).to.contain("Refused, and nothing was changed").and.to.contain("volume v1");
    expect(api.deleted).to.deep.equal([]);
  });
});
