/** A series as promtool takes it: one sample a minute. */
export interface Series {
  series: string;
  values: string;
}

/** What one exporter shows, with the labels that Prometheus adds to the target. */
interface Exporter {
  /** Where names and labels were read. */
  source: string;
  series: readonly Series[];
}

/** Samples of the house: two and a half hours. */
const MINUTES = 150;
const still = (value: number) => `${value}x${MINUTES}`;
/** Grows by a step each minute. */
const counts = (step: number) => `0+${step}x${MINUTES}`;
const of = (series: string, values: string): Series => ({ series, values });

const disk = (node: string, name: string, used: number): Series[] => [
  of(`longhorn_disk_capacity_bytes{node="${node}", disk="${name}"}`, still(100e9)),
  of(`longhorn_disk_usage_bytes{node="${node}", disk="${name}"}`, still(used * 1e9)),
  of(`longhorn_disk_status{node="${node}", disk="${name}", condition="ready", condition_reason=""}`, still(1)),
];

/** One volume as the manager that owns it reports it: its claim in labels of its own, the scrape's namespace beside. */
const volume = (node: string, claim: string, robustness: number): Series[] => {
  const labels = `node="${node}", volume="pvc-${claim}", pvc="${claim}", pvc_namespace="media", namespace="longhorn-system"`;
  return [
    of(`longhorn_volume_robustness{${labels}}`, still(robustness)),
    of(`longhorn_volume_actual_size_bytes{${labels}}`, still(3e9)),
    of(`longhorn_volume_capacity_bytes{${labels}}`, still(10e9)),
    of(`longhorn_volume_read_throughput{${labels}}`, still(1000)),
    of(`longhorn_volume_write_throughput{${labels}}`, still(2000)),
    of(`longhorn_volume_write_latency{${labels}}`, still(500000)),
  ];
};

const claim = (name: string, storageClass: string, bytes: number): Series[] => {
  const labels = `namespace="media", persistentvolumeclaim="${name}"`;
  return [
    of(
      `kube_persistentvolumeclaim_info{${labels}, storageclass="${storageClass}", volumename="pvc-${name}"}`,
      still(1),
    ),
    of(`kube_persistentvolumeclaim_resource_requests_storage_bytes{${labels}}`, still(bytes)),
    of(`kubelet_volume_stats_capacity_bytes{${labels}, node="k3s1"}`, still(bytes)),
    of(`kubelet_volume_stats_used_bytes{${labels}, node="k3s1"}`, still(bytes * 0.6)),
    of(`kubelet_volume_stats_available_bytes{${labels}, node="k3s1"}`, still(bytes * 0.4)),
  ];
};

const pod = (namespace: string, name: string, node: string, kind = "ReplicaSet"): Series[] => [
  of(`kube_pod_info{namespace="${namespace}", pod="${name}", node="${node}", created_by_kind="${kind}"}`, still(1)),
  of(`kube_pod_status_ready{namespace="${namespace}", pod="${name}", condition="true"}`, still(1)),
  of(`kube_pod_status_phase{namespace="${namespace}", pod="${name}", phase="Running"}`, still(node === "" ? 0 : 1)),
  of(`kube_pod_status_phase{namespace="${namespace}", pod="${name}", phase="Pending"}`, still(node === "" ? 1 : 0)),
];

const slice = (name: string, node: string): Series =>
  of(
    `kube_pod_container_resource_requests{namespace="media", pod="${name}", container="app", node="${node}", resource="nvidia_com_gpu", unit="integer"}`,
    still(1),
  );

/** Each field of a card stands there once for each pod that shares it. */
const card = (field: string, value: number): Series[] =>
  ["jellyfin-0", "ollama-0"].map((holder, index) =>
    of(
      `DCGM_FI_DEV_${field}{gpu="0", UUID="GPU-1", device="nvidia0", modelName="Tesla T4", Hostname="k3s3", ` +
        `namespace="dcgm-exporter", exported_namespace="media", exported_pod="${holder}", vgpu="${index}"}`,
      still(value),
    ),
  );

const agent = (node: string, id: string): Series[] => {
  const labels = `namespace="kube-system", pod="cilium-${id}", node="${node}"`;
  const peer = `${labels}, vrouter="64512", neighbor="192.168.10.1:179"`;
  return [
    ...pod("kube-system", `cilium-${id}`, node, "DaemonSet"),
    of(`cilium_unreachable_nodes{${labels}}`, still(0)),
    of(`cilium_drop_count_total{${labels}, reason="Policy denied", direction="INGRESS"}`, counts(1)),
    of(`cilium_bgp_control_plane_session_state{${peer}}`, still(1)),
    of(`cilium_bgp_control_plane_advertised_routes{${peer}, afi="ipv4", safi="unicast"}`, still(1)),
  ];
};

