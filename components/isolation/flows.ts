import type { Homelab } from "../../config/homelab";
import { APP_LABEL } from "../apps/names";
import { veleroNames } from "../backup/schedules";
import { acmeDirectory } from "../certificates/acme";
import { authentikNames } from "../identity/authentik-values";
import { proxiedApps } from "../identity/blueprint";
import { MONITORING_NAMESPACE } from "../monitoring/names";
import { KUBELET_PORT, NFS_PORT, nfsServers } from "../monitoring/prober/probes";
import { PROBER } from "../monitoring/prober/prober-manifests";
import { receiverServers } from "../monitoring/receivers";
import { homeGateway } from "../network/names";
import { LONGHORN_NAMESPACE } from "../storage/longhorn-nodes";
import {
  allBut,
  byPing,
  everyPod,
  from,
  fromGateway,
  fromNodes,
  fromPrometheus,
  inNamespace,
  labelled,
  named,
  to,
  toApiServer,
  toGateway,
  toNodes,
  toServer,
  type Flow,
  type FlowRule,
} from "./peers";

/** Needs nothing of the network but the API server. */
const apiOnly: Flow[] = [{ name: "allow-api-server", pods: everyPod, egress: [toApiServer] }];

/**
 * Every flow that a namespace of the platform needs on top of its default deny; what stands here is the whole list. Apps
 * state theirs beside themselves (components/apps/network.ts), OAuth2-Proxies too. The kubelet's probes and port-forwards
 * come from the pod's own node, which Cilium always lets in.
 *
 * @param namespace one that the program makes; others have no flows.
 */
export function namespaceFlows(homelab: Homelab, namespace: string): readonly Flow[] {
  const flows = platformFlows[namespace];
  return flows ? flows(homelab) : [];
}

const platformFlows: Readonly<Partial<Record<string, (homelab: Homelab) => Flow[]>>> = {
  // cert-manager's short-lived solvers (pkg/issuer/acme/http/pod.go at v1.18: label and port 8089).
  [homeGateway.namespace]: () => [
    {
      name: "allow-challenges",
      pods: labelled("acme.cert-manager.io/http01-solver", "true"),
      ingress: [fromGateway(8089)],
    },
  ],
  "cert-manager": (homelab) => [
    ...apiOnly,
    {
      name: "allow-acme",
      pods: labelled("app.kubernetes.io/component", "controller"),
      // Port 80 of the gateway: it asks for its own challenge before Let's Encrypt does.
      egress: [
        toServer(new URL(acmeDirectory(homelab.network.certificates.issuer)).hostname, 443),
        ...toGateway(homelab, 80),
      ],
    },
    {
      name: "allow-webhook",
      pods: labelled("app.kubernetes.io/component", "webhook"),
      ingress: [fromNodes(10250)],
    },
    { name: "allow-metrics", pods: everyPod, ingress: [fromPrometheus(9402)] },
  ],
  [LONGHORN_NAMESPACE]: () => longhornFlows,
  "local-path-storage": () => apiOnly,
  // Node plugin and controller are on the host's network; this is for the snapshot controller.
  "csi-driver-nfs": () => apiOnly,
  // Its config manager reads the labels of its node.
  "nvidia-device-plugin": () => apiOnly,
  "dcgm-exporter": () => [{ name: "allow-metrics", pods: everyPod, ingress: [fromPrometheus(9400)] }],
  [MONITORING_NAMESPACE]: monitoringFlows,
  [authentikNames.namespace]: authentikFlows,
  [veleroNames.namespace]: ({ backup }) => [
    ...apiOnly,
    // Server, node agents and the jobs that maintain repositories.
    { name: "allow-b2", pods: everyPod, egress: [toServer(backup.b2.endpoint, 443)] },
    { name: "allow-metrics", pods: everyPod, ingress: [fromPrometheus(8085)] },
  ],
};

/**
 * Longhorn's parts talk to each other freely (replicas, engines, CSI, webhooks), but neither to nor from the proxy beside
 * them, and nothing reaches the UI but that: UI and managers have no login and can delete every volume. Labels and ports:
 * chart longhorn 1.6.2, templates/deployment-ui.yaml, daemonset-sa.yaml, network-policies/. iSCSI comes from the volume's
 * own node.
 */
