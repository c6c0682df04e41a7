import type { KubernetesObject } from "./crds";

/** Nothing pulls it: pods are KWOK's. */
const IMAGE = "rehearsal.invalid/stand-in:0";

export interface WorkloadSpec {
  kind: "Deployment" | "DaemonSet" | "StatefulSet";
  name: string;
  namespace: string;
  /** Port of a service of the same name; default: no service. */
  port?: number;
  /** Folders of the host in its pods, by volume. */
  hostPaths?: Readonly<Record<string, string>>;
  /** In place of the name's own. */
  labels?: Readonly<Record<string, string>>;
}

/** A workload of that name with one pod that does nothing, and its service; fit for namespaces that are restricted. */
export function workload({ kind, name, namespace, port, hostPaths = {}, ...more }: WorkloadSpec): KubernetesObject[] {
  const labels = more.labels ?? { "app.kubernetes.io/name": name };
  const metadata = { name, namespace, labels };
  const service: KubernetesObject = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { selector: labels, ports: [{ name: "main", port }] },
  };
  const object: KubernetesObject = {
    apiVersion: "apps/v1",
    kind,
    metadata,
    spec: {
      selector: { matchLabels: labels },
      ...(kind === "DaemonSet" ? {} : { replicas: 1 }),
      ...(kind === "StatefulSet" ? { serviceName: name } : {}),
      template: {
        metadata: { labels },
        spec: {
          ...(kind === "DaemonSet" ? { tolerations: [{ operator: "Exists" }] } : {}),
          securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              name: "main",
              image: IMAGE,
              resources: { requests: { cpu: "1m", memory: "1Mi" }, limits: { memory: "1Mi" } },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            },
          ],
          volumes: Object.entries(hostPaths).map(([volume, path]) => ({ name: volume, hostPath: { path } })),
        },
      },
    },
  };
  return port === undefined ? [object] : [object, service];
}
