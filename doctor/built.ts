import type { Facts } from "./facts";

/** What shows that there was a cluster, in words; undefined if nothing does. */
export function clusterBefore({ hosts, state }: Facts): string | undefined {
  if (state.kubeconfig) {
    return "the state has a kubeconfig";
  }
  const [name] = Object.entries(hosts).find(([, { sections }]) => sections.k3s?.installed === "yes") ?? [];
  return name === undefined ? undefined : `K3s is installed on ${name}`;
}

/**
 * What shows that `pulumi up` has been here before. Only then is the absence of VM or buckets a loss and not the state
 * before the first run.
 */
export function builtBefore(facts: Facts): string | undefined {
  const [name] =
    Object.entries(facts.hosts).find(([, { sections }]) => sections.hypervisor?.vmFiles === "present") ?? [];
  return clusterBefore(facts) ?? (name === undefined ? undefined : `${name} has the VM's disk`);
}
