import { of, told, type AlertCase } from "../case";

const NODES = ["k3s-master1", "k3s1", "k3s2", "k3s3"];

/** Answers of every pair of nodes; `broken` says which get none. */
function pairs(layer: string, broken: (from: string, to: string) => boolean) {
  return NODES.flatMap((from) =>
    NODES.filter((to) => to !== from).map((to) =>
      of(
        `probe_success{job="prober", subject="node", layer="${layer}", node="${from}", peer="${to}"}`,
        broken(from, to) ? "0x60" : "1x60",
      ),
    ),
  );
}
const nobody = () => false;
const to =
  (...peers: string[]) =>
  (_from: string, peer: string) =>
    peers.includes(peer);
const from = (node: string) => (source: string) => source === node;

/** Answers of one subject to every node but those. */
const asked = (subject: string, layer: string, silentFor: readonly string[] = []) =>
  NODES.map((node) =>
    of(
      `probe_success{job="prober", subject="${subject}", layer="${layer}", node="${node}", peer="x"}`,
      silentFor.includes(node) ? "0x60" : "1x60",
    ),
  );

const node = (name: string) => ({ node: name });
const L3 = { layer: "L3" };
const L4 = { layer: "L4" };
const L7 = { layer: "L7" };
const peers = (name: string) => ({ peer: name, node: name });

/** A volume of 30 TB in use on two nodes, by the percentage used. */
const share = (claim: string, storageClass: string, percent: number) => {
  const labels = `namespace="media", persistentvolumeclaim="${claim}"`;
  return [
    of(`kube_persistentvolumeclaim_info{${labels}, storageclass="${storageClass}", volumename="v"}`, "1x60"),
    ...["k3s1", "k3s3"].flatMap((node) => [
      of(`kubelet_volume_stats_used_bytes{${labels}, job="kubelet", node="${node}"}`, `${percent * 3e11}x60`),
      of(`kubelet_volume_stats_capacity_bytes{${labels}, job="kubelet", node="${node}"}`, "30e12x60"),
    ]),
  ];
};

