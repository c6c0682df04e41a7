import type { Homelab } from "../../../config/homelab";
import { API_PORT } from "../../../nodes/k3s/config";
import { answered, PROBER_JOB } from "../prober/probes";
import type { Alert, AlertGroup } from "./alert";

const PING = answered("node", "L3");
const KUBELET = answered("node", "L4");
/** Fewer than half of the nodes get an answer from this one. */
const silent = (probe: string) => `avg by (peer) (${probe}) < 0.5`;
/** This node gets an answer from fewer than half of the others. */
const deaf = (probe: string) => `avg by (node) (${probe}) < 0.5`;
/** The node that is asked becomes the node of the alert. */
const ofPeer = (expr: string) => `label_replace(${expr}, "node", "$1", "peer", "(.+)")`;

/**
 * Other nodes, by the votes of all: a node that most do not reach is itself the broken one. Of the layers only the lowest
 * broken one speaks, for what is above cannot work then.
 */
function nodeAlerts(homelab: Homelab): Alert[] {
  if (homelab.nodes.length < 2) {
    return [];
  }
  const { controlPlane } = homelab;
  const atHost = controlPlane.vm ? ` ${controlPlane.name} is a VM: virsh list --all on ${controlPlane.vm.host}.` : "";
  const unreachable = { name: "NodeUnreachable", for: "2m", keepFiringFor: "10m", severity: "critical" } as const;
  const cut = { name: "NodeCutOff", for: "2m", severity: "critical" } as const;
  const path = { name: "NodePathBroken", for: "10m", severity: "warning" } as const;
  /** A pair that is not part of something larger. */
  const pair = (probe: string) => `${probe} == 0 unless on (peer) ${silent(PING)} unless on (node) ${deaf(PING)}`;
  return [
    {
      ...unreachable,
      expr: ofPeer(silent(PING)),
      labels: { layer: "L3" },
      summary: "{{ $labels.node }} does not answer the other nodes' ping",
      description: `Layer 3: look at its power, cable and switch port before anything of Kubernetes.${atHost}`,
    },
    {
      ...unreachable,
      expr: ofPeer(`(${silent(KUBELET)} unless on (peer) ${silent(PING)})`),
      labels: { layer: "L4" },
      summary: "{{ $labels.node }} answers ping, but not TCP 10250",
      description:
        "Layer 4: the machine is up, its kubelet or a firewall is not. ssh {{ $labels.node }}, then " +
        `systemctl status k3s-agent; on ${controlPlane.name} the unit is k3s.`,
    },
    {
      ...cut,
      expr: deaf(PING),
      labels: { layer: "L3" },
      summary: "{{ $labels.node }} reaches hardly any other node",
      description: "Layer 3, from its side: ip -br link and ip route on it, then its cable. Cordon it meanwhile.",
    },
    {
      ...cut,
      expr: `${deaf(KUBELET)} unless on (node) ${deaf(PING)}`,
      labels: { layer: "L4" },
      summary: "{{ $labels.node }} pings the other nodes, but connects to none",
      description: "Layer 4, from its side: a firewall or Cilium's masquerading on it. nc -zv -w 3 to another's 10250.",
    },
    {
      ...path,
      expr: pair(PING),
      summary: "{{ $labels.node }} does not reach {{ $labels.peer }}; others do",
      description: "Layer 3 between these two: ping in both directions, then ip neigh on both, then the switch.",
    },
    {
      ...path,
      expr: `${pair(KUBELET)} unless on (node, peer) ${PING} == 0 unless on (peer) ${silent(KUBELET)} unless on (node) ${deaf(KUBELET)}`,
      summary: "{{ $labels.node }} pings {{ $labels.peer }}, but TCP 10250 is closed",
      description: "Layer 4 between these two: a firewall rule for one address. nft list ruleset on both.",
    },
  ];
}

