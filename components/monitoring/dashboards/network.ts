import type { Homelab } from "../../../config/homelab";
import { GATEWAY_SERVICE, homeGateway, L2_LEASE } from "../../network/names";
import type { Board, Section } from "./board";
import { lines, okStates, stat, table, timeline } from "./kinds";
import { countOrZero, highIsBad, lowIsBad } from "./panel";
import { AGENT_READY } from "./queries";

/** The lease of the one who answers ARP for the gateway. */
const LEASE = `${L2_LEASE}-${homeGateway.namespace}-${GATEWAY_SERVICE}`;

/** Interfaces of the machines on the LAN: the configuration's patterns, without the anchors that PromQL implies. */
function lanDevices({ network }: Homelab): string {
  return network.lan.interfaces.map((pattern) => pattern.replace(/^\^/, "").replaceAll("\\", "\\\\")).join("|");
}

function nodes(homelab: Homelab): Section {
  const device = lanDevices(homelab);
  const rate = (metric: string) => `sum by (node) (rate(${metric}{device=~"${device}"}[$__rate_interval]))`;
  return {
    title: "Between the nodes",
    panels: [
      timeline({
        title: "Cilium of each node",
        description:
          "Red: pods there reach no service, and their errors name everything but the network. Ping the node.",
        queries: [{ expr: `min by (node) (${AGENT_READY})`, legend: "{{node}}" }],
        unit: "short",
        width: 12,
        height: 7,
        states: okStates,
        alert: "CiliumAgentNotReady",
      }),
      timeline({
        title: "Reaches every other node",
        description: "Red: this node misses another one. Between the two: ping, then UDP 8472 (VXLAN).",
        queries: [{ expr: "max by (node) (cilium_unreachable_nodes) == bool 0", legend: "{{node}}" }],
        unit: "short",
        width: 12,
        height: 7,
        states: okStates,
        alert: "CiliumUnreachableNodes",
      }),
      lines({
        title: "Traffic on the LAN",
        description: "In above, out below zero. A gigabit port is full at 125 MB/s.",
        queries: [
          { expr: rate("node_network_receive_bytes_total"), legend: "{{node}} in" },
          { expr: `-${rate("node_network_transmit_bytes_total")}`, legend: "{{node}} out" },
        ],
        unit: "Bps",
        width: 8,
        height: 8,
      }),
      lines({
        title: "Errors of the interfaces",
        description: "Anything but zero is a cable, a port or a card. Swap the cable first.",
        queries: [
          { expr: rate("node_network_receive_errs_total"), legend: "{{node}} in" },
          { expr: rate("node_network_transmit_errs_total"), legend: "{{node}} out" },
        ],
        unit: "pps",
        min: 0,
        width: 8,
        height: 8,
        thresholds: highIsBad(1),
      }),
      lines({
        title: "Packets that Cilium drops, by reason",
        description: "Policy denied is a policy at work. Other reasons: cilium-dbg monitor --type drop on the node.",
        queries: [{ expr: "sum by (reason) (rate(cilium_drop_count_total[$__rate_interval]))", legend: "{{reason}}" }],
        unit: "pps",
        min: 0,
        width: 8,
        height: 8,
      }),
    ],
  };
}

function bgp(homelab: Homelab): Section[] {
  const peer = homelab.network.bgp;
  if (!peer) {
    return [];
  }
  const count = homelab.nodes.length;
  return [
    {
      title: "BGP",
      panels: [
        stat({
          title: `Sessions, of ${count}`,
          description: `One from each node to ${peer.peerAddress}. Down: ping the router, then ask it for its neighbours.`,
          queries: [{ expr: "sum(max by (node, neighbor) (cilium_bgp_control_plane_session_state))" }],
          unit: "short",
          decimals: 0,
          width: 4,
          height: 7,
          thresholds: lowIsBad(1, count),
          noValue: "not watched",
          alert: "BgpSessionDown",
        }),
        timeline({
          title: "Session of each node",
          description: "Red: other subnets reach the pool through the remaining nodes only; the LAN itself uses ARP.",
          queries: [
            {
              expr: "max by (node, neighbor) (cilium_bgp_control_plane_session_state)",
              legend: "{{node}} {{neighbor}}",
            },
          ],
          unit: "short",
          width: 10,
          height: 7,
          states: { 1: { text: "established", colour: "green" }, 0: { text: "down", colour: "red" } },
          alert: "BgpSessionDown",
        }),
        lines({
          title: "Routes that each node advertises",
          description: "One for each address of the pool that is in use. Zero with a session up: no Service matches.",
          queries: [
            {
              expr: 'max by (node) (cilium_bgp_control_plane_advertised_routes{afi="ipv4"})',
              legend: "{{node}}",
            },
          ],
          unit: "short",
          min: 0,
          width: 10,
          height: 7,
          alert: "BgpSessionDown",
        }),
      ],
    },
  ];
}