const longhornFlows: Flow[] = [
  { name: "allow-api-server", pods: allBut("app.kubernetes.io/name", "oauth2-proxy"), egress: [toApiServer] },
  {
    name: "allow-inside",
    pods: {
      matchExpressions: [
        { key: "app", operator: "NotIn", values: ["longhorn-ui"] },
        { key: "app.kubernetes.io/name", operator: "NotIn", values: ["oauth2-proxy"] },
      ],
    },
    ingress: [from([allBut("app.kubernetes.io/name", "oauth2-proxy")])],
    egress: [to([allBut("app.kubernetes.io/name", "oauth2-proxy")])],
  },
  {
    name: "allow-ui",
    pods: labelled("app", "longhorn-ui"),
    ingress: [from([named("oauth2-proxy")], 8000)],
    egress: [to([labelled("app", "longhorn-manager")], 9500)],
  },
  {
    name: "allow-manager",
    pods: labelled("app", "longhorn-manager"),
    // Conversion and admission webhooks, and the recovery backend of shared volumes.
    ingress: [fromNodes(9501, 9502, 9503), fromPrometheus(9500)],
  },
  // The kernel of the node on which a shared volume is mounted, which may be another than the share manager's.
  {
    name: "allow-shared-volumes",
    pods: labelled("longhorn.io/component", "share-manager"),
    ingress: [fromNodes(2049)],
  },
];

/**
 * Prometheus, Alertmanager and Loki have no login of their own: only who has business with them gets there. OAuth2-Proxies
 * of the first two live here as well and bring their own policies.
 */
function monitoringFlows(homelab: Homelab): Flow[] {
  const [prometheus, alertmanager, grafana, loki, alloy] = [
    "prometheus",
    "alertmanager",
    "grafana",
    "loki",
    "alloy",
  ].map(named);
  const proxy = (service: string) => labelled("app.kubernetes.io/instance", `oauth2-proxy-${service}`);
  return [
    {
      name: "allow-api-server",
      pods: allBut("app.kubernetes.io/name", "oauth2-proxy", "loki", "alertmanager"),
      egress: [toApiServer],
    },
    // Also how Prometheus hands its alerts to Alertmanager.
    {
      name: "allow-metrics",
      pods: allBut("app.kubernetes.io/name", "oauth2-proxy"),
      ingress: [from([prometheus])],
    },
    {
      name: "allow-prometheus",
      pods: prometheus,
      ingress: [from([grafana, proxy("prometheus")], 9090)],
      // What it scrapes are pods and nodes at any port; who may be scraped by it is said at each target.
      egress: [{ toEntities: ["cluster", "kube-apiserver"] }],
    },
    {
      name: "allow-alertmanager",
      pods: alertmanager,
      ingress: [from([grafana, proxy("alertmanager")], 9093)],
      egress: receiverServers(homelab).map(({ host, port }) => toServer(host, port)),
    },
    {
      name: "allow-grafana",
      pods: grafana,
      ingress: [fromGateway(3000)],
      egress: [
        to([prometheus], 9090),
        to([alertmanager], 9093),
        to([loki], 3100),
        // Its login.
        ...toGateway(homelab, 443),
      ],
    },
    { name: "allow-loki", pods: loki, ingress: [from([grafana, alloy], 3100)] },
    { name: "allow-alloy", pods: alloy, egress: [to([loki], 3100)] },
    { name: "allow-prober", pods: named(PROBER), egress: probed(homelab) },
  ];
}

/** What every node's prober asks (components/monitoring/prober/probes.ts), but for the API server and the cluster's DNS. */
function probed(homelab: Homelab): FlowRule[] {
  const servers = nfsServers(homelab).map(({ address }) => toServer(address, NFS_PORT));
  const nodes = toNodes(KUBELET_PORT);
  return [
    nodes,
    ...servers,
    ...[nodes, ...servers, toServer(homelab.network.lan.router, 0)].map(byPing),
    ...toGateway(homelab, 443),
  ];
}

/** Authentik's server is also the way to every proxied app. Ports: chart 2025.12 values (9000 HTTP, 9300 metrics). */
function authentikFlows(homelab: Homelab): Flow[] {
  const database = named("postgresql");
  const authentik = named("authentik");
  const server: typeof authentik = {
    matchLabels: { ...authentik.matchLabels, "app.kubernetes.io/component": "server" },
  };
  return [
    {
      name: "allow-authentik",
      pods: authentik,
      ingress: [fromPrometheus(9300)],
      egress: [to([database], 5432)],
    },
    {
      name: "allow-server",
      pods: server,
      ingress: [fromGateway(9000)],
      egress: [
        ...toGateway(homelab, 443),
        ...proxiedApps(homelab).map((app) =>
          to([inNamespace(app.namespace, labelled(APP_LABEL, app.name))], Number(app.port)),
        ),
      ],
    },
    { name: "allow-database", pods: database, ingress: [from([authentik], 5432)] },
  ];
}
