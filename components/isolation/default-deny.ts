import type { networking } from "@pulumi/kubernetes/types/input";
import { dnsThroughProxy, everyPod, usesNames, type Flow } from "./peers";

/** Name of the policy that closes a namespace. */
export const DEFAULT_DENY = "default-deny";

/** Namespaces that stay open, each with its reason. The program makes none of them. */
export const openNamespaces: Readonly<Record<string, string>> = {
  "kube-system": "K3s' own: CoreDNS, metrics-server and Cilium itself; what would close it would run on what it closes",
  "kube-public": "K3s' own, without pods",
  "kube-node-lease": "K3s' own, without pods",
  "cilium-secrets": "the Cilium chart's, without pods",
  default: "Kubernetes' own, without pods; the program puts nothing there",
};

/**
 * Closes both directions for every pod of a namespace, but for the cluster's DNS. Of Kubernetes' own kind, so that it needs
 * nothing of Cilium to be there. Pods on the host's network are beyond any policy.
 *
 * Where a flow goes to names of the internet, DNS is allowed by a flow instead, through Cilium's proxy.
 */
export function defaultDeny(flows: readonly Flow[]): networking.v1.NetworkPolicySpec {
  const dns = [
    {
      to: [
        {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
          podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
        },
      ],
      ports: [
        { protocol: "UDP", port: 53 },
        { protocol: "TCP", port: 53 },
      ],
    },
  ];
  return { podSelector: {}, policyTypes: ["Ingress", "Egress"], egress: usesNames(flows) ? [] : dns };
}

/** The flows of a namespace, with DNS where they need it. */
export function withDns(flows: readonly Flow[]): Flow[] {
  return usesNames(flows) ? [{ name: "allow-dns", pods: everyPod, egress: [dnsThroughProxy] }, ...flows] : [...flows];
}

/** Spec of the CiliumNetworkPolicy of a flow. */
export function flowSpec({ pods, ingress, egress }: Flow): Record<string, unknown> {
  return { endpointSelector: pods, ...(ingress ? { ingress } : {}), ...(egress ? { egress } : {}) };
}
