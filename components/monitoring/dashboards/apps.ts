import * as sdk from "@grafana/grafana-foundation-sdk/dashboard";
import { literal } from "../regex";
import type { Board, Section } from "./board";
import { bars, datasource, lines, stat, table, timeline } from "./kinds";
import { highIsBad } from "./panel";

/** Namespaces of the platform and of Kubernetes itself: whatever lives elsewhere is an app. */
export const platformNamespaces: readonly string[] = [
  ...["default", "kube-node-lease", "kube-public", "kube-system"],
  ...["networking", "cert-manager", "longhorn-system", "local-path-storage", "csi-driver-nfs"],
  ...["nvidia-device-plugin", "dcgm-exporter", "intel-gpu-plugin"],
  ...["monitoring", "authentik", "velero"],
];

/** JavaScript's regular expressions, in which Grafana reads it, know what is not wanted. */
const NOT_PLATFORM = `/^(?!(?:${platformNamespaces.map(literal).join("|")})$).+/`;

const namespaces = new sdk.QueryVariableBuilder("namespace")
  .label("Namespace")
  .datasource(datasource)
  .query({
    qryType: 1,
    query: "label_values(kube_namespace_created, namespace)",
    refId: "PrometheusVariableQueryEditor-VariableQuery",
  })
  .regex(NOT_PLATFORM)
  .refresh(sdk.VariableRefresh.OnDashboardLoad)
  .sort(sdk.VariableSort.AlphabeticalAsc)
  .multi(true)
  .includeAll(true)
  .current({ text: ["All"], value: ["$__all"] });

const CHOSEN = 'namespace=~"$namespace"';
/** Containers as cAdvisor counts them, without pods' own pause containers and sums. */
const CONTAINERS = `${CHOSEN}, container!="", image!=""`;

const health: Section = {
  title: "Health",
  panels: [
    stat({
      title: "Apps that are not up",
      description:
        "Deployments with fewer pods than wanted. Many at once: their node, its network, their storage; not the apps.",
      queries: [
        {
          expr:
            `(count(kube_deployment_status_replicas_available{${CHOSEN}} < kube_deployment_spec_replicas{${CHOSEN}}) ` +
            "or vector(0)) and on () count(kube_deployment_spec_replicas)",
        },
      ],
      unit: "short",
      decimals: 0,
      width: 6,
      height: 4,
      thresholds: highIsBad(1, 3),
      noValue: "not watched",
    }),
    stat({
      title: "Containers that cannot start",
      description: "CrashLoopBackOff, ImagePullBackOff and the like: kubectl describe pod, then logs --previous.",
      queries: [
        {
          expr:
            `(count(kube_pod_container_status_waiting_reason{${CHOSEN}, reason!="ContainerCreating"} == 1) or vector(0)) ` +
            "and on () count(kube_pod_info)",
        },
      ],
      unit: "short",
      decimals: 0,
      width: 6,
      height: 4,
      thresholds: highIsBad(1),
      noValue: "not watched",
    }),
    stat({
      title: "Restarts in a day",
      description: "The panel below names who. Mostly memory: compare with its limit.",
      queries: [{ expr: `sum(increase(kube_pod_container_status_restarts_total{${CHOSEN}}[1d]))` }],
      unit: "short",
      decimals: 0,
      width: 6,
      height: 4,
      thresholds: highIsBad(1, 10),
      noValue: "no apps",
    }),
    stat({
      title: "Failed jobs",
      description: "Jobs such as the pull of a model. kubectl logs job/NAME; a failed one is kept until it is deleted.",
      queries: [
        {
          expr: `(count(kube_job_status_failed{${CHOSEN}} > 0) or vector(0)) and on () count(kube_pod_info)`,
        },
      ],
      unit: "short",
      decimals: 0,
      width: 6,
      height: 4,
      thresholds: highIsBad(1),
      noValue: "not watched",
    }),
    timeline({
      title: "Up or not",
      description: "All red at the same time: not the apps. One red: its pod's events, then its log.",
      queries: [
        {
          expr:
            `min by (deployment) (kube_deployment_status_replicas_available{${CHOSEN}} >= bool ` +
            `kube_deployment_spec_replicas{${CHOSEN}})`,
          legend: "{{deployment}}",
        },
      ],
      unit: "short",
      width: 16,
      height: 12,
      states: { 1: { text: "up", colour: "green" }, 0: { text: "not up", colour: "red" } },
    }),
    table({
      title: "Where pods run",
      description: "An app on the wrong node has lost its disk or its GPU: see its affinity.",
      queries: [{ expr: `max by (namespace, pod, node) (kube_pod_info{${CHOSEN}, created_by_kind!="Job"})` }],
      unit: "short",
      width: 8,
      height: 12,
      noValue: "no apps",
      columns: [
        { field: "namespace", title: "Namespace" },
        { field: "pod", title: "Pod" },
        { field: "node", title: "Node" },
      ],
    }),
  ],
};

const use: Section = {
  title: "What they use",
  panels: [
    lines({
      title: "Processors",
      description: "In cores. A transcoder on the processor instead of the GPU shows here first.",
      queries: [
        {
          expr: `sum by (pod) (rate(container_cpu_usage_seconds_total{${CONTAINERS}}[$__rate_interval]))`,
          legend: "{{pod}}",
        },
      ],
      unit: "short",
      min: 0,
      width: 12,
      height: 9,
      stacked: true,
    }),
    bars({
      title: "Memory, of its limit",
      description: "At 100% the kernel kills the container. Raise the limit only if the node has the memory.",
      queries: [
        {
          expr:
            `topk(12, sum by (namespace, pod) (container_memory_working_set_bytes{${CONTAINERS}}) / ` +
            `sum by (namespace, pod) (kube_pod_container_resource_limits{${CHOSEN}, resource="memory"}))`,
          legend: "{{pod}}",
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 12,
      height: 9,
      thresholds: highIsBad(0.8, 0.95),
    }),
    lines({
      title: "Restarts",
      description: "Each step is one restart. kubectl logs --previous shows the last words.",
      queries: [
        {
          expr: `sum by (pod) (increase(kube_pod_container_status_restarts_total{${CHOSEN}}[1h])) > 0`,
          legend: "{{pod}}",
        },
      ],
      unit: "short",
      min: 0,
      width: 12,
      height: 8,
      noValue: "none",
    }),
    bars({
      title: "Volumes, used",
      description: "Full: the app stops writing. Delete inside the app, or raise the claim's size in the config.",
      queries: [
        {
          expr:
            "max by (namespace, persistentvolumeclaim) " +
            `(kubelet_volume_stats_used_bytes{${CHOSEN}} / kubelet_volume_stats_capacity_bytes{${CHOSEN}})`,
          legend: "{{persistentvolumeclaim}}",
        },
      ],
      unit: "percentunit",
      min: 0,
      max: 1,
      width: 12,
      height: 8,
      thresholds: highIsBad(0.8, 0.9),
    }),
  ],
};

/** What runs on the platform: up or not, and what it uses. */
export function appsBoard(): Board {
  return {
    uid: "homelab-apps",
    title: "Apps",
    description: "What runs on the platform. If many apps fail at once, go back to the board Home: it is not the apps.",
    from: "now-24h",
    sections: [health, use],
    variables: [namespaces],
  };
}
