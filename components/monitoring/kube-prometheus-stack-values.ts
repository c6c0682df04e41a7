import type { Input } from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { alertmanagerValues } from "./alertmanager";
import { nodeExporterValues } from "./exporters";
import { grafanaValues } from "./grafana";
import { prometheusValues } from "./prometheus";

/**
 * Alerts of the chart that ours replace, or that this house would have on for ever.
 * Source: templates/prometheus/rules-1.14 of kube-prometheus-stack 77.14.0.
 */
const disabledRules = {
  // NodeDown says it with the first thing to do.
  KubeNodeNotReady: true,
  KubeNodeUnreachable: true,
  // NodeFilesystemFilling and NodeFilesystemNearEviction, by the kubelet's own limit.
  NodeFilesystemSpaceFillingUp: true,
  NodeFilesystemAlmostOutOfSpace: true,
  // "The cluster could not lose a node": true by design, the R630 is most of it.
  KubeCPUOvercommit: true,
  KubeMemoryOvercommit: true,
};

/**
 * On a server K3s is one process, which shows the API server's metrics at the kubelet's door too: some ten thousand
 * series twice. They are kept where the rules look for them, at the API server's own. The second is the chart's default,
 * which a list of ours replaces.
 */
const kubeletRelabelings = [
  { action: "drop", sourceLabels: ["__name__"], regex: "(apiserver|aggregator|etcd|workqueue|scheduler)_.+" },
  {
    action: "drop",
    sourceLabels: ["__name__", "le"],
    regex: "(csi_operations|storage_operation_duration)_seconds_bucket;(0.25|2.5|15|25|120|600)(\\.0)?",
  },
];

/**
 * Values of kube-prometheus-stack 77.14.0 that need none of its hooks (traps 36 to 40).
 *
 * @param secretsHash changes with Grafana's secrets.
 */
export function kubePrometheusStackValues(homelab: Homelab, secretsHash: Input<string>): HelmValues {
  const off = { enabled: false };
  return {
    // They came before, as MonitoringCrds.
    crds: off,
    // The webhook's certificate is made by a hook Job, which Chart v4 drops. With tls on, the operator would mount that
    // Secret even without the webhook and never start (templates/prometheus-operator/deployment.yaml). The rules are
    // checked by promtool in our tests instead.
    prometheusOperator: {
      admissionWebhooks: off,
      tls: off,
      resources: { requests: { cpu: "20m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    },
    // K3s runs them inside one process that listens on the loopback only; Cilium replaces kube-proxy. With the component
    // the chart also leaves out the alerts about it. etcd's snapshots are counted by the API server's own metrics.
    kubeControllerManager: off,
    kubeScheduler: off,
    kubeProxy: off,
    kubeEtcd: off,
    kubelet: { serviceMonitor: { metricRelabelings: kubeletRelabelings } },
    defaultRules: { disabled: disabledRules },
    prometheus: prometheusValues(homelab),
    alertmanager: alertmanagerValues(homelab),
    grafana: grafanaValues(homelab, secretsHash),
    "prometheus-node-exporter": nodeExporterValues(homelab),
  };
}
