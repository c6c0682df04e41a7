import type { BudgetFacts, PodFacts, Refusal } from "./facts";
import { selects } from "./selector";

/** What a drain does with the pods of a node. */
export interface DrainPlan {
  readonly evict: readonly PodFacts[];
  /** Stay: they belong to the node, and their controllers ignore a cordon. */
  readonly stay: readonly { readonly pod: PodFacts; readonly why: string }[];
  readonly refusals: readonly Refusal[];
}

export function podName(pod: { namespace: string; name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

/**
 * Sorts the pods of a node as `kubectl drain` does (kubernetes v1.32, kubectl/pkg/drain/filters.go), but for two things:
 * a pod without a controller is refused rather than forced, and Longhorn's instance managers stay, because Longhorn
 * itself ends them once no volume uses them, and keeps a budget on each until then (longhorn-manager v1.6.2,
 * controller/instance_manager_controller.go).
 */
export function planDrain(pods: readonly PodFacts[], budgets: readonly BudgetFacts[]): DrainPlan {
  const evict: PodFacts[] = [];
  const stay: { pod: PodFacts; why: string }[] = [];
  const refusals: Refusal[] = [];
  for (const pod of pods) {
    const why = reasonToStay(pod);
    if (why !== undefined) {
      stay.push({ pod, why });
      continue;
    }
    evict.push(pod);
    if (pod.finished || pod.terminating) {
      continue;
    }
    if (pod.controller === undefined) {
      refusals.push({
        what: `pod ${podName(pod)}`,
        why: "it has no controller, so nobody would make it again elsewhere",
        wayOut: `end it yourself: kubectl -n ${pod.namespace} delete pod ${pod.name}`,
      });
    }
    refusals.push(...budgetRefusals(pod, budgets));
  }
  // Several pods of a node may be held by one budget.
  return { evict, stay, refusals: uniqueRefusals(refusals) };
}

function reasonToStay(pod: PodFacts): string | undefined {
  if (pod.mirror) {
    return "a static pod of the kubelet";
  }
  if (pod.controller === "DaemonSet" && !pod.finished) {
    return "of a DaemonSet";
  }
  if (pod.labels["longhorn.io/component"] === "instance-manager") {
    return "Longhorn ends it itself";
  }
  return undefined;
}

/** Budgets that no waiting satisfies; one that is short of healthy pods just now is waited for. */
function budgetRefusals(pod: PodFacts, budgets: readonly BudgetFacts[]): Refusal[] {
  const own = budgets.filter(({ namespace, selector }) => namespace === pod.namespace && selects(selector, pod.labels));
  if (own.length > 1) {
    return [
      {
        what: `pod ${podName(pod)}`,
        why: `it has ${own.length} PodDisruptionBudgets (${own.map(({ name }) => name).join(", ")}), and the API evicts no pod that has more than one`,
        wayOut: `keep one of them: kubectl -n ${pod.namespace} delete pdb ${own[own.length - 1].name}`,
      },
    ];
  }
  return own
    .filter(({ expectedPods, desiredHealthy }) => expectedPods > 0 && desiredHealthy >= expectedPods)
    .map(({ namespace, name, desiredHealthy, expectedPods }) => ({
      what: `PodDisruptionBudget ${namespace}/${name}`,
      why: `it demands ${desiredHealthy} healthy of ${expectedPods} pods, so it never lets pod ${podName(pod)} go`,
      wayOut: `run one replica more, or lower what it demands for a moment: kubectl -n ${namespace} edit pdb ${name}`,
    }));
}

function uniqueRefusals(refusals: readonly Refusal[]): Refusal[] {
  return [...new Map(refusals.map((refusal) => [refusal.what, refusal])).values()];
}
