import { Apps } from "./components/apps/apps";
import { B2Storage } from "./components/backup/b2-storage";
import { EtcdSnapshotSecret } from "./components/backup/etcd-snapshots";
import { Velero } from "./components/backup/velero";
import { CertManager } from "./components/certificates/cert-manager";
import { Certificates } from "./components/certificates/certificates";
import { ClusterGeneration } from "./components/generation";
import { DcgmExporter } from "./components/gpu/dcgm-exporter";
import { IntelGpuPlugin } from "./components/gpu/intel-gpu-plugin";
import { NvidiaDevicePlugin } from "./components/gpu/nvidia-device-plugin";
import { Authentik } from "./components/identity/authentik";
import { OAuth2Proxy } from "./components/identity/oauth2-proxy";
import { AlertRules } from "./components/monitoring/alert-rules";
import { Alloy } from "./components/monitoring/alloy";
import { GrafanaDashboards } from "./components/monitoring/grafana-dashboards";
import { KubePrometheusStack } from "./components/monitoring/kube-prometheus-stack";
import { Loki } from "./components/monitoring/loki";
import { MonitoringCrds } from "./components/monitoring/monitoring-crds";
import { alertmanagerBackend, clusterUrl, prometheusBackend } from "./components/monitoring/names";
import { Prober } from "./components/monitoring/prober/prober";
import { Cilium } from "./components/network/cilium";
import { ClusterDns } from "./components/network/cluster-dns";
import { GatewayApiCrds } from "./components/network/gateway-api";
import { HomeGateway } from "./components/network/home-gateway";
import { LoadBalancing } from "./components/network/load-balancing";
import { Platform } from "./components/platform";
import { GeneratedSecrets } from "./components/secrets";
import { LocalPath } from "./components/storage/local-path";
import { Longhorn } from "./components/storage/longhorn";
import { longhornUiUrl } from "./components/storage/longhorn-ui";
import { NfsStorage } from "./components/storage/nfs";
import { loadHomelab } from "./config/load";
import { K3sCluster } from "./nodes/k3s/cluster";
import { Machines } from "./nodes/machines";

const homelab = loadHomelab();

// What outlasts every generation of the cluster: secrets, and the backups outside the house.
const secrets = new GeneratedSecrets("secrets", homelab);
const b2 = new B2Storage("b2", { homelab });
const generation = new ClusterGeneration("generation", homelab);

// Machines, from bare to Kubernetes.
const machines = new Machines("machines", {
  homelab,
  generation: generation.generation,
  vmHostKeySeed: secrets.vmHostKeySeed,
});
const k3s = new K3sCluster("k3s", {
  homelab,
  hosts: machines.hosts,
  serverDependsOn: machines.ready[homelab.controlPlane.name],
  agentDependsOn: machines.ready,
  mounts: machines.mounts,
  generation,
  serverToken: secrets.k3sServerToken,
  agentToken: secrets.k3sAgentToken,
});

// Everything below is in the cluster, and comes and goes with its generation.
const platform = new Platform("platform", { provider: k3s.provider, generation });
const service = { homelab, controlPlane: k3s.controlPlane };

// Network. Vocabulary first: controllers look for their CRDs once, when they start.
const gatewayApi = new GatewayApiCrds("gateway-api-crds", service, { parent: platform, dependsOn: k3s.server });
const monitoringCrds = new MonitoringCrds("monitoring-crds", service, { parent: platform, dependsOn: k3s.server });
const cilium = new Cilium(
  "cilium",
  { ...service, nodes: k3s.ready },
  { parent: platform, dependsOn: [gatewayApi, monitoringCrds] },
);
const loadBalancing = new LoadBalancing("load-balancing", { homelab }, { parent: platform, dependsOn: cilium.ready });
const gateway = new HomeGateway("gateway", { homelab }, { parent: platform, dependsOn: loadBalancing });
const dns = new ClusterDns("cluster-dns", { ...service, cilium: cilium.ready }, { parent: platform });

// Certificates.
const certManager = new CertManager("cert-manager", service, { parent: platform, dependsOn: cilium.ready });
const certificates = new Certificates("certificates", service, {
  parent: platform,
  dependsOn: [certManager, gateway, dns],
});

