import { home } from "../../../../support/home";
import { of, told, type AlertCase } from "../case";

const K3S_ROOT = "/var/lib/rancher/k3s/agent/kubelet";

/** Two cases of one alert: the series as it is when it fires, and as it is on a good day. */
function both(
  alert: string,
  one: Omit<AlertCase, "alert" | "when"> & { when: string; otherwise: string; fine: AlertCase["series"] },
): AlertCase[] {
  const { otherwise, fine, fires, ...rest } = one;
  return [
    { alert, ...rest, fires },
    { alert, ...rest, when: otherwise, series: fine, fires: [] },
  ];
}

const condition = (values: string) => [
  of('kube_node_status_condition{node="k3s1", condition="Ready", status="true"}', values),
];
const disk = (metric: string, node: string, mountpoint: string, values: string) =>
  of(`${metric}{node="${node}", mountpoint="${mountpoint}", device="/dev/sda1", fstype="ext4"}`, values);

/** So many percent of the root disk are free, for an hour. */
const rootHasLeft = (node: string, percent: string) => [
  disk("node_filesystem_avail_bytes", node, "/", `${percent}e9x60`),
  disk("node_filesystem_size_bytes", node, "/", "100e9x60"),
];

const nodeCases: readonly AlertCase[] = [
  ...both("NodeDown", {
    when: "k3s1 is not Ready",
    series: condition("0x30"),
    at: "10m",
    fires: [told("critical", { node: "k3s1", condition: "Ready", status: "true" }, "Node k3s1 is not Ready")],
    otherwise: "a node that is not Ready for three minutes",
    fine: condition("1x5 0x3 1x30"),
  }),
  {
    alert: "NodeDown",
    when: "it stays a while after the node is back, for what takes longer to recover",
    series: condition("0x10 1x30"),
    at: "15m",
    fires: [told("critical", { node: "k3s1", condition: "Ready", status: "true" }, "Node k3s1 is not Ready")],
  },
  ...both("NodeExporterDown", {
    when: "the k3s1 incident: its own metrics are gone while its kubelet answers",
    series: [
      of('up{job="node-exporter", node="k3s1"}', "0x30"),
      of('up{job="kubelet", metrics_path="/metrics", node="k3s1"}', "1x30"),
    ],
    at: "15m",
    fires: [told("warning", { job: "node-exporter", node: "k3s1" }, "k3s1 is up, but its own metrics are gone")],
    otherwise: "the whole node is off",
    fine: [
      of('up{job="node-exporter", node="k3s1"}', "0x30"),
      of('up{job="kubelet", metrics_path="/metrics", node="k3s1"}', "0x30"),
    ],
  }),
  ...both("KubeStateMetricsMissing", {
    when: "its Deployment was deleted",
    series: [of("somebody_else", "1x30")],
    at: "20m",
    fires: [told("critical", {}, "Nobody reports nodes, pods and deployments")],
    otherwise: "it reports",
    fine: [of('kube_node_info{node="k3s1"}', "1x30")],
  }),
  ...both("NodeFilesystemFilling", {
    when: "a tenth each hour",
    series: [
      disk("node_filesystem_avail_bytes", "k3s1", "/", "90e9-0.17e9x500"),
      disk("node_filesystem_size_bytes", "k3s1", "/", "100e9x500"),
    ],
    at: "400m",
    fires: [told("warning", { node: "k3s1", mountpoint: "/" }, "/ of k3s1 is full within a day at this rate")],
    otherwise: "half full and still",
    fine: [
      disk("node_filesystem_avail_bytes", "k3s1", "/", "40e9x500"),
      disk("node_filesystem_size_bytes", "k3s1", "/", "100e9x500"),
    ],
  }),
  ...both("NodeFilesystemNearEviction", {
    when: "7.5% are left",
    series: rootHasLeft("k3s1", "7.5"),
    at: "20m",
    fires: [told("critical", { node: "k3s1", mountpoint: "/" }, "/ of k3s1 has 7.5% free")],
    otherwise: "11% are left",
    fine: rootHasLeft("k3s1", "11"),
  }),
  ...both("NodeFilesystemNearEviction", {
    when: "the control plane, which evicts at 10%, has 14% left",
    series: rootHasLeft("k3s-master1", "14"),
    at: "20m",
    fires: [told("critical", { node: "k3s-master1", mountpoint: "/" }, "/ of k3s-master1 has 14.0% free")],
    otherwise: "16% are left there",
    fine: rootHasLeft("k3s-master1", "16"),
  }),
  ...both("NodeFilesystemReadOnly", {
    when: "the kernel remounted it",
    series: [disk("node_filesystem_readonly", "k3s3", "/mnt/nvme-1", "1x30")],
    at: "10m",
    fires: [
      told(
        "critical",
        { node: "k3s3", mountpoint: "/mnt/nvme-1", device: "/dev/sda1" },
        "/mnt/nvme-1 of k3s3 became read-only",
      ),
    ],
    otherwise: "it can be written",
    fine: [disk("node_filesystem_readonly", "k3s3", "/mnt/nvme-1", "0x30")],
  }),
];

