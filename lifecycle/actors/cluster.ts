import * as k8s from "@kubernetes/client-node";
import { LONGHORN_NAMESPACE } from "../../components/storage/longhorn-nodes";
import { UserError } from "../../plan/user-error";
import { MARK, type ClusterFacts, type LonghornFacts, type PodFacts } from "../facts";
import { passwordSecretName } from "../phases";
import { budgetFacts, localVolumeFacts, longhornFacts, nodeFacts, podFacts, type Raw } from "./read";

const LONGHORN_API = { group: "longhorn.io", version: "v1beta2", namespace: LONGHORN_NAMESPACE };

/**
 * Tells the control plane that the node is off for good: its pods are deleted by force and its volumes detached without
 * asking its kubelet (kubernetes.io/docs, "Non-graceful node shutdown").
 */
const OUT_OF_SERVICE = { key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" };

/** A request to the API server that went wrong; the text says which and why. */
export class ApiError extends UserError {
  public constructor(
    message: string,
    /** HTTP status; undefined if there was no answer. */
    public readonly status?: number,
  ) {
    super(message);
  }
}

/** How an eviction was answered. */
export type Eviction = "accepted" | "gone" | { readonly blocked: string };

/** The cluster as these commands use it: one method for each thing that is read or changed. */
export class Cluster {
  private readonly core: k8s.CoreV1Api;
  private readonly policy: k8s.PolicyV1Api;
  private readonly storage: k8s.StorageV1Api;
  private readonly custom: k8s.CustomObjectsApi;

  private constructor(
    public readonly server: string,
    configuration: k8s.Configuration,
  ) {
    this.core = new k8s.CoreV1Api(configuration);
    this.policy = new k8s.PolicyV1Api(configuration);
    this.storage = new k8s.StorageV1Api(configuration);
    this.custom = new k8s.CustomObjectsApi(configuration);
  }

  /**
   * @param kubeconfig its text.
   * @param requestSeconds a request without an answer is given up after this time. Default: 30.
   * @throws UserError if it is no kubeconfig with a current cluster.
   */
  public static of(kubeconfig: string, requestSeconds = 30): Cluster {
    const config = new k8s.KubeConfig();
    try {
      config.loadFromString(kubeconfig);
    } catch (error) {
      throw new UserError(`The kubeconfig cannot be read: ${text(error)}`);
    }
    const cluster = config.getCurrentCluster();
    if (!cluster) {
      throw new UserError("The kubeconfig names no current cluster; nothing was touched.");
    }
    const timeLimit: k8s.Middleware = {
      pre: (request) => {
        request.setSignal(AbortSignal.timeout(requestSeconds * 1000));
        return Promise.resolve(request);
      },
      post: (response) => Promise.resolve(response),
    };
    return new Cluster(
      cluster.server,
      k8s.createConfiguration({
        baseServer: new k8s.ServerConfiguration(cluster.server, {}),
        authMethods: { default: config },
        promiseMiddleware: [timeLimit],
      }),
    );
  }

  public async facts(node: string): Promise<ClusterFacts> {
    const onNode = `spec.nodeName=${node}`;
    const [nodes, pods, budgets, volumes, attachments, secrets, longhorn] = await Promise.all([
      this.ask("list nodes", () => this.core.listNode()),
      this.ask("list pods", () => this.core.listPodForAllNamespaces({ fieldSelector: onNode })),
      this.ask("list PodDisruptionBudgets", () => this.policy.listPodDisruptionBudgetForAllNamespaces()),
      this.ask("list PersistentVolumes", () => this.core.listPersistentVolume()),
      this.ask("list VolumeAttachments", () => this.storage.listVolumeAttachment()),
      this.ask("list Secrets of kube-system", () =>
        this.core.listNamespacedSecret({
          namespace: "kube-system",
          fieldSelector: `metadata.name=${passwordSecretName(node)}`,
        }),
      ),
      this.longhorn(node),
    ]);
    return {
      nodes: nodes.items.map(nodeFacts),
      pods: pods.items.map(podFacts),
      budgets: budgets.items.map(budgetFacts),
      localVolumes: localVolumeFacts(volumes.items, node),
      attached: attachments.items
        .filter(({ spec }) => spec.nodeName === node)
        .map(({ metadata, spec }) => spec.source.persistentVolumeName ?? metadata?.name ?? "unnamed"),
      passwordSecret: secrets.items.length > 0,
      longhorn,
    };
  }

  private async longhorn(node: string): Promise<LonghornFacts | undefined> {
    const lists = await Promise.all(
      ["volumes", "replicas", "nodes", "engines", "settings"].map((plural) =>
        this.unlessMissing(`list Longhorn's ${plural}`, () =>
          this.custom.listNamespacedCustomObject({ ...LONGHORN_API, plural }),
        ),
      ),
    );
    const [volumes, replicas, nodes, engines, settings] = lists.map(
      (list) => (list as { items: Raw[] } | undefined)?.items,
    );
    // Its CRDs come and go together; one that is missing alone is an installation at work, and not safe to judge.
    if (!volumes && !replicas && !nodes) {
      return undefined;
    }
    if (!volumes || !replicas || !nodes || !engines || !settings) {
      throw new UserError("Longhorn is installed in part only: some of its CRDs are missing. Run pulumi up first.");
    }
    return longhornFacts({ volumes, replicas, nodes, engines, settings }, node);
  }

  /** Keeps new pods away, and says on the node which command did it. */
  public async cordon(node: string, mark: string): Promise<void> {
    await this.patchNode(node, { metadata: { annotations: { [MARK]: mark } }, spec: { unschedulable: true } });
  }

  /** Undoes `cordon` and `takeOutOfService`. */
  public async uncordon(node: string): Promise<void> {
    await this.patchNode(node, { metadata: { annotations: { [MARK]: null } }, spec: { unschedulable: null } });
    await this.patchTaints(node, (taints) => taints.filter(({ key }) => key !== OUT_OF_SERVICE.key));
  }

  public async takeOutOfService(node: string): Promise<void> {
    await this.patchTaints(node, (taints) => [
      ...taints.filter(({ key }) => key !== OUT_OF_SERVICE.key),
      OUT_OF_SERVICE,
    ]);
  }

  /** A list of taints is patched as a whole, and the control plane writes to it, too: only on what was read. */
  private async patchTaints(name: string, edit: (taints: k8s.V1Taint[]) => k8s.V1Taint[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { metadata, spec } = await this.ask(`read Node ${name}`, () => this.core.readNode({ name }));
      const taints = spec?.taints ?? [];
      const wanted = edit(taints);
      if (wanted.length === taints.length) {
        return;
      }
      try {
        await this.patchNode(name, {
          metadata: { resourceVersion: metadata?.resourceVersion },
          spec: { taints: wanted },
        });
        return;
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 409) || attempt === 5) {
          throw error;
        }
      }
    }
  }

  /** Asks for a pod's end; the API server refuses as long as a PodDisruptionBudget does. */
  public async evict({ namespace, name, uid }: PodFacts): Promise<Eviction> {
    try {
      await this.ask(`evict pod ${namespace}/${name}`, () =>
        this.core.createNamespacedPodEviction({
          namespace,
          name,
          body: {
            apiVersion: "policy/v1",
            kind: "Eviction",
            metadata: { namespace, name },
            // Not the pod that a StatefulSet has made meanwhile elsewhere under the same name.
            deleteOptions: { preconditions: { uid } },
          },
        }),
      );
      return "accepted";
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) {
        return "gone";
      }
      if (error instanceof ApiError && error.status === 429) {
        return { blocked: error.message };
      }
      throw error;
    }
  }

  /** Deletes a pod without waiting for its kubelet, which is dead. */
  public async deleteByForce({ namespace, name, uid }: PodFacts): Promise<void> {
    await this.unlessMissing(`delete pod ${namespace}/${name}`, () =>
      this.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0, body: { preconditions: { uid } } }),
    );
  }

  /** Asks Longhorn to move every replica away from the node, or takes that back. */
  public async evictReplicas(node: string, requested: boolean): Promise<void> {
    await this.unlessMissing(`patch Longhorn's node ${node}`, () =>
      this.custom.patchNamespacedCustomObject(
        {
          ...LONGHORN_API,
          plural: "nodes",
          name: node,
          // Both at once: Longhorn refuses an eviction from a node that it may schedule to (webhook/resources/node).
          body: { spec: { allowScheduling: !requested, evictionRequested: requested } },
        },
        k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
      ),
    );
  }

  public async deleteNode(node: string): Promise<void> {
    await this.unlessMissing(`delete Node ${node}`, () => this.core.deleteNode({ name: node }));
  }

  public async deletePassword(node: string): Promise<void> {
    const name = passwordSecretName(node);
    await this.unlessMissing(`delete Secret kube-system/${name}`, () =>
      this.core.deleteNamespacedSecret({ namespace: "kube-system", name }),
    );
  }

  public async deleteLonghornNode(node: string): Promise<void> {
    await this.deleteLonghorn("nodes", node);
  }

  public async deleteReplica(replica: string): Promise<void> {
    await this.deleteLonghorn("replicas", replica);
  }

  private async deleteLonghorn(plural: string, name: string): Promise<void> {
    await this.unlessMissing(`delete Longhorn's ${plural} ${name}`, () =>
      this.custom.deleteNamespacedCustomObject({ ...LONGHORN_API, plural, name }),
    );
  }

  private async patchNode(name: string, body: object): Promise<void> {
    await this.ask(`patch Node ${name}`, () =>
      this.core.patchNode({ name, body }, k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch)),
    );
  }

  /** What a request answers; undefined if there is no such thing, which is what a deletion wants. */
  private async unlessMissing<T>(what: string, request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.ask(what, request);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  }

  private async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      if (error instanceof k8s.ApiException) {
        throw new ApiError(`${what}: ${statusMessage(error)}`, error.code);
      }
      throw new ApiError(`The API server at ${this.server} does not answer (${what}): ${text(error)}`);
    }
  }
}

/** What the API server says in the Status object that it sends with an error. */
function statusMessage(error: k8s.ApiException<unknown>): string {
  let { body } = error;
  if (typeof body === "string") {
    try {
      body = JSON.parse(body) as unknown;
    } catch {
      return `status ${error.code}: ${(body as string).slice(0, 200)}`;
    }
  }
  const { message, details } = (body ?? {}) as { message?: string; details?: { causes?: { message?: string }[] } };
  const causes = (details?.causes ?? []).flatMap((cause) => cause.message ?? []);
  return [message ?? `status ${error.code}`, ...causes].join(" ");
}

function text(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const { code } = error as NodeJS.ErrnoException;
  return error.name === "AbortError" || error.name === "TimeoutError"
    ? "no answer in time"
    : error.message || String(code);
}
