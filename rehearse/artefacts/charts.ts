import * as fs from "node:fs";
import * as path from "node:path";
import type { Homelab } from "../../config/homelab";
import { mirroredChart } from "../../config/mirror";
import { chartKey, fileSha256 } from "../../config/mirror-lock";
import { chartSources, type ChartName } from "../../config/pins";
import { STACK_RELEASE } from "../../components/monitoring/names";
import { GATEWAY_CLASS } from "../../components/network/names";
import { toYaml } from "../../config/yaml";
import { must, removeFolder, temporaryFolder } from "../../sandbox/processes";
import { madeByControllers } from "./controllers";
import { contractCrds, manifests, type KubernetesObject } from "./crds";
import { workload, type WorkloadSpec } from "./workloads";

/** What stands in a chart's place: CRDs, and workloads under the names that the program waits for or connects to. */
interface StandIn {
  /** In templates/, as most of these charts bring their CRDs. */
  objects: KubernetesObject[];
  /** In crds/. */
  crds?: KubernetesObject[];
}

const deployment = (namespace: string, name: string, port?: number): KubernetesObject[] =>
  workload({ kind: "Deployment", namespace, name, port });
const daemonSet = (namespace: string, name: string, more: Partial<WorkloadSpec> = {}): KubernetesObject[] =>
  workload({ kind: "DaemonSet", namespace, name, ...more });
const statefulSet = (namespace: string, name: string, port?: number): KubernetesObject[] =>
  workload({ kind: "StatefulSet", namespace, name, port });

/** Every chart of the program. Names are those that the real charts give under the program's release names. */
export const standIns: Readonly<Record<ChartName, (homelab: Homelab) => StandIn>> = {
  cilium: (homelab) => ({
    objects: [
      ...madeByControllers.cilium(homelab),
      ...daemonSet("kube-system", "cilium"),
      ...deployment("kube-system", "cilium-operator"),
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "GatewayClass",
        metadata: { name: GATEWAY_CLASS },
        spec: { controllerName: "io.cilium/gateway-controller" },
      },
    ],
  }),
  longhorn: (homelab) => ({
    objects: [
      ...contractCrds(`longhorn-${homelab.versions.charts.longhorn}`),
      ...daemonSet("longhorn-system", "longhorn-manager"),
      ...daemonSet("longhorn-system", "longhorn-csi-plugin", {
        hostPaths: { "registration-dir": `${homelab.cluster.kubeletRoot}/plugins_registry` },
      }),
      ...deployment("longhorn-system", "longhorn-frontend", 80),
      ...madeByControllers.longhorn(homelab),
    ],
  }),
  csiDriverNfs: ({ versions }) => ({
    objects: [
      ...contractCrds(`csi-driver-nfs-${versions.charts.csiDriverNfs}`),
      ...daemonSet("csi-driver-nfs", "csi-nfs-node"),
      ...deployment("csi-driver-nfs", "csi-nfs-controller"),
    ],
  }),
  nvidiaDevicePlugin: () => ({ objects: daemonSet("nvidia-device-plugin", "nvidia-device-plugin") }),
  dcgmExporter: () => ({ objects: daemonSet("dcgm-exporter", "dcgm-exporter", { port: 9400 }) }),
  certManager: ({ versions }) => ({
    objects: [
      ...contractCrds(`cert-manager-${versions.charts.certManager}`),
      ...["cert-manager", "cert-manager-cainjector", "cert-manager-webhook"].flatMap((name) =>
        deployment("cert-manager", name),
      ),
    ],
  }),
  kubePrometheusStack: () => ({
    objects: [
      ...deployment("monitoring", `${STACK_RELEASE}-operator`),
      ...deployment("monitoring", `${STACK_RELEASE}-kube-state-metrics`),
      ...daemonSet("monitoring", `${STACK_RELEASE}-prometheus-node-exporter`),
      ...deployment("monitoring", `${STACK_RELEASE}-grafana`, 80),
      ...statefulSet("monitoring", `${STACK_RELEASE}-prometheus`, 9090),
      ...statefulSet("monitoring", `${STACK_RELEASE}-alertmanager`, 9093),
    ],
  }),
  loki: () => ({ objects: statefulSet("monitoring", "loki", 3100) }),
  alloy: () => ({ objects: daemonSet("monitoring", "alloy") }),
  authentik: () => ({
    objects: [
      ...deployment("authentik", "authentik-server", 80),
      ...deployment("authentik", "authentik-worker"),
      ...statefulSet("authentik", "authentik-postgresql", 5432),
    ],
  }),
  // Released three times under names of its own, which a chart without templates cannot follow.
  oauth2Proxy: () => ({ objects: [] }),
  velero: ({ versions }) => ({
    objects: [...deployment("velero", "velero"), ...daemonSet("velero", "node-agent")],
    crds: contractCrds(`velero-${versions.charts.velero}`),
  }),
};

/** What the report says of every chart that these stand for, by the chart's name. */
export const CHART_REASON = "stand-in chart, CRDs and names only";

/**
 * Puts a stand-in for every chart into a mirror's folder: a real archive, with plain manifests and no templates.
 *
 * @param names of charts. Default: all.
 * @returns the lock's entries: chart and version to the archive's sha256.
 */
export async function offerStandInCharts(
  homelab: Homelab,
  folder: string,
  names: readonly ChartName[] = Object.keys(standIns) as ChartName[],
): Promise<Record<string, string>> {
  const lock: Record<string, string> = {};
  for (const name of names) {
    const version = homelab.versions.charts[name];
    const file = path.join(folder, mirroredChart(name, version));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    await pack(name, version, standIns[name](homelab), file);
    lock[chartKey(name, version)] = fileSha256(file);
  }
  return lock;
}

/** The same content gives the same bytes. */
async function pack(name: ChartName, version: string, { objects, crds = [] }: StandIn, file: string): Promise<void> {
  const { chart } = chartSources[name];
  const folder = temporaryFolder("chart");
  try {
    const root = path.join(folder, chart);
    const put = (below: string, text: string) => {
      fs.mkdirSync(path.dirname(path.join(root, below)), { recursive: true });
      fs.writeFileSync(path.join(root, below), text, { mode: 0o644 });
    };
    put("Chart.yaml", toYaml({ apiVersion: "v2", name: chart, version, description: `Stand-in: ${CHART_REASON}` }));
    put("templates/objects.yaml", manifests(objects));
    if (crds.length > 0) {
      put("crds/crds.yaml", manifests(crds));
    }
    await must("tar", [
      ...["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"],
      ...["--use-compress-program=gzip -n", "-cf", file, "-C", folder, chart],
    ]);
  } finally {
    removeFolder(folder);
  }
}
