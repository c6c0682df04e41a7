import type { Homelab } from "../../../config/homelab";
import { L2_LEASE } from "../../network/names";
import { deployments, missing } from "./absence";
import type { Alert, AlertGroup } from "./alert";

const AGENT = 'namespace="kube-system", pod=~"cilium-[a-z0-9]{5}"';

function bgpAlert(homelab: Homelab): Alert[] {
  const { bgp } = homelab.network;
  if (!bgp) {
    return [];
  }
  return [
    {
      name: "BgpSessionDown",
      // Cilium 1.17 pkg/bgpv1/metrics: 1 is established. One series per agent and neighbour.
      expr: 'cilium_bgp_control_plane_session_state{neighbor=~".+"} == 0',
      for: "10m",
      severity: "warning",
      summary: "{{ $labels.pod }} has no BGP session with {{ $labels.neighbor }}",
      description:
        `Ping the router ${bgp.peerAddress} from the node, then ask it for its neighbours in AS ${bgp.localAsn}. ` +
        "The LAN itself still reaches the gateway by ARP.",
    },
  ];
}

/**
 * Inside of the cluster Cilium answers for these addresses itself, so a probe from a pod or node reaches the gateway
 * although nobody tells the LAN where it is. What can be seen from here is whether a node holds the address's lease and
 * goes on renewing it; that it answers ARP is seen from outside only.
 *
 * Metrics: kube-state-metrics v2.17.0 internal/store/{service,lease}.go; of a lease only its owner has a namespace.
 */
function layer2Alert({ network }: Homelab): Alert[] {
  if (!network.l2Announcements) {
    return [];
  }
  const leases = `lease=~"${L2_LEASE}-.+"`;
  const served = 'max by (namespace, service) (kube_service_status_load_balancer_ingress{ip!=""})';
  const named = `label_join(label_replace(${served}, "lease", "${L2_LEASE}", "", ""), "lease", "-", "lease", "namespace", "service")`;
  return [
    {
      name: "AddressNotAnnounced",
      // Renewed every few seconds, seen every 30.
      expr:
        `${named} unless on (lease) (time() - max by (lease) (kube_lease_renew_time{${leases}}) < 60 ` +
        `and on (lease) kube_lease_owner{namespace="kube-system", ${leases}, lease_holder!=""})`,
      for: "2m",
      severity: "critical",
      summary: "No node tells the LAN where {{ $labels.namespace }}/{{ $labels.service }} is",
      description:
        `Probes in the cluster do not notice. kubectl -n kube-system get lease | grep ${L2_LEASE}: a holder? Then ` +
        "layers 3 and 4 of that node to the API server, and the log of its Cilium agent.",
    },
  ];
}

/** The cluster's network, which looks like everything else failing. */
export function networkAlerts(homelab: Homelab): AlertGroup {
  return {
    topic: "network",
    alerts: [
      {
        name: "CiliumAgentNotReady",
        expr:
          `(kube_pod_status_ready{${AGENT}, condition="true"} == 0) ` +
          `* on (namespace, pod) group_left (node) kube_pod_info{${AGENT}}`,
        for: "5m",
        severity: "critical",
        summary: "Cilium does not work on {{ $labels.node }}",
        description:
          "Pods there reach no service, and their errors name everything but the network. Ping the node, then " +
          "kubectl -n kube-system logs {{ $labels.pod }} -c cilium-agent --tail=50.",
      },
      {
        name: "CiliumOperatorDown",
        expr:
          'kube_deployment_status_replicas_available{namespace="kube-system", deployment="cilium-operator"} == 0 ' +
          `or (${missing(deployments([{ namespace: "kube-system", deployment: "cilium-operator" }]))})`,
        for: "10m",
        severity: "critical",
        summary: "No Cilium operator runs",
        description:
          "The gateway and new nodes' addresses stand still. kubectl -n kube-system logs deploy/cilium-operator.",
      },
      {
        name: "CiliumUnreachableNodes",
        expr: "max by (pod, instance) (cilium_unreachable_nodes) > 0",
        for: "10m",
        severity: "warning",
        summary: "{{ $labels.pod }} cannot reach {{ $value }} node(s)",
        description:
          "kubectl -n kube-system exec {{ $labels.pod }} -c cilium-agent -- cilium-health status names them. Between " +
          "those two: ping, then UDP 8472 (VXLAN).",
      },
      ...layer2Alert(homelab),
      ...bgpAlert(homelab),
    ],
  };
}
