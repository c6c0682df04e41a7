/** A NetworkPolicy by its name: what it lets in. Left out, a peer or a port is any. */
export interface IngressRule {
  name: string;
  spec: {
    podSelector: { matchLabels?: Record<string, string> };
    policyTypes: string[];
    ingress: { from?: { podSelector: object }[]; ports?: { protocol: string; port: number }[] }[];
  };
}

/**
 * What may reach the pods of the namespace (trap 56: a proxy protects nothing if there is a way around it).
 *
 * Prometheus, Alertmanager and Loki have no login of their own: they answer to their namespace only, in which live
 * Grafana, Alloy and the OAuth2-Proxies of the first two; those bring a policy of their own that lets the gateway in.
 * Grafana has its own login and answers to everybody: the gateway's Envoy has an identity of Cilium's, which a
 * NetworkPolicy cannot name. Probes of the node's kubelet always pass in Cilium.
 */
export const ingressRules: readonly IngressRule[] = [
  {
    name: "same-namespace-only",
    spec: { podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: {} }] }] },
  },
  {
    name: "grafana-from-gateway",
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "grafana" } },
      policyTypes: ["Ingress"],
      ingress: [{ ports: [{ protocol: "TCP", port: 3000 }] }],
    },
  },
];
