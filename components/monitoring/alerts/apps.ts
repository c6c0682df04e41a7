import { longestGapHours } from "../../../config/cron";
import type { App, Homelab } from "../../../config/homelab";
import { jobName } from "../../apps/names";
import { deployments, missing } from "./absence";
import { oneOf, type Alert, type AlertGroup } from "./alert";

/** Heading of the page about alerts that apps bring along. */
export const OWN_ALERTS = "AppOwnAlert";

/** Series of kube-state-metrics about these objects of apps. */
function selected(metric: string, label: string, apps: readonly App[], names: readonly string[], more = ""): string {
  const namespaces = oneOf([...new Set(apps.map(({ namespace }) => namespace))]);
  return `${metric}{namespace=~"${namespaces}", ${label}=~"${oneOf(names)}"${more}}`;
}

/** No pod although one is wanted, or no Deployment; who scaled it to zero knows. */
function down(apps: readonly App[]): Alert[] {
  if (apps.length === 0) {
    return [];
  }
  const of = (metric: string) =>
    selected(
      metric,
      "deployment",
      apps,
      apps.map(({ name }) => name),
    );
  const by = "max by (namespace, deployment)";
  return [
    {
      name: "AppDown",
      expr:
        `${by} (${of("kube_deployment_status_replicas_available")}) == 0 and ${by} (${of("kube_deployment_spec_replicas")}) > 0 ` +
        `or (${missing(deployments(apps.map(({ name, namespace }) => ({ namespace, deployment: name }))))})`,
      for: "15m",
      severity: "warning",
      summary: "App {{ $labels.deployment }} is down",
      description:
        "Node and volume first: kubectl -n {{ $labels.namespace }} describe pods -l " +
        "app.kubernetes.io/name={{ $labels.deployment }}. Then its log. No Deployment at all: pulumi up --refresh.",
    },
  ];
}

/** A job has given up; it is made anew by a change of itself. */
function jobFailed(apps: readonly App[]): Alert[] {
  const names = apps.flatMap((app) => Object.keys(app.jobs).map((job) => jobName(app, job)));
  if (names.length === 0) {
    return [];
  }
  return [
    {
      name: "AppJobFailed",
      // kube-state-metrics: docs/metrics/workload/job-metrics.md.
      expr: `max by (namespace, job_name) (${selected("kube_job_failed", "job_name", apps, names, ', condition="true"')}) == 1`,
      for: "5m",
      severity: "warning",
      summary: "Job {{ $labels.job_name }} has failed for good",
      description:
        "kubectl -n {{ $labels.namespace }} logs job/{{ $labels.job_name }}. Mended: delete the Job, then pulumi up " +
        "--refresh makes it anew.",
    },
  ];
}

/** A CronJob that has not succeeded for two of its periods: one run may fail. */
function notRunning(app: App): Alert[] {
  if (app.schedule === undefined) {
    return [];
  }
  const hours = Math.ceil(2 * longestGapHours(app.schedule));
  const of = (metric: string) => `max by (namespace, cronjob) (${selected(metric, "cronjob", [app], [app.name])})`;
  return [
    {
      name: "AppScheduleFailing",
      // One that has never succeeded counts from its making.
      expr: `time() - (${of("kube_cronjob_status_last_successful_time")} or ${of("kube_cronjob_created")}) > ${hours * 3600}`,
      for: "15m",
      severity: "warning",
      labels: { app: app.name },
      summary: `${app.name} has not run well for ${hours} hours`,
      description: `kubectl -n ${app.namespace} get jobs, then the log of the newest that begins with ${app.name}.`,
    },
  ];
}

/** What the stack says of an app by itself. The label `app` and the prefix keep it apart from alerts of the platform. */
function own({ name: app, namespace, alerts }: App): Alert[] {
  return Object.entries(alerts).map(([name, { expr, for: held, severity, summary, description }]) => ({
    name: `App${name}`,
    expr,
    for: held,
    severity,
    labels: { app },
    summary,
    description: description ?? `kubectl -n ${namespace} logs -l app.kubernetes.io/name=${app} --tail=100.`,
    runbook: OWN_ALERTS,
  }));
}

/**
 * Applications: down, and a job or schedule that fails; then what each declares itself, in a PrometheusRule of its own:
 * the operator leaves out the whole object whose expression Prometheus cannot read.
 */
export function appAlerts({ apps }: Homelab): AlertGroup[] {
  const alerts = [
    ...down(apps.filter(({ schedule }) => schedule === undefined)),
    ...jobFailed(apps),
    ...apps.flatMap(notRunning),
  ];
  return [
    { topic: "apps", alerts },
    ...apps.map((app) => ({ topic: "apps", name: `app-${app.name}`, alerts: own(app) })),
  ].filter((group) => group.alerts.length > 0);
}
