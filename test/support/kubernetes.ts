import * as k8s from "@kubernetes/client-node";
import * as fs from "node:fs";
import type { Context } from "mocha";
import { skipBecause } from "./skip";

/** Names the kubeconfig of a fresh control plane that may be filled: real API server, controllers and scheduler. */
const VARIABLE = "HOMELAB_TEST_KUBECONFIG";

/**
 * The kubeconfig of a throw-away control plane; skips with the reason where there is none.
 *
 * @throws Error for one that is not on loopback: tests delete nodes.
 */
export function needKubernetes(context: Context): string {
  const file = process.env[VARIABLE];
  if (!file) {
    skipBecause(context, `${VARIABLE} names no kubeconfig of a throw-away control plane`);
  }
  const text = fs.readFileSync(file, "utf8");
  const config = new k8s.KubeConfig();
  config.loadFromString(text);
  const server = config.getCurrentCluster()?.server ?? "";
  if (!["127.0.0.1", "localhost", "[::1]"].includes(new URL(server).hostname)) {
    throw new Error(`${VARIABLE} names the cluster at ${server}, which is not on loopback and may be somebody's`);
  }
  return text;
}

export type Manifest = k8s.KubernetesObject & Record<string, unknown>;

/** The cluster as a test sees it: any object by kind, with errors as they come. */
export class TestCluster {
  public readonly objects: k8s.KubernetesObjectApi;
  public readonly core: k8s.CoreV1Api;

  public constructor(public readonly kubeconfig: string) {
    const config = new k8s.KubeConfig();
    config.loadFromString(kubeconfig);
    this.objects = k8s.KubernetesObjectApi.makeApiClient(config);
    this.core = config.makeApiClient(k8s.CoreV1Api);
  }

  public async create(manifest: Manifest): Promise<Manifest> {
    return await this.objects.create(manifest);
  }

  public async read(apiVersion: string, kind: string, name: string, namespace?: string): Promise<Manifest | undefined> {
    try {
      const found = await this.objects.read({ apiVersion, kind, metadata: { name, namespace: namespace ?? "" } });
      return found as unknown as Manifest;
    } catch (error) {
      if (error instanceof k8s.ApiException && error.code === 404) {
        return undefined;
      }
      throw error;
    }
  }

  /** Deletes an object, if it is there, without a grace period. */
  public async delete(apiVersion: string, kind: string, name: string, namespace?: string): Promise<void> {
    try {
      await this.objects.delete({ apiVersion, kind, metadata: { name, namespace } }, undefined, undefined, 0);
    } catch (error) {
      if (!(error instanceof k8s.ApiException && error.code === 404)) {
        throw error;
      }
    }
  }
}

/** Waits until a question is answered with yes. */
export async function until(what: string, seconds: number, ask: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await ask())) {
    if (performance.now() > end) {
      throw new Error(`${what}: not within ${seconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * Plays the kubelets of nodes that have no machine: heartbeats, pods that start and end. Everything else about them is
 * done by the real control plane.
 */
export class PlayedKubelets {
  /** Names of nodes whose kubelet is at work. */
  public readonly alive = new Set<string>();
  /** Names of pods that never become ready. */
  public readonly sick = new Set<string>();
  private readonly timer: NodeJS.Timeout;
  private busy = false;

  public constructor(private readonly cluster: TestCluster) {
    this.timer = setInterval(() => void this.beat(), 400);
  }

  public stop(): void {
    clearInterval(this.timer);
  }

  /** Sets a node's Ready condition as its kubelet, or the lack of one, would. */
  public async report(name: string, ready: boolean): Promise<void> {
    if (ready) {
      this.alive.add(name);
    } else {
      this.alive.delete(name);
    }
    const now = new Date();
    await this.cluster.core.patchNodeStatus(
      {
        name,
        body: {
          status: {
            conditions: [
              {
                type: "Ready",
                status: ready ? "True" : "Unknown",
                reason: ready ? "KubeletReady" : "NodeStatusUnknown",
                message: "",
                lastHeartbeatTime: now.toISOString(),
                lastTransitionTime: now.toISOString(),
              },
            ],
          },
        },
      },
      k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.StrategicMergePatch),
    );
  }

  private async beat(): Promise<void> {
    if (this.busy) {
      return;
    }
    this.busy = true;
    try {
      await Promise.all([...this.alive].map((name) => this.renew(name)));
      const { items } = await this.cluster.core.listPodForAllNamespaces();
      await Promise.all(items.filter(({ spec }) => this.alive.has(spec?.nodeName ?? "")).map((pod) => this.tend(pod)));
    } catch {
      // The next beat sees what has become of it.
    } finally {
      this.busy = false;
    }
  }

  private async renew(name: string): Promise<void> {
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace: "kube-node-lease" },
    };
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: new Date().toISOString().replace("Z", "000Z"),
    };
    await this.cluster.objects.patch(
      { ...lease, spec } as k8s.KubernetesObject,
      undefined,
      undefined,
      "played-kubelet",
      true,
      k8s.PatchStrategy.ServerSideApply,
    );
  }

  private async tend({ metadata, status }: k8s.V1Pod): Promise<void> {
    const name = metadata?.name ?? "";
    const namespace = metadata?.namespace ?? "";
    if (metadata?.deletionTimestamp) {
      await this.cluster.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
      return;
    }
    const ready = !this.sick.has(name);
    const condition = status?.conditions?.find(({ type }) => type === "Ready")?.status;
    if (condition !== (ready ? "True" : "False")) {
      await this.cluster.core.patchNamespacedPodStatus(
        {
          name,
          namespace,
          body: {
            status: {
              phase: "Running",
              conditions: [
                { type: "Ready", status: ready ? "True" : "False" },
                { type: "ContainersReady", status: ready ? "True" : "False" },
              ],
            },
          },
        },
        k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.StrategicMergePatch),
      );
    }
  }
}
