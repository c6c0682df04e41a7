import * as k8s from "@kubernetes/client-node";
import * as fs from "node:fs";
import * as path from "node:path";
import { LONGHORN_NAMESPACE } from "../../components/storage/longhorn-nodes";
import { root } from "../support/home";
import { TestCluster, type Manifest } from "../support/kubernetes";

const API_VERSION = "longhorn.io/v1beta2";
const KINDS = ["Volume", "Replica", "Node", "Engine", "Setting"] as const;
const GIB = 2 ** 30;

/** A copy of a volume as Longhorn describes one that is whole, on the node's only disk. */
export function healthyReplica(volume: string, node: string): Record<string, string> {
  return {
    volumeName: volume,
    nodeID: node,
    diskID: `${node}-disk`,
    healthyAt: "2026-01-01T00:00:00Z",
    failedAt: "",
  };
}

/**
 * Longhorn without Longhorn: its CRDs, objects with the status that a real one would have, and of its manager the one thing
 * that a removal waits for: a node whose eviction is requested loses its replicas, one by one, to another node.
 *
 * The CRDs are made from test/contracts, which holds the schema of every spec of v1.6.2; status is left open there, and
 * the conversion webhook is not there.
 */
export class PlayedLonghorn {
  private readonly custom: k8s.CustomObjectsApi;
  private timer?: NodeJS.Timeout;

  public constructor(private readonly cluster: TestCluster) {
    const config = new k8s.KubeConfig();
    config.loadFromString(cluster.kubeconfig);
    this.custom = config.makeApiClient(k8s.CustomObjectsApi);
  }

  public async install(): Promise<void> {
    const folder = path.join(root, "test", "contracts", "crds", "longhorn-1.6.2");
    for (const kind of KINDS) {
      const crd = JSON.parse(fs.readFileSync(path.join(folder, `longhorn.io_${kind.toLowerCase()}s.json`), "utf8")) as {
        versions: { v1beta2: { schema: { properties: Record<string, unknown> } } };
      };
      const { schema } = crd.versions.v1beta2;
      // As plain data: the client's own model of a schema knows x-kubernetes-... by other names.
      const body = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: `${kind.toLowerCase()}s.longhorn.io` },
        spec: {
          group: "longhorn.io",
          scope: "Namespaced",
          names: { plural: `${kind.toLowerCase()}s`, kind, singular: kind.toLowerCase() },
          versions: [
            {
              name: "v1beta2",
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  ...schema,
                  properties: {
                    ...schema.properties,
                    status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                  },
                },
              },
            },
          ],
        },
      };
      await this.custom.createClusterCustomObject({
        group: "apiextensions.k8s.io",
        version: "v1",
        plural: "customresourcedefinitions",
        body,
      });
    }
    await this.served();
    for (const [name, value] of Object.entries({
      "replica-soft-anti-affinity": "false",
      "allow-empty-disk-selector-volume": "false",
      "storage-over-provisioning-percentage": "100",
      "storage-minimal-available-percentage": "25",
    })) {
      await this.put("Setting", name, { value });
    }
  }

  /** Until the API server serves the new kinds. */
  private async served(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        for (const kind of KINDS) {
          await this.list(kind);
        }
        return;
      } catch (error) {
        if (attempt > 50) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  public async addNode(name: string): Promise<void> {
    await this.put("Node", name, {
      spec: {
        allowScheduling: true,
        evictionRequested: false,
        disks: {
          system: {
            path: "/var/lib/homelab/longhorn",
            diskType: "filesystem",
            allowScheduling: true,
            evictionRequested: false,
            storageReserved: 30 * GIB,
            tags: [],
          },
        },
      },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        diskStatus: {
          system: {
            conditions: [
              { type: "Ready", status: "True" },
              { type: "Schedulable", status: "True" },
            ],
            diskUUID: `${name}-disk`,
            storageMaximum: 300 * GIB,
            storageAvailable: 250 * GIB,
            storageScheduled: 0,
          },
        },
      },
    });
  }

  /** A healthy volume with one replica on each of the nodes. */
  public async addVolume(name: string, nodes: readonly string[], robustness = "healthy"): Promise<void> {
    await this.put("Volume", name, {
      spec: { numberOfReplicas: nodes.length, size: String(2 * GIB), diskSelector: [], nodeSelector: [] },
      status: { robustness, state: "attached", kubernetesStatus: { namespace: "media", pvcName: `${name}-data` } },
    });
    for (const node of nodes) {
      await this.addReplica(name, node);
    }
  }

  /** The replica of a volume on a node fails, as one whose disk is lost. */
  public async fail(volume: string, node: string): Promise<void> {
    await this.custom.patchNamespacedCustomObject(
      {
        group: "longhorn.io",
        version: "v1beta2",
        namespace: LONGHORN_NAMESPACE,
        plural: "replicas",
        name: `${volume}-r-${node}`,
        body: { spec: { failedAt: "2026-01-02T00:00:00Z" } },
      },
      k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
    );
  }

  public async list(kind: (typeof KINDS)[number]): Promise<Manifest[]> {
    const found = (await this.custom.listNamespacedCustomObject({
      group: "longhorn.io",
      version: "v1beta2",
      namespace: LONGHORN_NAMESPACE,
      plural: `${kind.toLowerCase()}s`,
    })) as { items: Manifest[] };
    return found.items;
  }

  /** Names of the nodes that have a replica of a volume. */
  public async places(volume: string): Promise<string[]> {
    const replicas = await this.list("Replica");
    return replicas
      .map(({ spec }) => spec as { volumeName: string; nodeID: string })
      .filter(({ volumeName }) => volumeName === volume)
      .map(({ nodeID }) => nodeID)
      .sort();
  }

  /** Starts to move replicas away from nodes whose eviction is requested, one each time. */
  public startManager(milliseconds = 300): void {
    this.timer = setInterval(() => void this.move().catch(() => undefined), milliseconds);
  }

  public stopManager(): void {
    clearInterval(this.timer);
  }

  public async clear(): Promise<void> {
    for (const kind of ["Volume", "Replica", "Node", "Engine"] as const) {
      for (const { metadata } of await this.list(kind)) {
        await this.cluster.delete(API_VERSION, kind, metadata!.name!, LONGHORN_NAMESPACE);
      }
    }
  }

  private async move(): Promise<void> {
    const nodes = await this.list("Node");
    const leaving = nodes.filter(({ spec }) => (spec as { evictionRequested: boolean }).evictionRequested);
    for (const { metadata } of leaving) {
      const replica = (await this.list("Replica")).find(
        ({ spec }) => (spec as { nodeID: string }).nodeID === metadata?.name,
      );
      if (replica) {
        const { volumeName } = replica.spec as { volumeName: string };
        const taken = await this.places(volumeName);
        const target = nodes
          .map((node) => node.metadata!.name!)
          .find((name) => !taken.includes(name) && !leaving.some((one) => one.metadata!.name === name));
        if (target) {
          await this.addReplica(volumeName, target);
          await this.cluster.delete(API_VERSION, "Replica", replica.metadata!.name!, LONGHORN_NAMESPACE);
        }
      }
    }
  }

  private async addReplica(volume: string, node: string): Promise<void> {
    await this.put("Replica", `${volume}-r-${node}`, { spec: healthyReplica(volume, node) });
  }

  private async put(kind: (typeof KINDS)[number], name: string, fields: Record<string, unknown>): Promise<void> {
    await this.cluster.create({
      apiVersion: API_VERSION,
      kind,
      metadata: { name, namespace: LONGHORN_NAMESPACE },
      ...fields,
    });
  }
}