const agent = (values: string) => [
  of('kube_pod_status_ready{namespace="kube-system", pod="cilium-abc12", condition="true"}', values),
  of('kube_pod_info{namespace="kube-system", pod="cilium-abc12", node="k3s1"}', "1x30"),
];
const operator = (values: string) => [
  of('kube_deployment_status_replicas_available{namespace="kube-system", deployment="cilium-operator"}', values),
];
const peers = (values: string) => [
  of('cilium_unreachable_nodes{pod="cilium-abc12", instance="192.168.10.21:9962"}', values),
];
const session = (values: string) => [
  of(
    'cilium_bgp_control_plane_session_state{pod="cilium-abc12", node="k3s1", vrouter="64512", neighbor="192.168.10.1:179"}',
    values,
  ),
];

const served = (namespace: string, service: string) =>
  of(
    `kube_service_status_load_balancer_ingress{namespace="${namespace}", service="${service}", uid="1", ip="192.168.10.224", hostname=""}`,
    "1x30",
  );
const owner = (name: string, holder: string, values: string) =>
  of(
    `kube_lease_owner{lease="cilium-l2announce-${name}", owner_kind="", owner_name="", namespace="kube-system", lease_holder="${holder}"}`,
    values,
  );
/** The gateway's Service, and a lease as kube-state-metrics writes it: the namespace beside its time is the scrape's. */
const held = (name: string, renewed = "0+60x30", holder = "k3s1") => [
  served("networking", "cilium-gateway-home"),
  of(`kube_lease_renew_time{lease="cilium-l2announce-${name}", namespace="monitoring"}`, renewed),
  owner(name, holder, "1x30"),
];
const notAnnounced = (namespace: string, service: string) =>
  told(
    "critical",
    { namespace, service, lease: `cilium-l2announce-${namespace}-${service}` },
    `No node tells the LAN where ${namespace}/${service} is`,
  );

const networkCases: readonly AlertCase[] = [
  ...both("CiliumAgentNotReady", {
    when: "the agent of k3s1 is not ready",
    series: agent("0x30"),
    at: "10m",
    fires: [
      told(
        "critical",
        { namespace: "kube-system", pod: "cilium-abc12", condition: "true", node: "k3s1" },
        "Cilium does not work on k3s1",
      ),
    ],
    otherwise: "it is ready",
    fine: agent("1x30"),
  }),
  ...both("CiliumOperatorDown", {
    when: "no operator",
    series: operator("0x30"),
    at: "15m",
    fires: [told("critical", { namespace: "kube-system", deployment: "cilium-operator" }, "No Cilium operator runs")],
    otherwise: "one operator",
    fine: operator("1x30"),
  }),
  {
    alert: "CiliumOperatorDown",
    when: "its Deployment was deleted",
    series: [{ series: 'kube_node_info{node="k3s1"}', values: "1x30" }],
    at: "15m",
    fires: [told("critical", { namespace: "kube-system", deployment: "cilium-operator" }, "No Cilium operator runs")],
  },
  ...both("CiliumUnreachableNodes", {
    when: "an agent misses two",
    series: peers("2x30"),
    at: "15m",
    fires: [
      told("warning", { pod: "cilium-abc12", instance: "192.168.10.21:9962" }, "cilium-abc12 cannot reach 2 node(s)"),
    ],
    otherwise: "it misses none",
    fine: peers("0x30"),
  }),
  ...both("AddressNotAnnounced", {
    when: "a new Service that no node has a lease for, while the gateway's is fine",
    series: [served("media", "player"), ...held("networking-cilium-gateway-home")],
    at: "10m",
    fires: [notAnnounced("media", "player")],
    otherwise: "both are held and renewed",
    fine: [served("media", "player"), ...held("media-player"), ...held("networking-cilium-gateway-home")],
  }),
  {
    alert: "AddressNotAnnounced",
    when: "the holder renews its lease no more",
    series: held("networking-cilium-gateway-home", "0+60x4 240x30"),
    at: "10m",
    fires: [notAnnounced("networking", "cilium-gateway-home")],
  },
  {
    alert: "AddressNotAnnounced",
    when: "the lease was given back, and nobody took it",
    series: held("networking-cilium-gateway-home", "0+60x30", ""),
    at: "10m",
    fires: [notAnnounced("networking", "cilium-gateway-home")],
  },
  {
    alert: "AddressNotAnnounced",
    when: "another node took over within a minute",
    series: [
      ...held("networking-cilium-gateway-home", "0+60x4 240x1 420+60x30").slice(0, 2),
      owner("networking-cilium-gateway-home", "k3s1", "1x5 _x30"),
      owner("networking-cilium-gateway-home", "k3s2", "_x6 1x30"),
    ],
    at: "10m",
    fires: [],
  },
  {
    alert: "AddressNotAnnounced",
    when: "a Service without an address",
    series: [
      of('kube_service_info{namespace="media", service="player"}', "1x30"),
      ...held("networking-cilium-gateway-home"),
    ],
    at: "10m",
    fires: [],
  },
  ...both("BgpSessionDown", {
    when: "the router does not hear k3s1",
    series: session("0x30"),
    at: "15m",
    fires: [
      told(
        "warning",
        { pod: "cilium-abc12", node: "k3s1", vrouter: "64512", neighbor: "192.168.10.1:179" },
        "cilium-abc12 has no BGP session with 192.168.10.1:179",
      ),
    ],
    otherwise: "established",
    fine: session("1x30"),
  }),
];

