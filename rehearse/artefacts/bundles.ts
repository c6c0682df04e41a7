import { monitoringKinds } from "../../components/monitoring/monitoring-crds";
import type { Homelab } from "../../config/homelab";
import { contractCrds, manifests, openCrd, type KubernetesObject } from "./crds";

type Versions = Pick<Homelab, "versions">;

/** Gateway API's kinds of the pinned release and channel, as one file. */
export function gatewayApiBundle({ versions: { gatewayApi } }: Versions): string {
  return manifests(contractCrds(`gateway-api-${gatewayApi.channel}-${gatewayApi.version.replace(/^v/, "")}`));
}

/** Kinds of the operator without a contract: nothing that the program writes is of them. */
const OPEN_KINDS: Readonly<Record<string, string>> = {
  alertmanagerconfigs: "AlertmanagerConfig",
  alertmanagers: "Alertmanager",
  prometheusagents: "PrometheusAgent",
  prometheuses: "Prometheus",
  scrapeconfigs: "ScrapeConfig",
  thanosrulers: "ThanosRuler",
};

/** Kinds of the Prometheus operator, as one file. */
export function monitoringBundle({ versions }: Versions): string {
  const known = contractCrds(`kube-prometheus-stack-${versions.charts.kubePrometheusStack}`);
  const names = new Set(known.map(({ metadata }) => metadata.name));
  const open = Object.entries(monitoringKinds).flatMap(([name, served]): KubernetesObject[] => {
    const [plural, ...group] = name.split(".");
    return names.has(name) ? [] : [openCrd(group.join("."), plural, OPEN_KINDS[plural], served)];
  });
  return manifests([...known, ...open]);
}
