import type { Homelab } from "../../../config/homelab";
import { runbookUrl, type AlertGroup } from "./alert";
import { backupAlerts } from "./backups";
import { certificateAlerts } from "./certificates";
import { csiAlerts } from "./csi";
import { gpuAlerts } from "./gpu";
import { longhornAlerts } from "./longhorn";
import { networkAlerts } from "./network";
import { nodeAlerts } from "./nodes";

/** A rule as Prometheus reads it. */
export interface PrometheusAlert {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: { summary: string; description: string; runbook_url: string };
}

/** A PrometheusRule with one group; the namespace is added by whoever creates it. */
export interface PrometheusRule {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PrometheusRule";
  metadata: { name: string };
  spec: { groups: { name: string; rules: PrometheusAlert[] }[] };
}

/** Every alert of the house by topic: lower layers first, as the runbooks tell people to look. */
export function alertGroups(homelab: Homelab): AlertGroup[] {
  return [
    nodeAlerts(homelab),
    networkAlerts(homelab),
    csiAlerts(homelab),
    longhornAlerts(homelab),
    backupAlerts(homelab),
    certificateAlerts(),
    gpuAlerts(homelab),
  ].filter((group) => group !== undefined);
}

/** The alerts as objects of the cluster, one for each topic. */
export function prometheusRules(homelab: Homelab): PrometheusRule[] {
  return alertGroups(homelab).map(({ topic, alerts }) => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: `homelab-${topic}` },
    spec: {
      groups: [
        {
          name: `homelab-${topic}`,
          rules: alerts.map(({ name, expr, for: held, severity, labels, summary, description }) => ({
            alert: name,
            expr,
            ...(held ? { for: held } : {}),
            labels: { severity, ...labels },
            annotations: { summary, description, runbook_url: runbookUrl(homelab, topic, name) },
          })),
        },
      ],
    },
  }));
}