const kubelet = (values = "1x20") => of('up{job="kubelet", metrics_path="/metrics", node="k3s1"}', values);
const registered = (root: string, driver: string) =>
  of(
    `plugin_manager_total_plugins{node="k3s1", state="actual_state_of_world", socket_path="${root}/plugins_registry/${driver}-reg.sock"}`,
    "1x20",
  );
const LONGHORN = "driver.longhorn.io";
const NFS = "nfs.csi.k8s.io";
const missing = (driver: string) =>
  told(
    "critical",
    { job: "kubelet", metrics_path: "/metrics", node: "k3s1", driver },
    `The kubelet of k3s1 does not know ${driver}`,
  );
const plugin = (values: string) => [
  of('kube_pod_status_ready{namespace="longhorn-system", pod="longhorn-csi-plugin-x1", condition="true"}', values),
  of('kube_pod_info{namespace="longhorn-system", pod="longhorn-csi-plugin-x1", node="k3s1"}', "1x30"),
];
const attachment = (values: string) => [
  of('kube_volumeattachment_status_attached{volumeattachment="csi-1"}', values),
  of('kube_volumeattachment_info{volumeattachment="csi-1", attacher="driver.longhorn.io", node="k3s1"}', "1x30"),
];

const csiCases: readonly AlertCase[] = [
  ...both("CsiDriverNotRegistered", {
    when: "the June 2025 incident: drivers below another root than the kubelet's",
    series: [kubelet(), registered("/var/lib/kubelet", LONGHORN), registered("/var/lib/kubelet", NFS)],
    at: "15m",
    fires: [missing(LONGHORN), missing(NFS)],
    otherwise: "both below the kubelet's root",
    fine: [kubelet(), registered(K3S_ROOT, LONGHORN), registered(K3S_ROOT, NFS)],
  }),
  {
    alert: "CsiDriverNotRegistered",
    when: "only the media's driver is missing",
    series: [kubelet(), registered(K3S_ROOT, LONGHORN)],
    at: "15m",
    fires: [missing(NFS)],
  },
  {
    alert: "CsiDriverNotRegistered",
    when: "the node is off",
    series: [kubelet("0x20"), registered("/elsewhere", LONGHORN)],
    at: "15m",
    fires: [],
  },
  ...both("CsiPluginNotReady", {
    when: "the plugin's pod is not ready",
    series: plugin("0x30"),
    at: "15m",
    fires: [
      told(
        "critical",
        { namespace: "longhorn-system", pod: "longhorn-csi-plugin-x1", condition: "true", node: "k3s1" },
        "The CSI plugin's pod longhorn-csi-plugin-x1 is not ready",
      ),
    ],
    otherwise: "it is ready",
    fine: plugin("1x30"),
  }),
  ...both("VolumeAttachmentStuck", {
    when: "not attached for a quarter of an hour",
    series: attachment("0x30"),
    at: "20m",
    fires: [
      told(
        "warning",
        { volumeattachment: "csi-1", attacher: "driver.longhorn.io", node: "k3s1" },
        "A volume has not attached to k3s1 for 15 minutes",
      ),
    ],
    otherwise: "attached",
    fine: attachment("1x30"),
  }),
];

