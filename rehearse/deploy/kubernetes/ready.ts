import type * as k8s from "@kubernetes/client-node";
import type { KubeObject } from "./api";

/** What decides beside the object itself. */
export interface Surroundings {
  /** volumeBindingMode of the claim's class; undefined if it is not known yet. */
  bindingMode?: string;
  /** Endpoints of a Service: those that are ready, and those that are not yet. */
  endpoints?: { ready: number; pending: number };
  /** True if the object was there before; a claim that is bound stays so. */
  update: boolean;
}

/** Ready, or what is still missing, or why it never will be. */
export type Readiness = "ready" | { waitsFor: string } | { failed: string };

export const SKIP_AWAIT = "pulumi.com/skipAwait";
export const WAIT_FOR = "pulumi.com/waitFor";
export const TIMEOUT = "pulumi.com/timeoutSeconds";

/**
 * Whether an object is there for those that wait for it, by the rules of the provider (pulumi/pulumi-kubernetes
 * provider/pkg/await): its own conditions by pulumi.com/waitFor, otherwise those of the few kinds that it knows.
 */
export function readiness(object: KubeObject, around: Surroundings): Readiness {
  const { annotations = {} } = object.metadata ?? {};
  if (annotations[SKIP_AWAIT] === "true") {
    return "ready";
  }
  const { [WAIT_FOR]: own } = annotations as Record<string, string | undefined>;
  if (own !== undefined) {
    return all(expressions(own).map((expression) => fulfilled(object, expression)));
  }
  const rule = (rules as Record<string, Rule | undefined>)[`${object.apiVersion}/${object.kind}`];
  return rule ? rule(object as never, around) : "ready";
}

/** The expressions of pulumi.com/waitFor: one, or a JSON list. */
export function expressions(annotation: string): string[] {
  return annotation.startsWith("[") ? (JSON.parse(annotation) as string[]) : [annotation];
}

function all(parts: Readiness[]): Readiness {
  return parts.find((part) => part !== "ready") ?? "ready";
}

function fulfilled(object: KubeObject, expression: string): Readiness {
  const [, form, rest] = /^(condition|jsonpath)=(.+)$/.exec(expression) ?? [];
  if (form === "condition") {
    const [type, wanted = "True"] = rest.split("=");
    const condition = conditionOf(object, type);
    return condition?.status?.toLowerCase() === wanted.toLowerCase()
      ? "ready"
      : { waitsFor: `condition ${type}${condition?.message ? `: ${condition.message}` : ""}` };
  }
  if (form === "jsonpath") {
    const [, path, wanted] = /^\{(.+?)\}(?:=(.*))?$/.exec(rest) ?? [];
    const found = path === undefined ? undefined : at(object, path);
    const good = wanted === undefined ? found !== undefined && found !== "" : String(found) === wanted;
    return good ? "ready" : { waitsFor: `${path}${wanted === undefined ? "" : ` to be ${wanted}`}` };
  }
  throw new Error(`${WAIT_FOR}: '${expression}' is neither condition=... nor jsonpath={...}`);
}

/** The value at a path of fields and indices, `.status.addresses[0].value`. */
export function at(object: unknown, path: string): unknown {
  if (!/^(\.[A-Za-z_][A-Za-z0-9_-]*|\[\d+\])+$/.test(path)) {
    throw new Error(
      `${WAIT_FOR}: the path '${path}' is more than fields and indices, which the rehearsal cannot follow`,
    );
  }
  return [...path.matchAll(/[A-Za-z_][A-Za-z0-9_-]*|\d+/g)].reduce<unknown>(
    (value, [key]) =>
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined,
    object,
  );
}

interface Condition {
  type: string;
  status?: string;
  reason?: string;
  message?: string;
}

function conditionOf({ status }: KubeObject | { status?: object }, type: string): Condition | undefined {
  return (status as { conditions?: Condition[] } | undefined)?.conditions?.find((condition) => condition.type === type);
}

type Rule = (object: never, around: Surroundings) => Readiness;