const machine = (node: string): Series[] => [
  of(`kube_node_status_condition{node="${node}", condition="Ready", status="true"}`, still(1)),
  of(`kube_node_info{node="${node}"}`, still(1)),
  of(`node_cpu_seconds_total{node="${node}", cpu="0", mode="idle"}`, counts(45)),
  of(`node_memory_MemAvailable_bytes{node="${node}"}`, still(4e9)),
  of(`node_memory_MemTotal_bytes{node="${node}"}`, still(8e9)),
  of(`node_filesystem_avail_bytes{node="${node}", mountpoint="/", device="/dev/sda1", fstype="ext4"}`, still(30e9)),
  of(`node_filesystem_size_bytes{node="${node}", mountpoint="/", device="/dev/sda1", fstype="ext4"}`, still(100e9)),
  ...["receive", "transmit"].flatMap((way) => [
    of(`node_network_${way}_bytes_total{node="${node}", device="enp1s0"}`, counts(1e6)),
    of(`node_network_${way}_errs_total{node="${node}", device="enp1s0"}`, counts(0)),
  ]),
];

const schedule = (name: string): Series[] => {
  const labels = `schedule="${name}", namespace="velero"`;
  return [
    // Succeeded at the start, that is two hours before the question is asked.
    of(`velero_backup_last_successful_timestamp{${labels}}`, still(0)),
    of(`velero_backup_last_status{${labels}}`, still(1)),
    of(`velero_backup_items_total{${labels}}`, still(1200)),
    of(`velero_backup_items_errors{${labels}}`, still(0)),
    of(`velero_backup_failure_total{${labels}}`, `0x${MINUTES}`),
    of(`velero_backup_validation_failure_total{${labels}}`, `0x${MINUTES}`),
    of(`velero_backup_duration_seconds_sum{${labels}}`, counts(30)),
    of(`velero_backup_duration_seconds_count{${labels}}`, counts(1)),
  ];
};

const deployment = (name: string, available: number): Series[] => [
  of(`kube_deployment_spec_replicas{namespace="media", deployment="${name}"}`, still(1)),
  of(`kube_deployment_status_replicas_available{namespace="media", deployment="${name}"}`, still(available)),
];

/**
 * The home stack on a mixed day: a little of everything that the boards ask about is there, so a query that finds
 * nothing has a name or a label wrong. Every metric of a board must stand here, with its source.
 */