const left = (days: number) => [
  of(
    'certmanager_certificate_expiration_timestamp_seconds{name="grafana", exported_namespace="networking", namespace="cert-manager"}',
    `${days * 86_400}x120`,
  ),
];
const certificate = { name: "grafana", exported_namespace: "networking" };
const ready = (values: string) => [
  of(
    'certmanager_certificate_ready_status{name="grafana", exported_namespace="networking", condition="False"}',
    values,
  ),
];

const certificateCases: readonly AlertCase[] = [
  ...both("CertificateExpiring", {
    when: "ten days are left",
    series: left(10),
    at: "100m",
    fires: [told("warning", certificate, "Certificate grafana ends in 10 days")],
    otherwise: "forty days are left",
    fine: left(40),
  }),
  {
    alert: "CertificateExpiring",
    when: "three days are left",
    series: left(3),
    at: "100m",
    fires: [
      told("warning", certificate, "Certificate grafana ends in 3 days"),
      told("critical", certificate, "Certificate grafana ends in 3 days"),
    ],
  },
  ...both("CertificateNotReady", {
    when: "it was never issued",
    series: ready("1x120"),
    at: "100m",
    fires: [told("warning", certificate, "Certificate grafana is not ready")],
    otherwise: "it is ready",
    fine: ready("0x120"),
  }),
];

const slices = (values: string) => [
  of('kube_node_status_allocatable{resource="nvidia_com_gpu", unit="integer", node="k3s3"}', values),
];
const temperature = (celsius: number) => [
  of('DCGM_FI_DEV_GPU_TEMP{gpu="0", modelName="Tesla T4", Hostname="k3s3", pod="x"}', `${celsius}x60`),
];
const card = { gpu: "0", modelName: "Tesla T4", Hostname: "k3s3" };
const hot = (celsius: number) => `GPU 0 (Tesla T4) is at ${celsius} degrees`;

const render = (node: string, values: string) =>
  of(`kube_node_status_allocatable{resource="gpu_intel_com_i915", unit="integer", node="${node}"}`, values);
const noQuickSync = (node: string) =>
  told("warning", { resource: "gpu_intel_com_i915", node }, `${node} offers fewer than 4 shares of QuickSync`);

const gpuCases: readonly AlertCase[] = [
  ...both("GpuGone", {
    when: "it offers nothing",
    series: slices("0x30"),
    at: "20m",
    fires: [
      told("warning", { resource: "nvidia_com_gpu", node: "k3s3" }, "k3s3 offers fewer than 4 slices of its Tesla T4"),
    ],
    otherwise: "all four slices",
    fine: slices("4x30"),
  }),
  {
    alert: "GpuGone",
    when: "the node does not even name the resource",
    series: [of("somebody_else", "1x30")],
    at: "20m",
    fires: [
      told("warning", { resource: "nvidia_com_gpu", node: "k3s3" }, "k3s3 offers fewer than 4 slices of its Tesla T4"),
    ],
  },
  ...both("QuickSyncGone", {
    when: "k3s1 offers nothing, k3s2 does not even name it",
    series: [render("k3s1", "0x30")],
    at: "20m",
    fires: ["k3s1", "k3s2"].map(noQuickSync),
    otherwise: "all shares of both",
    fine: [render("k3s1", "4x30"), render("k3s2", "4x30")],
  }),
  {
    alert: "QuickSyncGone",
    when: "one share is broken, of one node",
    series: [render("k3s1", "4x30"), render("k3s2", "3x30")],
    at: "20m",
    fires: [noQuickSync("k3s2")],
  },
  {
    alert: "QuickSyncGone",
    when: "it first offers nothing and then is not named: one alert, from the first on",
    series: [render("k3s1", "0x10 _x30"), render("k3s2", "4x60")],
    at: "18m",
    fires: [noQuickSync("k3s1")],
  },
  {
    alert: "QuickSyncGone",
    when: "the plugin restarts",
    series: [render("k3s1", "4x5 0x8 4x30"), render("k3s2", "4x60")],
    at: "20m",
    fires: [],
  },
  ...both("GpuMetricsMissing", {
    when: "no exporter",
    series: [of("somebody_else", "1x60")],
    at: "40m",
    fires: [told("warning", {}, "Nobody measures the GPU")],
    otherwise: "measured",
    fine: temperature(60),
  }),
  ...both("GpuHot", {
    when: "85 degrees",
    series: temperature(85),
    at: "20m",
    fires: [told("warning", card, hot(85))],
    otherwise: "80 degrees",
    fine: temperature(80),
  }),
  {
    alert: "GpuHot",
    when: "91 degrees",
    series: temperature(91),
    at: "20m",
    fires: [told("warning", card, hot(91)), told("critical", card, hot(91))],
  },
];

