import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Api, ApiError, UnknownKind, type KubeObject } from "../kubernetes/api";
import { differencesOf } from "../kubernetes/drift";
import { readiness, SKIP_AWAIT, TIMEOUT, WAIT_FOR, type Surroundings } from "../kubernetes/ready";
import type { Registration } from "../registration";
import type { Context, Executor } from "./executor";

/** The provider's own: 10 minutes, unless the resource or pulumi.com/timeoutSeconds says otherwise. */
const TIMEOUT_SECONDS = 600;
const POLL_MILLISECONDS = 500;
/** A kind or a namespace that is not there yet is tried again as often as the provider does. */
const RETRIES = 5;
/** Prefix of the provider's field managers. */
const MANAGER = "pulumi-kubernetes";

/** Clusters by kubeconfig, for the whole process. */
const apis = new Map<string, Promise<Api>>();

/** The API that an object's explicit provider speaks to. */
export function apiOf(registration: Registration, context: Context): Promise<Api> {
  const kubeconfig = context.provider(registration.provider)?.inputs.kubeconfig;
  if (typeof kubeconfig !== "string") {
    throw new Error(`${registration.name} has no provider with a kubeconfig`);
  }
  let api = apis.get(kubeconfig);
  if (!api) {
    api = Api.of(kubeconfig);
    apis.set(kubeconfig, api);
  }
  return api;
}

/** Lets go of every connection to a cluster. */
export function closeApis(): void {
  for (const api of apis.values()) {
    api.then(
      (open) => open.close(),
      () => undefined,
    );
  }
  apis.clear();
}

/**
 * An object by server-side apply, under a field manager of its own, and waited for as the provider does. A creation
 * refuses an object that somebody else has made, as the provider does; one that this state was making when it was ended
 * is gone on with. With unchanged inputs the object is compared with what an apply would make of it.
 */
export const kubernetesObject: Executor = async (registration, old, context) => {
  const object = objectOf(registration);
  const api = await apiOf(registration, context);
  const { kind = "", apiVersion = "v1" } = object;
  const group = apiVersion.split("/")[0];
  const standIn = context.notRehearsed(`${apiVersion}/${kind}`) ?? context.notRehearsed(group);
  const patch = registration.type.endsWith(`:${kind}Patch`);
  const { annotations = {} } = object.metadata ?? {};
  // A new provider is a new cluster: what the old one had is gone with it.
  const known = old?.memo?.provider === registration.provider ? old : undefined;
  const manager =
    annotations["pulumi.com/patchFieldManager"] ??
    (known?.memo?.manager as string | undefined) ??
    `${MANAGER}-${randomBytes(4).toString("hex")}`;
  const settings = context.provider(registration.provider)?.inputs ?? {};
  const force = annotations["pulumi.com/patchForce"] === "true" || isOn(settings.enablePatchForce);
  const memo = { provider: registration.provider, manager };

  let drift: string | undefined;
  try {
    const live = await retried(() => api.get(object), context);
    if (known && known.pending !== true && live && context.unchanged) {
      drift = await driftOf(api, object, live, manager, force);
      if (drift === undefined) {
        return { outcome: "same", id: known.id, outputs: live, memo, standIn };
      }
    } else if (known && known.pending !== true && !live) {
      drift = "it was gone";
    }
    if (!known && live && !patch && !isOn(settings.upsertExistingObjects)) {
      throw new Error(
        `${kind} ${nameOf(object)} exists already and is not of this state; the provider would refuse it, too`,
      );
    }
    if (!known) {
      await context.begin(memo);
    }
    if (drift !== undefined) {
      context.waiting(`the repair of drift: ${drift}`);
    }
    const warnings = await applied(api, object, { manager, force }, context);
    const update = known !== undefined && drift === undefined;
    const outputs = await awaited(api, object, { registration, update, standIn }, context);
    const { namespace } = object.metadata ?? {};
    return {
      outcome: known && known.pending !== true ? "updated" : "created",
      id: namespace === undefined ? String(object.metadata?.name) : `${namespace}/${object.metadata?.name}`,
      outputs,
      memo,
      standIn,
      message: [...(drift === undefined ? [] : [`drift: ${drift}`]), ...warnings].join("; ") || undefined,
    };
  } catch (error) {
    if (error instanceof UnknownKind && standIn !== undefined) {
      return {
        outcome: "not rehearsed",
        id: registration.name,
        outputs: object,
        message: `${apiVersion} ${kind}: ${standIn}`,
      };
    }
    if (error instanceof ApiError) {
      throw new Error(`${kind} ${nameOf(object)}: ${error.message}`, { cause: error });
    }
    throw error;
  }
};

