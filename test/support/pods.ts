import type { Labels, Peer } from "./network-policies";
import { revealed, type RecordedStack } from "./stack";

export type Pod = Extract<Peer, { pod: string }>;

/** The part of a pod's spec that tests look at. */
export interface PodSpec {
  hostNetwork?: boolean;
  automountServiceAccountToken?: boolean;
  serviceAccountName?: string;
  [field: string]: unknown;
}

/** Pods that the program writes itself, by their templates. */
export function ownPods(stack: RecordedStack): (Pod & { spec: PodSpec })[] {
  return stack
    .ofType(/^kubernetes:(apps|batch)\/v1:(Deployment|DaemonSet|StatefulSet|CronJob|Job)$/)
    .map(({ name, inputs }) => {
      const object = revealed(inputs) as { metadata: { namespace: string }; spec: Record<string, never> };
      const jobTemplate = object.spec.jobTemplate as { spec: Record<string, never> } | undefined;
      const template = (jobTemplate?.spec ?? object.spec).template as unknown as {
        metadata?: { labels?: Labels };
        spec: PodSpec;
      };
      return {
        pod: name,
        namespace: object.metadata.namespace,
        labels: template.metadata?.labels ?? {},
        spec: template.spec,
      };
    });
}

/**
 * Pods that charts and controllers write, with the labels that their templates give them at the pinned versions, and no
 * more of them than policies look at. Pods on the host's network are left out: no policy reaches them.
 */
export const chartPods = {
  solver: pod("networking", { "acme.cert-manager.io/http01-solver": "true" }),
  certManager: pod("cert-manager", name("cert-manager", "controller")),
  certManagerWebhook: pod("cert-manager", name("webhook", "webhook")),
  certManagerInjector: pod("cert-manager", name("cainjector", "cainjector")),
  longhornManager: pod("longhorn-system", { app: "longhorn-manager" }),
  longhornUi: pod("longhorn-system", { app: "longhorn-ui" }),
  longhornCsi: pod("longhorn-system", { app: "longhorn-csi-plugin" }),
  instanceManager: pod("longhorn-system", { "longhorn.io/component": "instance-manager" }),
  shareManager: pod("longhorn-system", { "longhorn.io/component": "share-manager" }),
  longhornProxy: pod("longhorn-system", proxy("longhorn")),
  snapshotController: pod("csi-driver-nfs", { app: "snapshot-controller" }),
  nvidiaPlugin: pod("nvidia-device-plugin", name("nvidia-device-plugin")),
  dcgmExporter: pod("dcgm-exporter", name("dcgm-exporter")),
  prometheus: pod("monitoring", name("prometheus")),
  alertmanager: pod("monitoring", name("alertmanager")),
  grafana: pod("monitoring", name("grafana")),
  loki: pod("monitoring", name("loki")),
  alloy: pod("monitoring", name("alloy")),
  kubeStateMetrics: pod("monitoring", name("kube-state-metrics")),
  prometheusOperator: pod("monitoring", name("kube-prometheus-stack-prometheus-operator")),
  prometheusProxy: pod("monitoring", proxy("prometheus")),
  alertmanagerProxy: pod("monitoring", proxy("alertmanager")),
  authentikServer: pod("authentik", name("authentik", "server")),
  authentikWorker: pod("authentik", name("authentik", "worker")),
  authentikDatabase: pod("authentik", name("postgresql", "primary")),
  velero: pod("velero", name("velero")),
  nodeAgent: pod("velero", { name: "node-agent" }),
  dns: pod("kube-system", { "k8s-app": "kube-dns" }),
} satisfies Record<string, Pod>;

function pod(namespace: string, labels: Labels): Pod {
  return { pod: `${namespace}/${Object.values(labels).join("/")}`, namespace, labels };
}

function name(value: string, component?: string): Labels {
  return { "app.kubernetes.io/name": value, ...(component ? { "app.kubernetes.io/component": component } : {}) };
}

function proxy(service: string): Labels {
  return { "app.kubernetes.io/name": "oauth2-proxy", "app.kubernetes.io/instance": `oauth2-proxy-${service}` };
}