const wait = (good: boolean, waitsFor: string): Readiness => (good ? "ready" : { waitsFor });
const observed = (object: k8s.V1Deployment | k8s.V1StatefulSet | k8s.V1DaemonSet) =>
  (object.status?.observedGeneration ?? 0) >= (object.metadata?.generation ?? 0);

const rules = {
  "apps/v1/Deployment": (object: k8s.V1Deployment) => {
    const progressing = conditionOf(object, "Progressing");
    if (observed(object) && progressing?.reason === "ProgressDeadlineExceeded") {
      return { failed: progressing.message ?? "it does not progress" };
    }
    const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = object.status ?? {};
    const wanted = object.spec?.replicas ?? 1;
    return wait(
      observed(object) && updatedReplicas >= wanted && availableReplicas >= wanted && replicas <= updatedReplicas,
      `${availableReplicas} of ${wanted} pods available, ${updatedReplicas} of the new form`,
    );
  },
  "apps/v1/StatefulSet": (object: k8s.V1StatefulSet) => {
    const { readyReplicas = 0, updateRevision, currentRevision } = object.status ?? {};
    const wanted = object.spec?.replicas ?? 1;
    const current = updateRevision === undefined || updateRevision === currentRevision;
    return wait(observed(object) && readyReplicas >= wanted && current, `${readyReplicas} of ${wanted} pods ready`);
  },
  "apps/v1/DaemonSet": (object: k8s.V1DaemonSet) => {
    const { desiredNumberScheduled = 0, numberReady = 0, updatedNumberScheduled = 0 } = object.status ?? {};
    return wait(
      observed(object) && numberReady >= desiredNumberScheduled && updatedNumberScheduled >= desiredNumberScheduled,
      `${numberReady} of ${desiredNumberScheduled} pods ready`,
    );
  },
  "batch/v1/Job": (object: k8s.V1Job) => {
    const failed = conditionOf(object, "Failed");
    if (failed?.status === "True") {
      return { failed: failed.message ?? "the Job failed" };
    }
    return wait(conditionOf(object, "Complete")?.status === "True", "the Job to complete");
  },
  "v1/Pod": (object: k8s.V1Pod) =>
    wait(
      conditionOf(object, "Ready")?.status === "True" || object.status?.phase === "Succeeded",
      "the pod to be ready",
    ),
  "v1/PersistentVolume": ({ status }: k8s.V1PersistentVolume) =>
    wait(
      ["Available", "Bound"].includes(status?.phase ?? ""),
      `phase Available or Bound, is ${status?.phase ?? "unknown"}`,
    ),
  "v1/PersistentVolumeClaim": ({ status }: k8s.V1PersistentVolumeClaim, { bindingMode, update }) => {
    const { phase = "unknown" } = status ?? {};
    const patient = !update && bindingMode === "WaitForFirstConsumer" && phase === "Pending";
    return wait(phase === "Bound" || patient, `the claim to be bound, is ${phase}`);
  },
  "v1/ResourceQuota": ({ spec, status }: k8s.V1ResourceQuota) =>
    wait(
      Object.keys(spec?.hard ?? {}).every((key) => status?.hard?.[key] !== undefined),
      "the quota to be in force",
    ),
  "v1/Secret": ({ type, data }: k8s.V1Secret) =>
    wait(type !== "kubernetes.io/service-account-token" || Object.keys(data ?? {}).length > 0, "the account's token"),
  "v1/Service": ({ spec, status }: k8s.V1Service, { endpoints = { ready: 0, pending: 0 } }) => {
    if (spec?.type === "LoadBalancer" && (status?.loadBalancer?.ingress ?? []).length === 0) {
      return { waitsFor: "an address for the LoadBalancer" };
    }
    const podless =
      spec?.type === "ExternalName" || spec?.clusterIP === "None" || Object.keys(spec?.selector ?? {}).length === 0;
    return wait(
      podless || (endpoints.ready > 0 && endpoints.pending === 0),
      `pods behind it: ${endpoints.ready} ready, ${endpoints.pending} not`,
    );
  },
} satisfies Record<string, Rule>;
