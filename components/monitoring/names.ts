/** Namespace of everything that watches. */
export const MONITORING_NAMESPACE = "monitoring";

/** Release of kube-prometheus-stack; prefix of its objects (below the chart's limit of 26 characters). */
export const STACK_RELEASE = "kube-prometheus-stack";

/** A service inside the cluster. */
export interface Backend {
  name: string;
  port: number;
}

/** Names that the chart derives from the release: templates/prometheus/service.yaml and its siblings, 77.14.0. */
export const prometheusBackend: Backend = { name: `${STACK_RELEASE}-prometheus`, port: 9090 };
export const alertmanagerBackend: Backend = { name: `${STACK_RELEASE}-alertmanager`, port: 9093 };
export const grafanaBackend: Backend = { name: `${STACK_RELEASE}-grafana`, port: 80 };
/** Loki in one binary and without its gateway answers directly. */
export const lokiBackend: Backend = { name: "loki", port: 3100 };

/** Address of a backend for other pods of the cluster. */
export function clusterUrl(backend: Backend): string {
  return `http://${backend.name}.${MONITORING_NAMESPACE}:${backend.port}`;
}