function layer2(homelab: Homelab): Section[] {
  if (!homelab.network.l2Announcements) {
    return [];
  }
  return [
    {
      title: "ARP (L2 announcements)",
      panels: [
        table({
          title: "Who answers for which service",
          description:
            "The lease's holder answers ARP. An address that is not reached: arping it from the LAN, compare.",
          queries: [{ expr: `max by (lease, lease_holder) (kube_lease_owner{lease=~"${L2_LEASE}-.*"})` }],
          unit: "short",
          width: 12,
          height: 7,
          noValue: "nobody",
          columns: [
            { field: "lease", title: "Lease" },
            { field: "lease_holder", title: "Node" },
          ],
        }),
        lines({
          title: "Age of the gateway's lease",
          description:
            "Renewed every few seconds. Older than a minute: nobody answers; does its node reach the API server?",
          queries: [{ expr: `time() - max(kube_lease_renew_time{lease="${LEASE}"})`, legend: "age" }],
          unit: "s",
          min: 0,
          width: 12,
          height: 7,
          thresholds: highIsBad(60, 120),
          alert: "AddressNotAnnounced",
        }),
      ],
    },
  ];
}

/** Envoy's own listeners for its metrics and health, and its clusters for its configuration, are nobody's requests. */
const REQUESTS = 'envoy_http_conn_manager_prefix!~"admin|envoy-.*"';
const ROUTES = 'envoy_cluster_name=~".+[:/].+"';

function gateway(homelab: Homelab): Section {
  const { ip } = homelab.network.gateway;
  const rate = (selector: string) => `rate(${selector}[$__rate_interval])`;
  return {
    title: "Gateway",
    panels: [
      stat({
        title: `Has ${ip}`,
        description: "1: the gateway's service has the address. 0: kubectl -n networking get gateway,svc.",
        queries: [
          {
            expr: countOrZero(
              `kube_service_status_load_balancer_ingress{namespace="${homeGateway.namespace}", service="${GATEWAY_SERVICE}", ip="${ip}"}`,
              "kube_service_info",
            ),
          },
        ],
        unit: "short",
        decimals: 0,
        width: 4,
        height: 8,
        thresholds: lowIsBad(1, 1),
        noValue: "not watched",
        alert: "CiliumOperatorDown",
      }),
      lines({
        title: "Requests, by class of answer",
        description: "5 means that an app or the gateway failed: the panel beside it says which.",
        queries: [
          {
            expr: `sum by (envoy_response_code_class) (${rate(`envoy_http_downstream_rq_xx{${REQUESTS}}`)})`,
            legend: "{{envoy_response_code_class}}xx",
          },
        ],
        unit: "reqps",
        min: 0,
        width: 10,
        height: 8,
        stacked: true,
      }),
      lines({
        title: "Failures (5xx), by what was behind",
        description: "Is the app's pod ready? If all fail at once it is the network or the login, not the apps.",
        queries: [
          {
            expr:
              "sum by (envoy_cluster_name) " +
              `(${rate(`envoy_cluster_upstream_rq_xx{envoy_response_code_class="5", ${ROUTES}}`)})`,
            legend: "{{envoy_cluster_name}}",
          },
        ],
        unit: "reqps",
        min: 0,
        width: 10,
        height: 8,
        thresholds: highIsBad(0.1),
      }),
      lines({
        title: "Open connections",
        description: "From people to the gateway. A cliff to zero is the moment it became unreachable.",
        queries: [{ expr: `sum by (node) (envoy_http_downstream_cx_active{${REQUESTS}})`, legend: "{{node}}" }],
        unit: "short",
        min: 0,
        width: 12,
        height: 8,
        stacked: true,
      }),
      lines({
        title: "Names asked and not found",
        description: "Answers of the cluster's DNS other than NOERROR. SERVFAIL: the router's DNS does not answer.",
        queries: [
          {
            expr: 'sum by (rcode) (rate(coredns_dns_responses_total{rcode!="NOERROR"}[$__rate_interval]))',
            legend: "{{rcode}}",
          },
        ],
        unit: "reqps",
        min: 0,
        width: 12,
        height: 8,
      }),
    ],
  };
}

/** The network from the cable up: nodes, BGP, ARP, gateway. */
export function networkBoard(homelab: Homelab): Board {
  return {
    uid: "homelab-network",
    title: "Network",
    description: "From the cable up: nodes, BGP, ARP, gateway. Read it from the top.",
    from: "now-6h",
    sections: [nodes(homelab), ...bgp(homelab), ...layer2(homelab), gateway(homelab)],
  };
}
