import type { networking } from "@pulumi/kubernetes/types/input";
import { LONGHORN_NAMESPACE } from "./longhorn-nodes";

type NetworkPolicySpec = networking.v1.NetworkPolicySpec;

/** Where Longhorn's UI answers, for the proxy in front of it. */
export const longhornUiUrl = `http://longhorn-frontend.${LONGHORN_NAMESPACE}:80`;

/**
 * Who may reach the two parts of Longhorn that have no login and can delete every volume. Labels and ports: chart
 * longhorn 1.6.2, templates/deployment-ui.yaml and daemonset-sa.yaml. What volumes need (iSCSI, replicas, CSI, NFS of
 * shared volumes) passes neither of them and stays as it is. Probes and port-forwards come from the node itself, which
 * Cilium always lets in.
 */
export const longhornNetworkPolicies: Readonly<Record<string, NetworkPolicySpec>> = {
  /** The UI: only the proxy, in the same namespace. */
  "longhorn-ui": {
    podSelector: { matchLabels: { app: "longhorn-ui" } },
    policyTypes: ["Ingress"],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "oauth2-proxy" } } }],
        ports: [{ protocol: "TCP", port: 8000 }],
      },
    ],
  },
  /** The managers' API: Longhorn itself, and Prometheus for the metrics on the same port. */
  "longhorn-manager": {
    podSelector: { matchLabels: { app: "longhorn-manager" } },
    policyTypes: ["Ingress"],
    ingress: [
      { from: [{ podSelector: {} }] },
      {
        from: [{ namespaceSelector: {}, podSelector: { matchLabels: { "app.kubernetes.io/name": "prometheus" } } }],
        ports: [{ protocol: "TCP", port: 9500 }],
      },
      // Webhooks are called by the API server and the recovery backend by shared volumes, both from host networks,
      // which a pod selector never matches.
      { ports: [9501, 9502, 9503].map((port) => ({ protocol: "TCP", port })) },
    ],
  },
};