export const reachabilityCases: readonly AlertCase[] = [
  {
    alert: "NodeUnreachable",
    when: "k3s1 is off: the lower layer speaks, and only that",
    series: [...pairs("L3", to("k3s1")), ...pairs("L4", to("k3s1"))],
    at: "5m",
    fires: [told("critical", { ...peers("k3s1"), ...L3 }, "k3s1 does not answer the other nodes' ping")],
  },
  {
    alert: "NodeUnreachable",
    when: "k3s1 answers ping, and its kubelet is gone",
    series: [...pairs("L3", nobody), ...pairs("L4", to("k3s1"))],
    at: "5m",
    fires: [told("critical", { ...peers("k3s1"), ...L4 }, "k3s1 answers ping, but not TCP 10250")],
  },
  {
    alert: "NodeUnreachable",
    when: "everybody answers",
    series: [...pairs("L3", nobody), ...pairs("L4", nobody)],
    at: "30m",
    fires: [],
  },
  {
    alert: "NodeUnreachable",
    when: "one node of three does not reach k3s1: that is a path, not a machine",
    series: [
      ...pairs("L3", (a, b) => a === "k3s2" && b === "k3s1"),
      ...pairs("L4", (a, b) => a === "k3s2" && b === "k3s1"),
    ],
    at: "30m",
    fires: [],
  },
  {
    alert: "NodeUnreachable",
    when: "a lost minute is no alert",
    series: [
      ...pairs("L3", nobody).map((one) =>
        one.series.includes('peer="k3s1"') ? { ...one, values: "1x5 0 1x54" } : one,
      ),
      ...pairs("L4", nobody),
    ],
    at: "7m",
    fires: [],
  },
  {
    alert: "NodeCutOff",
    when: "the k3s1 incident from its side: it reaches nobody, others reach it",
    series: [...pairs("L3", from("k3s1")), ...pairs("L4", from("k3s1"))],
    at: "5m",
    fires: [told("critical", { ...node("k3s1"), ...L3 }, "k3s1 reaches hardly any other node")],
  },
  {
    alert: "NodeCutOff",
    when: "it pings, and connects to none",
    series: [...pairs("L3", nobody), ...pairs("L4", from("k3s1"))],
    at: "5m",
    fires: [told("critical", { ...node("k3s1"), ...L4 }, "k3s1 pings the other nodes, but connects to none")],
  },
  {
    alert: "NodeCutOff",
    when: "another node is off: one of three is no cut",
    series: [...pairs("L3", to("k3s2")), ...pairs("L4", to("k3s2"))],
    at: "30m",
    fires: [],
  },
  {
    alert: "NodePathBroken",
    when: "one direction of one pair, at layer 3",
    series: [...pairs("L3", (a, b) => a === "k3s2" && b === "k3s1"), ...pairs("L4", nobody)],
    at: "15m",
    fires: [
      told(
        "warning",
        { job: "prober", subject: "node", ...L3, node: "k3s2", peer: "k3s1" },
        "k3s2 does not reach k3s1; others do",
      ),
    ],
  },
  {
    alert: "NodePathBroken",
    when: "a firewall between two, at layer 4",
    series: [...pairs("L3", nobody), ...pairs("L4", (a, b) => a === "k3s2" && b === "k3s1")],
    at: "15m",
    fires: [
      told(
        "warning",
        { job: "prober", subject: "node", ...L4, node: "k3s2", peer: "k3s1" },
        "k3s2 pings k3s1, but TCP 10250 is closed",
      ),
    ],
  },
  {
    alert: "NodePathBroken",
    when: "k3s1 is off: no flood of pairs",
    series: [...pairs("L3", to("k3s1")), ...pairs("L4", to("k3s1"))],
    at: "30m",
    fires: [],
  },
  {
    alert: "NodePathBroken",
    when: "only the kubelet of k3s1 is gone, and k3s3 cannot connect at all: no flood either",
    series: [...pairs("L3", nobody), ...pairs("L4", (a, b) => b === "k3s1" || a === "k3s3")],
    at: "30m",
    fires: [],
  },
  {
    alert: "ApiUnreachable",
    when: "k3s1 does not ping the control plane: layer 3, and the port says nothing more",
    series: [
      ...pairs("L3", (a, b) => a === "k3s1" && b === "k3s-master1"),
      ...asked("api", "L4", ["k3s1"]),
      ...asked("api", "L7", ["k3s1"]),
    ],
    at: "5m",
    fires: [
      told(
        "critical",
        { job: "prober", subject: "node", ...L3, node: "k3s1", peer: "k3s-master1" },
        "k3s1 does not reach k3s-master1, and so no API server",
      ),
    ],
  },
  {
    alert: "ApiUnreachable",
    when: "the port is closed for k3s1",
    series: [...pairs("L3", nobody), ...asked("api", "L4", ["k3s1"]), ...asked("api", "L7", ["k3s1"])],
    at: "5m",
    fires: [
      told(
        "critical",
        { job: "prober", subject: "api", ...L4, node: "k3s1", peer: "x" },
        "k3s1 cannot connect to the API server's port",
      ),
    ],
  },
  {
    alert: "ApiUnreachable",
    when: "the port is open and nobody answers, as with an etcd that is stuck",
    series: [...pairs("L3", nobody), ...asked("api", "L4"), ...asked("api", "L7", NODES)],
    at: "5m",
    fires: NODES.map((name) =>
      told(
        "critical",
        { job: "prober", subject: "api", ...L7, node: name, peer: "x" },
        `The API server's port is open for ${name}, but it does not answer`,
      ),
    ),
  },
  {
    alert: "ApiUnreachable",
    when: "everything answers",
    series: [...pairs("L3", nobody), ...asked("api", "L4"), ...asked("api", "L7")],
    at: "30m",
    fires: [],
  },
  {
    alert: "ServiceNetworkBroken",
    when: "the API server answers directly and not as a service",
    series: [...asked("service", "L4", ["k3s1"]), ...asked("api", "L4")],
    at: "10m",
    fires: [
      told(
        "critical",
        { job: "prober", subject: "service", ...L4, node: "k3s1", peer: "x" },
        "k3s1 reaches the API server directly, but no service",
      ),
    ],
  },
  {
    alert: "ServiceNetworkBroken",
    when: "the API server is gone as well: that is the cause",
    series: [...asked("service", "L4", ["k3s1"]), ...asked("api", "L4", ["k3s1"])],
    at: "30m",
    fires: [],
  },
  {
    alert: "ClusterDnsBroken",
    when: "services answer, names do not",
    series: [...asked("dns", "L7", ["k3s2"]), ...asked("service", "L4")],
    at: "10m",
    fires: [
      told(
        "critical",
        { job: "prober", subject: "dns", ...L7, node: "k3s2", peer: "x" },
        "Pods on k3s2 resolve no names",
      ),
    ],
  },
  {
    alert: "ClusterDnsBroken",
    when: "no service answers: that is the cause",
    series: [...asked("dns", "L7", ["k3s2"]), ...asked("service", "L4", ["k3s2"])],
    at: "30m",
    fires: [],
  },
  {
    alert: "PodNetworkBroken",
    when: "node-exporter on the host's network answers, the prober in the pod network does not",
    series: [
      of('up{job="prober", node="k3s1", subject="dns"}', "0x60"),
      of('up{job="node-exporter", node="k3s1"}', "1x60"),
    ],
    at: "10m",
    fires: [told("critical", { ...node("k3s1"), ...L3 }, "Prometheus reaches k3s1, but no pod on it")],
  },
  {
    alert: "PodNetworkBroken",
    when: "the node is off",
    series: [
      of('up{job="prober", node="k3s1", subject="dns"}', "0x60"),
      of('up{job="node-exporter", node="k3s1"}', "0x60"),
    ],
    at: "30m",
    fires: [],
  },
  {
    alert: "ProberMissing",
    when: "no prober on k3s2",
    series: [
      of('kube_node_info{node="k3s1"}', "1x60"),
      of('kube_node_info{node="k3s2"}', "1x60"),
      of('up{job="prober", node="k3s1", subject="dns"}', "1x60"),
    ],
    at: "20m",
    fires: [told("warning", node("k3s2"), "Nobody watches the network of k3s2")],
  },
  {
    alert: "ProberMissing",
    when: "a prober on each, even one that does not answer",
    series: [of('kube_node_info{node="k3s1"}', "1x60"), of('up{job="prober", node="k3s1", subject="dns"}', "0x60")],
    at: "30m",
    fires: [],
  },
  {
    alert: "RouterUnreachable",
    when: "no node gets an answer",
    series: asked("router", "L3", NODES),
    at: "5m",
    fires: [told("critical", { peer: "x", ...L3 }, "No node reaches the router 192.168.10.1")],
  },
  {
    alert: "RouterUnreachable",
    when: "one node does",
    series: asked("router", "L3", NODES.slice(1)),
    at: "30m",
    fires: [],
  },
  {
    alert: "GatewayUnreachable",
    when: "no node gets a connection",
    series: asked("gateway", "L4", NODES),
    at: "10m",
    fires: [told("critical", { peer: "x", ...L4 }, "The gateway 192.168.10.224 takes no connection")],
  },
  {
    alert: "GatewayUnreachable",
    when: "one node does",
    series: asked("gateway", "L4", NODES.slice(1)),
    at: "30m",
    fires: [],
  },
  {
    alert: "NfsServerDown",
    when: "the R730 is off",
    series: [...asked("server", "L3", NODES), ...asked("server", "L4", NODES)].map((one) => ({
      ...one,
      series: one.series.replace('peer="x"', 'peer="r730"'),
    })),
    at: "5m",
    fires: [told("critical", { ...peers("r730"), ...L3 }, "Storage server r730 does not answer ping")],
  },
  {
    alert: "NfsServerDown",
    when: "the R730 is up without NFS",
    series: [...asked("server", "L3"), ...asked("server", "L4", NODES)].map((one) => ({
      ...one,
      series: one.series.replace('peer="x"', 'peer="r730"'),
    })),
    at: "5m",
    fires: [told("critical", { ...peers("r730"), ...L4 }, "Storage server r730 is up, but serves no NFS")],
  },
  {
    alert: "NfsServerDown",
    when: "one node reaches it: a path, told elsewhere",
    series: [...asked("server", "L3", NODES.slice(1)), ...asked("server", "L4", NODES.slice(1))],
    at: "30m",
    fires: [],
  },
  {
    alert: "MediaAlmostFull",
    when: "of 30 TB 4 % are left, as two nodes see it",
    series: [...share("media", "media-static", 96), ...share("jellyfin-config", "longhorn-nvme", 99)],
    at: "40m",
    fires: [told("warning", { namespace: "media", persistentvolumeclaim: "media" }, "The media share is 96% full")],
  },
  {
    alert: "MediaAlmostFull",
    when: "6 % are left; another volume is Longhorn's matter",
    series: [...share("media", "media-static", 94), ...share("jellyfin-config", "longhorn-nvme", 99)],
    at: "40m",
    fires: [],
  },
  {
    alert: "AuthentikDown",
    when: "the gateway takes connections, the login does not answer",
    series: [...asked("login", "L7", NODES), ...asked("gateway", "L4")],
    at: "10m",
    fires: [told("critical", { peer: "x", ...L7 }, "Nobody can log in: Authentik does not answer")],
  },
  {
    alert: "AuthentikDown",
    when: "the gateway is the cause",
    series: [...asked("login", "L7", NODES), ...asked("gateway", "L4", NODES)],
    at: "30m",
    fires: [],
  },
];