// Storage. What reaches into every node waits for the last one.
const longhorn = new Longhorn(
  "longhorn",
  { ...service, nodes: cilium.nodesReady },
  { parent: platform, dependsOn: cilium.ready },
);
const localPath = new LocalPath("local-path", service, { parent: platform, dependsOn: cilium.ready });
const nfs = new NfsStorage("nfs", service, {
  parent: platform,
  dependsOn: [...cilium.nodesReady, ...machines.exports],
});

// GPUs.
const nvidia = new NvidiaDevicePlugin("nvidia-device-plugin", service, {
  parent: platform,
  dependsOn: cilium.nodesReady,
});
new DcgmExporter("dcgm-exporter", service, { parent: platform, dependsOn: cilium.nodesReady });
const quicksync = new IntelGpuPlugin("intel-gpu-plugin", service, { parent: platform, dependsOn: cilium.nodesReady });

// Monitoring.
const monitoring = new KubePrometheusStack(
  "monitoring",
  {
    ...service,
    secrets,
    crds: [monitoringCrds],
    storage: [...longhorn.ready, ...localPath.ready],
    gateway: [gateway],
  },
  { parent: platform, dependsOn: cilium.ready },
);
const loki = new Loki(
  "loki",
  { ...service, namespace: monitoring.namespace, storage: localPath.ready },
  { parent: platform },
);
new Alloy(
  "alloy",
  { ...service, namespace: monitoring.namespace, lokiUrl: loki.url, crds: [monitoringCrds] },
  { parent: platform, dependsOn: cilium.ready },
);
new Prober(
  "prober",
  { homelab, namespace: monitoring.namespace, crds: [monitoringCrds] },
  { parent: platform, dependsOn: cilium.ready },
);
new AlertRules(
  "alert-rules",
  { homelab, namespace: monitoring.namespace, crds: [monitoringCrds] },
  { parent: platform },
);
new GrafanaDashboards("dashboards", { homelab, namespace: monitoring.namespace }, { parent: platform });

// Identity. Nothing is shown to anybody before its login answers.
const authentik = new Authentik(
  "authentik",
  { ...service, secrets },
  { parent: platform, dependsOn: [...longhorn.ready, certificates] },
);
const proxied = [
  { service: "prometheus", namespace: monitoring.namespace, upstream: clusterUrl(prometheusBackend) },
  { service: "alertmanager", namespace: monitoring.namespace, upstream: clusterUrl(alertmanagerBackend) },
  { service: "longhorn", namespace: longhorn.namespace, upstream: longhornUiUrl },
] as const;
for (const target of proxied) {
  new OAuth2Proxy(
    `oauth2-proxy-${target.service}`,
    { ...service, secrets, ...target },
    { parent: platform, dependsOn: authentik.ready },
  );
}

// Applications. Each waits for what it uses, and for nothing else.
new Apps(
  "apps",
  {
    homelab,
    secrets,
    ready: {
      storage: longhorn.ready,
      media: nfs.ready,
      nvidia: nvidia.ready,
      quicksync: quicksync.ready,
      gateway: [gateway],
      identity: authentik.ready,
    },
  },
  { parent: platform, dependsOn: cilium.ready },
);

// Backup.
new EtcdSnapshotSecret("etcd-snapshots", { homelab, storage: b2.etcd }, { parent: platform });
new Velero(
  "velero",
  { ...service, secrets, storage: b2.velero },
  { parent: platform, dependsOn: [...cilium.nodesReady, monitoringCrds] },
);

/** Admin access to the cluster: pulumi stack output kubeconfig --show-secrets */
export const kubeconfig = k3s.kubeconfig;
/** First login as akadmin: pulumi stack output authentikAdminPassword --show-secrets */
export const authentikAdminPassword = secrets.authentikBootstrapPassword;
/** Break-glass login of Grafana, for the day Authentik is down. */
export const grafanaAdminPassword = secrets.grafanaAdminPassword;
export const urls = Object.fromEntries(Object.entries(homelab.routes).map(([name, host]) => [name, `https://${host}`]));
/** Public host key of the control plane, generated where it is a VM; the doctor logs in with nothing else. */
export const controlPlaneHostKey = machines.hosts[homelab.controlPlane.name].connection.hostKey;