/** Settings of a provider are sent as JSON. */
function isOn(setting: unknown): boolean {
  return setting === true || setting === "true";
}

function objectOf({ inputs, name, type }: Registration): KubeObject {
  const object = inputs as KubeObject;
  if (!object.metadata?.name) {
    throw new Error(`${type} ${name} has no metadata.name; a name of the provider's own making is not rehearsed`);
  }
  return object;
}

export function nameOf({ metadata = {} }: KubeObject): string {
  return metadata.namespace === undefined ? String(metadata.name) : `${metadata.namespace}/${metadata.name}`;
}

async function driftOf(
  api: Api,
  object: KubeObject,
  live: KubeObject,
  manager: string,
  force: boolean,
): Promise<string | undefined> {
  try {
    const { body } = await api.apply(object, { manager, force, dryRun: true });
    const differences = differencesOf(live, body);
    return differences.length === 0 ? undefined : differences.join(", ");
  } catch (error) {
    // Somebody else owns a field by now: that is drift, and what an apply makes of it is said by the apply.
    if (error instanceof ApiError && error.status === 409) {
      return error.message.replaceAll("\n", " ");
    }
    throw error;
  }
}

function applied(
  api: Api,
  object: KubeObject,
  by: { manager: string; force: boolean },
  context: Context,
): Promise<string[]> {
  return retried(async () => (await api.apply(object, by)).warnings, context);
}

/** A definition that is established is served a little later, and a namespace may be on its way. */
async function retried<T>(ask: () => Promise<T>, { signal, waiting }: Context): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await ask();
    } catch (error) {
      const absent = error instanceof ApiError && error.status === 404;
      if (!absent || tried >= RETRIES) {
        throw error;
      }
      waiting(error.message);
      await sleep(1000 * 2 ** tried, undefined, { signal });
    }
  }
}

interface Await {
  registration: Registration;
  update: boolean;
  standIn: string | undefined;
}

async function awaited(api: Api, object: KubeObject, how: Await, { signal, waiting }: Context): Promise<KubeObject> {
  const annotations = (object.metadata?.annotations ?? {}) as Record<string, string | undefined>;
  const seconds = how.registration.timeoutSeconds ?? Number(annotations[TIMEOUT] ?? TIMEOUT_SECONDS);
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const live = await api.get(object);
    if (!live) {
      throw new Error(`${object.kind} ${nameOf(object)} is gone again, right after it was made`);
    }
    // Nobody is there who would ever fulfil a condition of the program's own.
    if (how.standIn !== undefined && annotations[WAIT_FOR] !== undefined) {
      return live;
    }
    const found = readiness(live, await surroundings(api, live, how.update));
    if (found === "ready") {
      return live;
    }
    const what = `${object.kind} ${nameOf(object)}`;
    if ("failed" in found) {
      throw new Error(`${what} was made and failed: ${found.failed}. ${further(object)}`);
    }
    if (Date.now() > end) {
      throw new Error(`${what} was made, but after ${seconds} s still waits for ${found.waitsFor}. ${further(object)}`);
    }
    waiting(`${what}: ${found.waitsFor}`);
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

function further({ kind, metadata = {} }: KubeObject): string {
  const space = metadata.namespace === undefined ? "" : ` --namespace ${metadata.namespace}`;
  return `To look further: kubectl describe ${kind?.toLowerCase()} ${metadata.name}${space}`;
}

async function surroundings(api: Api, live: KubeObject, update: boolean): Promise<Surroundings> {
  const { spec = {}, metadata = {}, kind, apiVersion } = live as KubeObject & { spec?: Record<string, unknown> };
  if (apiVersion !== "v1" || metadata.annotations?.[SKIP_AWAIT] === "true") {
    return { update };
  }
  if (kind === "PersistentVolumeClaim" && typeof spec.storageClassName === "string") {
    const storageClass = await api.get({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: spec.storageClassName },
    });
    return { update, bindingMode: storageClass?.volumeBindingMode as string | undefined };
  }
  if (kind === "Service") {
    const selector = `kubernetes.io/service-name=${metadata.name}`;
    const slices = await api.namespacedList(
      "discovery.k8s.io/v1",
      "endpointslices",
      metadata.namespace ?? "",
      selector,
    );
    const all = slices.flatMap(
      ({ endpoints }) => (endpoints ?? []) as { conditions?: { ready?: boolean; terminating?: boolean } }[],
    );
    const alive = all.filter(({ conditions }) => conditions?.terminating !== true);
    const ready = alive.filter(({ conditions }) => conditions?.ready !== false).length;
    return { update, endpoints: { ready, pending: alive.length - ready } };
  }
  return { update };
}
