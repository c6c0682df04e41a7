import type { Homelab } from "../../config/homelab";
import { ciliumFeatures } from "./cilium-version";
import type { Manifest } from "./manifest";

type Bgp = NonNullable<Homelab["network"]["bgp"]>;

/** True for every service. No selector at all means none in BGP; Cilium's documentation has this idiom for all. */
const everyService = { matchExpressions: [{ key: "homelab/announce", operator: "NotIn", values: ["never"] }] };

const ADVERTISE_LABEL = "homelab/advertise";

/**
 * How the network learns where the pool's addresses are. By ARP for the neighbours: they never ask a router for an
 * address of their own subnet. By BGP for the router, and so for everything behind it.
 */
export function announcements(homelab: Homelab): Manifest[] {
  const { network, versions } = homelab;
  const { bgp, bgpApi } = ciliumFeatures(versions.charts.cilium);
  const layer2 = network.l2Announcements ? [layer2Policy(homelab)] : [];
  if (!network.bgp) {
    return layer2;
  }
  return [...(bgp === "peering-policy" ? [peeringPolicy(network.bgp)] : clusterConfig(network.bgp, bgpApi)), ...layer2];
}

/**
 * Any node may answer, the control plane too: with the traffic policy `Cluster` of Cilium's gateway each node forwards
 * to every pod, and a house with a single node has no other.
 */
function layer2Policy({ network }: Homelab): Manifest {
  return {
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumL2AnnouncementPolicy",
    metadata: { name: "lan" },
    spec: { serviceSelector: everyService, interfaces: [...network.lan.interfaces], loadBalancerIPs: true },
  };
}

/** BGP up to Cilium 1.15. One policy for every node: if two match a node, none applies. */
function peeringPolicy(bgp: Bgp): Manifest {
  return {
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumBGPPeeringPolicy",
    metadata: { name: "router" },
    spec: {
      nodeSelector: { matchLabels: { "kubernetes.io/os": "linux" } },
      virtualRouters: [
        {
          localASN: bgp.localAsn,
          exportPodCIDR: false,
          serviceSelector: everyService,
          neighbors: [{ peerAddress: `${bgp.peerAddress}/32`, peerASN: bgp.peerAsn, gracefulRestart }],
        },
      ],
    },
  };
}

/** The router keeps the routes while an agent restarts, for example during an upgrade. */
const gracefulRestart = { enabled: true, restartTimeSeconds: 120 };

/** BGP from Cilium 1.16. Pod networks stay private: they are reached through VXLAN only. */
function clusterConfig(bgp: Bgp, apiVersion: string): Manifest[] {
  return [
    {
      apiVersion,
      kind: "CiliumBGPAdvertisement",
      metadata: { name: "load-balancer-addresses", labels: { [ADVERTISE_LABEL]: "router" } },
      spec: {
        advertisements: [
          { advertisementType: "Service", service: { addresses: ["LoadBalancerIP"] }, selector: everyService },
        ],
      },
    },
    {
      apiVersion,
      kind: "CiliumBGPPeerConfig",
      metadata: { name: "router" },
      spec: {
        gracefulRestart,
        families: [{ afi: "ipv4", safi: "unicast", advertisements: { matchLabels: { [ADVERTISE_LABEL]: "router" } } }],
      },
    },
    {
      apiVersion,
      kind: "CiliumBGPClusterConfig",
      metadata: { name: "router" },
      spec: {
        nodeSelector: { matchLabels: { "kubernetes.io/os": "linux" } },
        bgpInstances: [
          {
            name: "homelab",
            localASN: bgp.localAsn,
            peers: [
              {
                name: "router",
                peerASN: bgp.peerAsn,
                peerAddress: bgp.peerAddress,
                peerConfigRef: { name: "router" },
              },
            ],
          },
        ],
      },
    },
  ];
}