export const exporters: readonly Exporter[] = [
  {
    source: "Prometheus itself; Watchdog is the chart's (kube-prometheus-stack 77.14.0 rules-1.14/general.rules.yaml)",
    series: [
      of('ALERTS{alertname="Watchdog", alertstate="firing", severity="none"}', still(1)),
      of('ALERTS{alertname="LonghornVolumeDegraded", alertstate="firing", severity="warning", node="k3s1"}', still(1)),
      of('ALERTS{alertname="NodeDown", alertstate="firing", severity="critical", node="k3s2"}', still(1)),
      of('up{job="node-exporter", instance="192.168.10.21:9100"}', still(1)),
      of('up{job="node-exporter", instance="192.168.10.23:9100"}', still(0)),
    ],
  },
  {
    source:
      "node-exporter 1.9; its `node` is our relabeling (components/monitoring/exporters.ts); nodes of kube-state-metrics v2.17.0 internal/store/node.go",
    series: ["k3s-master1", "k3s1", "k3s2", "k3s3"].flatMap(machine),
  },
  {
    source: "longhorn-manager v1.6.2 metrics_collector/{volume,node,disk}_collector.go, types.go",
    series: [
      ...["k3s1", "k3s2", "k3s3"].map((node) =>
        of(`longhorn_node_status{node="${node}", condition="ready", condition_reason=""}`, still(1)),
      ),
      ...disk("k3s1", "system", 50),
      ...disk("k3s2", "system", 60),
      ...["optane-1", "optane-2", "nvme-1", "nvme-2"].flatMap((name) => disk("k3s3", name, 30)),
      ...[1, 2, 3, 4, 5, 6, 7].flatMap((number) => disk("k3s3", `sas-${number}`, 10 * number)),
      ...volume("k3s1", "sonarr-config", 1),
      ...volume("k3s2", "radarr-config", 2),
      ...volume("k3s3", "jellyfin-config", 3),
    ],
  },
  {
    source:
      "kube-state-metrics v2.17.0 internal/store/{persistentvolumeclaim,pod,deployment,job,lease,namespace,node,service}.go; " +
      "volumes of the kubelet: Kubernetes 1.32 pkg/kubelet/metrics/collectors/volume_stats.go",
    series: [
      ...claim("sonarr-config", "longhorn", 10e9),
      ...claim("whisparr-config", "longhorn-optane", 10e9),
      ...claim("jellyfin-config", "longhorn-nvme", 10e9),
      ...claim("models", "longhorn-sas-ssd", 50e9),
      ...claim("media", "media-static", 30e12),
      ...pod("media", "jellyfin-0", "k3s3"),
      ...pod("media", "ollama-0", "k3s3"),
      ...pod("media", "a1111-0", ""),
      slice("jellyfin-0", "k3s3"),
      slice("ollama-0", "k3s3"),
      slice("a1111-0", ""),
      of('kube_node_status_allocatable{node="k3s3", resource="nvidia_com_gpu", unit="integer"}', still(4)),
      ...deployment("jellyfin", 1),
      ...deployment("sonarr", 0),
      of(
        'kube_pod_container_status_waiting_reason{namespace="media", pod="sonarr-0", reason="CrashLoopBackOff"}',
        still(1),
      ),
      of('kube_pod_container_status_restarts_total{namespace="media", pod="sonarr-0", container="app"}', counts(1)),
      of(
        'kube_pod_container_resource_limits{namespace="media", pod="jellyfin-0", container="app", resource="memory", unit="byte"}',
        still(4e9),
      ),
      of('kube_job_status_failed{namespace="media", job_name="ollama-pull", reason="BackoffLimitExceeded"}', still(1)),
      of('kube_namespace_created{namespace="media"}', still(0)),
      of('kube_service_info{namespace="networking", service="cilium-gateway-home"}', still(1)),
      of(
        'kube_service_status_load_balancer_ingress{namespace="networking", service="cilium-gateway-home", ip="192.168.10.224", hostname=""}',
        still(1),
      ),
      of(
        'kube_lease_owner{namespace="kube-system", lease="cilium-l2announce-networking-cilium-gateway-home", lease_holder="k3s1"}',
        still(1),
      ),
      of(
        'kube_lease_renew_time{lease="cilium-l2announce-networking-cilium-gateway-home", namespace="monitoring"}',
        counts(60),
      ),
    ],
  },
  {
    source: "cAdvisor in the kubelet, Kubernetes 1.32",
    series: [
      of(
        'container_cpu_usage_seconds_total{namespace="media", pod="jellyfin-0", container="app", image="jellyfin"}',
        counts(20),
      ),
      of(
        'container_memory_working_set_bytes{namespace="media", pod="jellyfin-0", container="app", image="jellyfin"}',
        still(1e9),
      ),
    ],
  },
  {
    source:
      "dcgm-exporter 4.5.3-4.8.2 deployment/templates/metrics-configmap.yaml, internal/pkg/rendermetrics, transformation/const.go",
    series: [
      ...card("GPU_UTIL", 40),
      ...card("ENC_UTIL", 20),
      ...card("DEC_UTIL", 10),
      ...card("FB_USED", 4000),
      ...card("FB_FREE", 11000),
      ...card("GPU_TEMP", 60),
      ...card("POWER_USAGE", 55),
      ...card("XID_ERRORS", 0),
    ],
  },
  {
    source: "velero v1.17.1 pkg/metrics/metrics.go; K3s v1.32 pkg/etcd/snapshotmetrics",
    series: [
      ...["hourly", "daily", "weekly"].flatMap(schedule),
      of('velero_backup_total{namespace="velero"}', still(60)),
      of('velero_backup_location_status_gauge{backup_location_name="default", namespace="velero"}', still(1)),
      of('k3s_etcd_snapshot_save_s3_duration_seconds_count{job="apiserver", status="success"}', "1x30 2x119"),
    ],
  },
  {
    source: "cert-manager v1.18 pkg/metrics",
    series: [
      of(
        'certmanager_certificate_expiration_timestamp_seconds{name="tls-grafana", exported_namespace="networking", namespace="cert-manager"}',
        still(60 * 86_400),
      ),
    ],
  },
  {
    source:
      "Cilium 1.17 Documentation/observability/metrics.rst, pkg/bgpv1/metrics/metrics.go; `node` is the chart's relabeling; " +
      "Envoy's names by its own default tags",
    series: [
      ...["k3s-master1:aaaaa", "k3s1:bbbbb", "k3s2:ccccc", "k3s3:ddddd"].flatMap((pair) => {
        const [node, id] = pair.split(":");
        return agent(node, id);
      }),
      of(
        'envoy_http_downstream_rq_xx{node="k3s1", envoy_http_conn_manager_prefix="listener-insecure", envoy_response_code_class="2"}',
        counts(60),
      ),
      of('envoy_http_downstream_cx_active{node="k3s1", envoy_http_conn_manager_prefix="listener-insecure"}', still(3)),
      of(
        'envoy_cluster_upstream_rq_xx{node="k3s1", envoy_cluster_name="networking:cilium-gateway-home:authentik", envoy_response_code_class="5"}',
        counts(1),
      ),
    ],
  },
  {
    source: "CoreDNS plugin/metrics, as K3s deploys it",
    series: [of('coredns_dns_responses_total{server="dns://:53", zone=".", rcode="NXDOMAIN"}', counts(5))],
  },
];

export const allSeries: readonly Series[] = exporters.flatMap(({ series }) => series);

/** Names of everything above. */
export const knownMetrics: ReadonlySet<string> = new Set(allSeries.map(({ series }) => series.split("{")[0]));