const available = (namespace: string, deployment: string, values: string) =>
  of(
    `kube_deployment_status_replicas_available{namespace="${namespace}", deployment="${deployment}", instance="10.42.1.9:8080"}`,
    values,
  );
const reported = of('kube_node_info{node="k3s1"}', "1x30");
const database = of(
  'kube_statefulset_status_replicas_ready{namespace="authentik", statefulset="authentik-postgresql"}',
  "1x30",
);
const authentik = [
  available("authentik", "authentik-server", "1x30"),
  available("authentik", "authentik-worker", "1x30"),
  database,
  reported,
];
const proxies = [
  available("monitoring", "oauth2-proxy-prometheus", "1x30"),
  available("monitoring", "oauth2-proxy-alertmanager", "1x30"),
  available("longhorn-system", "oauth2-proxy-longhorn", "1x30"),
  reported,
];
/** All but one; of that, what is said instead. */
const but = (all: AlertCase["series"], name: string, ...instead: AlertCase["series"]) => [
  ...all.filter(({ series }) => !series.includes(`"${name}"`)),
  ...instead,
];
const noPod = (deployment: string, more: Record<string, string> = {}) =>
  told("warning", { namespace: "authentik", ...more, deployment }, `${deployment} has no running pod`);
const noDatabase = noPod("authentik-postgresql", { statefulset: "authentik-postgresql" });
const noProxy = (namespace: string, deployment: string) =>
  told("warning", { namespace, deployment }, `${deployment} is down: what is behind it cannot be opened`);

const identityCases: readonly AlertCase[] = [
  ...both("AuthentikPartDown", {
    when: "no worker, and no database",
    series: [
      available("authentik", "authentik-server", "1x30"),
      available("authentik", "authentik-worker", "0x30"),
      { ...database, values: "0x30" },
      reported,
    ],
    at: "15m",
    fires: [noPod("authentik-worker"), noDatabase],
    otherwise: "all there",
    fine: authentik,
  }),
  {
    alert: "AuthentikPartDown",
    when: "the worker was deleted, so that nobody says anything of it",
    series: but(authentik, "authentik-worker"),
    at: "15m",
    fires: [noPod("authentik-worker")],
  },
  {
    alert: "AuthentikPartDown",
    when: "all of it was deleted",
    series: [reported],
    at: "15m",
    fires: [noPod("authentik-server"), noPod("authentik-worker"), noDatabase],
  },
  {
    alert: "AuthentikPartDown",
    when: "nobody reports any object: that is another alert",
    series: [of("somebody_else", "1x30")],
    at: "15m",
    fires: [],
  },
  ...both("LoginProxyDown", {
    when: "the proxy of Prometheus has no pod",
    series: but(proxies, "oauth2-proxy-prometheus", available("monitoring", "oauth2-proxy-prometheus", "0x30")),
    at: "15m",
    fires: [noProxy("monitoring", "oauth2-proxy-prometheus")],
    otherwise: "all run",
    fine: proxies,
  }),
  {
    alert: "LoginProxyDown",
    when: "the Deployment of Longhorn's was deleted",
    series: but(proxies, "oauth2-proxy-longhorn"),
    at: "15m",
    fires: [noProxy("longhorn-system", "oauth2-proxy-longhorn")],
  },
  {
    alert: "LoginProxyDown",
    when: "nobody reports any object: that is another alert",
    series: [of("somebody_else", "1x30")],
    at: "15m",
    fires: [],
  },
];

const restoring = () =>
  home((config) => {
    config.backup.mode = "restore";
  });

export const platformCases: readonly AlertCase[] = [
  ...nodeCases,
  ...networkCases,
  ...csiCases,
  ...certificateCases,
  ...gpuCases,
  ...identityCases,
  ...both("BackupsPaused", {
    when: "half a day in mode restore",
    series: [of("somebody_else", "1x900")],
    at: "730m",
    house: restoring,
    fires: [told("warning", {}, "Backups have been paused for half a day")],
    otherwise: "a restore within the day",
    fine: [],
  }).map((one, index) => (index === 1 ? { ...one, series: [of("somebody_else", "1x600")], at: "500m" } : one)),
];