/** The API server as each node sees it. */
function apiAlerts({ controlPlane }: Homelab): Alert[] {
  const port = answered("api", "L4");
  const toHost = `probe_success{job="${PROBER_JOB}", subject="node", layer="L3", peer="${controlPlane.name}"} == 0`;
  const unreachable = { name: "ApiUnreachable", for: "3m", severity: "critical" } as const;
  const at = `${controlPlane.name}, ${controlPlane.address}:${API_PORT}`;
  return [
    {
      ...unreachable,
      expr: toHost,
      labels: { layer: "L3" },
      summary: `{{ $labels.node }} does not reach ${controlPlane.name}, and so no API server`,
      description: `Layer 3: from {{ $labels.node }}, ping ${controlPlane.address}. What runs there goes on, blindly.`,
    },
    {
      ...unreachable,
      expr: `${port} == 0 unless on (node) ${toHost}`,
      labels: { layer: "L4" },
      summary: "{{ $labels.node }} cannot connect to the API server's port",
      description: `Layer 4 to ${at}: systemctl status k3s there; if it runs, nc -zv -w 3 from {{ $labels.node }}.`,
    },
    {
      ...unreachable,
      expr: `${answered("api", "L7")} == 0 unless on (node) ${port} == 0`,
      labels: { layer: "L7" },
      summary: "The API server's port is open for {{ $labels.node }}, but it does not answer",
      description: `Layer 7 at ${at}: journalctl -u k3s -n 100 there, lines about etcd first, and df -h /.`,
    },
  ];
}

/** What Cilium does on top of the LAN: services, DNS, pods of other nodes. */
function clusterNetworkAlerts(): Alert[] {
  const service = answered("service", "L4");
  const apiPort = answered("api", "L4");
  return [
    {
      name: "ServiceNetworkBroken",
      expr: `${service} == 0 unless on (node) ${apiPort} == 0`,
      for: "5m",
      severity: "critical",
      summary: "{{ $labels.node }} reaches the API server directly, but no service",
      description:
        "The LAN is fine, Cilium's services on that node are not: kubectl -n kube-system get pods -o wide -l " +
        "k8s-app=cilium, and the log of its agent.",
    },
    {
      name: "ClusterDnsBroken",
      expr: `${answered("dns", "L7")} == 0 unless on (node) ${service} == 0`,
      for: "5m",
      severity: "critical",
      summary: "Pods on {{ $labels.node }} resolve no names",
      description:
        "kubectl -n kube-system get pods -o wide -l k8s-app=kube-dns: no pod, or one on a node that the other does not " +
        "reach? Then it is VXLAN, UDP 8472.",
    },
    {
      name: "PodNetworkBroken",
      // node-exporter is on the host's network: only what is between pods is broken.
      expr: `max by (node) (up{job="${PROBER_JOB}"}) == 0 and on (node) up{job="node-exporter"} == 1`,
      for: "5m",
      severity: "critical",
      labels: { layer: "L3" },
      summary: "Prometheus reaches {{ $labels.node }}, but no pod on it",
      description:
        "Is the pod prober of that node running? If so, VXLAN between the two nodes: UDP 8472, then Cilium's agent there.",
    },
    {
      name: "ProberMissing",
      expr: `kube_node_info unless on (node) up{job="${PROBER_JOB}"}`,
      for: "15m",
      severity: "warning",
      summary: "Nobody watches the network of {{ $labels.node }}",
      description: "kubectl -n monitoring get pods -o wide | grep prober, then describe the pod of that node.",
    },
  ];
}

/** What the house stands on, from all nodes at once. */
function houseAlerts(homelab: Homelab): Alert[] {
  const { router } = homelab.network.lan;
  const { gateway } = homelab.network;
  return [
    {
      name: "RouterUnreachable",
      expr: `max by (peer) (${answered("router", "L3")}) == 0`,
      for: "3m",
      severity: "critical",
      labels: { layer: "L3" },
      summary: `No node reaches the router ${router}`,
      description: `No internet, no backups, no certificates. ping ${router} from any machine, then its cable and power.`,
    },
    {
      name: "GatewayUnreachable",
      expr: `max by (peer) (${answered("gateway", "L4")}) == 0`,
      for: "5m",
      severity: "critical",
      labels: { layer: "L4" },
      summary: `The gateway ${gateway.ip} takes no connection`,
      description:
        `Nothing of the house opens. ping ${gateway.ip} from the LAN, then kubectl -n networking get gateway home ` +
        "and the pods cilium-envoy.",
    },
  ];
}

/** Which layer broke between whom: the prober's votes (components/monitoring/prober). */
export function reachabilityAlerts(homelab: Homelab): AlertGroup {
  return {
    topic: "reachability",
    alerts: [...nodeAlerts(homelab), ...apiAlerts(homelab), ...clusterNetworkAlerts(), ...houseAlerts(homelab)],
  };
}
