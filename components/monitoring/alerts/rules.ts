import type { Homelab } from "../../../config/homelab";
import { runbookUrl, type AlertGroup } from "./alert";
import { appAlerts } from "./apps";
import { backupAlerts } from "./backups";
import { certificateAlerts } from "./certificates";
import { csiAlerts } from "./csi";
import { gpuAlerts } from "./gpu";
import { identityAlerts } from "./identity";
import { longhornAlerts } from "./longhorn";
import { networkAlerts } from "./network";
import { nfsAlerts } from "./nfs";
import { nodeAlerts } from "./nodes";
import { reachabilityAlerts } from "./reachability";
import { sloAlerts } from "../slo/burn-rates";

/** An alerting rule as Prometheus reads it. */
export interface PrometheusAlert {
  alert: string;
  expr: string;
  for?: string;
  keep_firing_for?: string;
  labels: Record<string, string>;
  annotations: { summary: string; description: string; runbook_url: string };
}

/** A recording rule as Prometheus reads it. */
export interface PrometheusRecord {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

/** A PrometheusRule with one group; the namespace is added by whoever creates it. */
export interface PrometheusRule {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PrometheusRule";
  metadata: { name: string };
  spec: { groups: { name: string; rules: (PrometheusRecord | PrometheusAlert)[] }[] };
}

/** Every alert of the house by topic: lower layers first, as the runbooks tell people to look. */
export function alertGroups(homelab: Homelab): AlertGroup[] {
  return [
    reachabilityAlerts(homelab),
    nodeAlerts(homelab),
    networkAlerts(homelab),
    nfsAlerts(homelab),
    csiAlerts(homelab),
    longhornAlerts(homelab),
    backupAlerts(homelab),
    certificateAlerts(),
    gpuAlerts(homelab),
    identityAlerts(homelab),
    ...appAlerts(homelab),
    sloAlerts(homelab),
  ].filter((group) => group !== undefined);
}

/** The rules of one group in the order of evaluation, as Prometheus reads them. */
export function groupRules(homelab: Homelab, group: AlertGroup): (PrometheusRecord | PrometheusAlert)[] {
  return [
    ...(group.recordings ?? []).map(({ name, expr, labels }) => ({
      record: name,
      expr,
      ...(labels ? { labels: { ...labels } } : {}),
    })),
    ...group.alerts.map(
      ({ name, expr, for: held, keepFiringFor, severity, labels, summary, description, runbook }): PrometheusAlert => ({
        alert: name,
        expr,
        ...(held ? { for: held } : {}),
        ...(keepFiringFor ? { keep_firing_for: keepFiringFor } : {}),
        labels: { severity, ...labels },
        annotations: { summary, description, runbook_url: runbookUrl(homelab, group.topic, runbook ?? name) },
      }),
    ),
  ];
}

/** The rules as objects of the cluster, one for each group. */
export function prometheusRules(homelab: Homelab): PrometheusRule[] {
  return alertGroups(homelab).map((group) => {
    const name = `homelab-${group.name ?? group.topic}`;
    return {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name },
      spec: { groups: [{ name, rules: groupRules(homelab, group) }] },
    };
  });
}
