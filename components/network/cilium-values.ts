import { cidrRange } from "../../config/cidr";
import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { ciliumFeatures } from "./cilium-version";

/**
 * The Kubernetes API as every K3s node proxies it on its own loopback address (K3s docs, requirements, "Local Ports").
 * Cilium replaces kube-proxy, so it cannot use the service's address, and this one needs no virtual IP.
 */
const localApi = { host: "127.0.0.1", port: 6444 } as const;

/** How often a node renews its claim to answer ARP for a service, in seconds; Cilium's default. */
const LEASE_RENEW_SECONDS = 5;
/** What a Cilium agent may ask of the API server by default, in requests a second (chart values, k8sClientRateLimit). */
const DEFAULT_QPS = 10;

const monitored = { enabled: true, interval: "30s" } as const;

/**
 * Values of the Cilium chart, 1.15 to 1.18. Whatever the chart would decide by asking the live cluster is stated, so
 * that the first render, on an empty cluster, and the last one are the same.
 *
 * Left at their defaults on purpose: MTU (detected, less 50 bytes for VXLAN), devices (those with the default route or
 * the node's address, whatever they are called on each machine), cni.binPath and cni.confPath (right for K3s with
 * `flannel-backend: none`; its own paths are for flannel only).
 */
export function ciliumValues(homelab: Homelab): HelmValues {
  const { network, versions } = homelab;
  const features = ciliumFeatures(versions.charts.cilium);
  return {
    kubeProxyReplacement: "true",
    k8sServiceHost: localApi.host,
    k8sServicePort: localApi.port,
    routingMode: "tunnel",
    tunnelProtocol: "vxlan",
    // The default pool, 10.0.0.0/8, swallows the pod and the service network of K3s.
    ipam: { mode: "cluster-pool", operator: { clusterPoolIPv4PodCIDRList: [network.podCidr] } },
    // A CNI configuration that something else left behind must not win.
    cni: { exclusive: true },
    // systemd >= 245 sets rp_filter on every interface, which drops traffic of pods (cilium/cilium#10645).
    ...(features.sysctlfixSwitch ? { sysctlfix: { enabled: true } } : {}),
    // A changed config map restarts nothing by itself.
    rollOutCiliumPods: true,
    gatewayAPI: gateway(homelab),
    bgpControlPlane: { enabled: network.bgp !== undefined },
    ...layer2(homelab),
    hubble,
    prometheus: { enabled: true, serviceMonitor: { ...monitored, trustCRDsExist: true } },
    ...(features.envoyDaemonSet
      ? { envoy: { enabled: true, rollOutPods: true, prometheus: { enabled: true, serviceMonitor: monitored } } }
      : {}),
    operator: {
      // Replicas never share a node (required anti-affinity), and the chart is ready only when all of them are. One,
      // so that the network comes up with the first node and does not wait for the second; a control plane of one node
      // gains nothing from a standby.
      replicas: 1,
      rollOutPods: true,
      prometheus: { enabled: true, serviceMonitor: monitored },
    },
  };
}

/**
 * Flows and drops as metrics, which is how a sick node network shows; no relay, no UI and no listener on the LAN.
 *
 * Up to 1.17 the chart signs new certificates at every render, so every preview would show a change and every `up`
 * would restart the agents. Without a listener there is nothing to encrypt: `hubble observe` works inside the agent's
 * pod, over its socket.
 */
const hubble = {
  enabled: true,
  listenAddress: "",
  tls: { enabled: false, auto: { enabled: false } },
  relay: { enabled: false },
  ui: { enabled: false },
  metrics: { enabled: ["drop", "tcp", "flow", "icmp"], serviceMonitor: monitored },
};

function gateway({ network, versions }: Homelab): HelmValues {
  const features = ciliumFeatures(versions.charts.cilium);
  return {
    enabled: true,
    // Before 1.16 the chart renders the class if the API server has the kind: it does, the CRDs come first.
    ...(features.gatewayClassSwitch ? { gatewayClass: { create: "true" } } : {}),
    ...(features.alpn ? { enableAlpn: network.gateway.alpn, enableAppProtocol: network.gateway.alpn } : {}),
  };
}

/**
 * Announcing by ARP costs one lease per service, each renewed every few seconds by the node that holds it. In the worst
 * case one node holds them all, and no more services than addresses can be announced: its allowance follows from that
 * (Cilium docs, l2-announcements, "Sizing client rate limit").
 */
function layer2({ network }: Homelab): HelmValues {
  if (!network.l2Announcements) {
    return { l2announcements: { enabled: false } };
  }
  const { first, last } = cidrRange(network.pool);
  const qps = DEFAULT_QPS + Math.ceil((last - first + 1) / LEASE_RENEW_SECONDS);
  return {
    l2announcements: { enabled: true, leaseRenewDeadline: `${LEASE_RENEW_SECONDS}s` },
    k8sClientRateLimit: { qps, burst: 2 * qps },
  };
}
