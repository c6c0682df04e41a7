import type { apps } from "@pulumi/kubernetes/types/input";
import type { Homelab } from "../../../config/homelab";
import { toYaml } from "../../../config/yaml";
import { literal } from "../regex";
import { PROBER_JOB, probes, type Module, type Probe } from "./probes";

/** Name of DaemonSet, ConfigMap and PodMonitor, and of the container. */
export const PROBER = "prober";
/** Port of blackbox exporter, its default. */
const PORT = 9115;
const CONFIG_FILE = "blackbox.yml";
const CONFIG_FOLDER = "/etc/blackbox";

const INTERVAL = "30s";
/** Above every module's own timeout: a slow answer is a failed probe, never a failed scrape. */
const SCRAPE_TIMEOUT = "10s";

const labels = { "app.kubernetes.io/name": PROBER };

const ipv4 = { preferred_ip_protocol: "ip4", ip_protocol_fallback: false } as const;
/** Whether a certificate is valid is watched where it is issued; here only whether anybody answers. */
const anyCertificate = { insecure_skip_verify: true } as const;

/** Modules of blackbox exporter v0.27 (CONFIGURATION.md). */
const modules: Readonly<Record<Module, unknown>> = {
  ping: { prober: "icmp", timeout: "3s", icmp: ipv4 },
  tcp: { prober: "tcp", timeout: "3s", tcp: ipv4 },
  tls: { prober: "tcp", timeout: "5s", tcp: { ...ipv4, tls: true, tls_config: anyCertificate } },
  // K3s lets nobody in without a name (--anonymous-auth=false), so 401 is the API server's own answer.
  api: {
    prober: "http",
    timeout: "5s",
    http: { ...ipv4, valid_status_codes: [200, 401], tls_config: anyCertificate },
  },
  dns: {
    prober: "dns",
    timeout: "3s",
    dns: {
      ...ipv4,
      query_name: "kubernetes.default.svc.cluster.local",
      query_type: "A",
      valid_rcodes: ["NOERROR"],
    },
  },
  http: { prober: "http", timeout: "5s", http: { ...ipv4, tls_config: anyCertificate } },
};

/** The exporter's configuration file, by its name. */
export function proberConfig(): Record<string, string> {
  return { [CONFIG_FILE]: toYaml({ modules }) };
}

/**
 * The prober on every node, whatever its taints: the node that nobody else may use is watched, too.
 *
 * In the pod network, not the host's. The exporter asks whatever it is told to, so on the host's network anybody on the
 * LAN could look through it at services inside; here only Prometheus reaches it. It also makes the pod network itself
 * visible: node-exporter of the same node answers on the host's.
 *
 * @param configHash digest of the configuration, which is read at the start.
 */
export function proberDaemonSet(homelab: Homelab, configHash: string): apps.v1.DaemonSetSpec {
  return {
    selector: { matchLabels: labels },
    // All at once after a change: half of them old says nothing about half of the network.
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%" } },
    template: {
      metadata: { labels, annotations: { "homelab/config-hash": configHash } },
      spec: {
        tolerations: [{ operator: "Exists" }],
        priorityClassName: "system-node-critical",
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65534,
          runAsGroup: 65534,
          seccompProfile: { type: "RuntimeDefault" },
          // Ping by an unprivileged socket (prober/icmp.go tries that first); the sysctl is a safe one, of the pod only.
          sysctls: [{ name: "net.ipv4.ping_group_range", value: "0 2147483647" }],
        },
        containers: [
          {
            name: PROBER,
            image: homelab.versions.images.blackboxExporter,
            imagePullPolicy: "IfNotPresent",
            args: [`--config.file=${CONFIG_FOLDER}/${CONFIG_FILE}`, `--web.listen-address=:${PORT}`],
            ports: [{ name: "http", containerPort: PORT, protocol: "TCP" }],
            readinessProbe: { httpGet: { path: "/-/healthy", port: "http" } },
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ["ALL"] },
            },
            resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { memory: "128Mi" } },
            volumeMounts: [{ name: "config", mountPath: CONFIG_FOLDER, readOnly: true }],
          },
        ],
        volumes: [{ name: "config", configMap: { name: PROBER } }],
      },
    },
  };
}

function endpoint(probe: Probe): Record<string, unknown> {
  const replace = (targetLabel: string, replacement: string) => ({ action: "replace", targetLabel, replacement });
  const nodeOf = ["__meta_kubernetes_pod_node_name"];
  return {
    port: "http",
    path: "/probe",
    params: { module: [probe.module], target: [probe.target] },
    interval: INTERVAL,
    scrapeTimeout: SCRAPE_TIMEOUT,
    relabelings: [
      ...(probe.subject === "node" ? [{ action: "drop", sourceLabels: nodeOf, regex: literal(probe.peer) }] : []),
      { action: "replace", sourceLabels: nodeOf, targetLabel: "node" },
      replace("job", PROBER_JOB),
      replace("subject", probe.subject),
      replace("peer", probe.peer),
      replace("layer", probe.layer),
    ],
    // The rest describes the answer in detail that nobody asks for, about twenty series each.
    metricRelabelings: [{ action: "keep", sourceLabels: ["__name__"], regex: "probe_success|probe_duration_seconds" }],
  };
}

/** What Prometheus lets every prober ask: one endpoint for each probe. */
export function proberMonitor(homelab: Homelab): Record<string, unknown> {
  return { selector: { matchLabels: labels }, podMetricsEndpoints: probes(homelab).map(endpoint) };
}
