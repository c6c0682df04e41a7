import { home } from "../../../../support/home";
import { of, told, type AlertCase } from "../case";

const deployment = 'namespace="media", deployment="jellyfin"';
const replicas = (available: string, wanted: string) => [
  of(`kube_deployment_status_replicas_available{${deployment}}`, available),
  of(`kube_deployment_spec_replicas{${deployment}}`, wanted),
];
const job = (values: string) => [
  of('kube_job_failed{namespace="ai", job_name="ollama-pull-llama3-2-3b", condition="true"}', values),
];
const cron = (metric: string, values: string) => of(`${metric}{namespace="media", cronjob="recyclarr"}`, values);
/** Twice the daily period of Recyclarr. */
const LATE = { rule: { app: "recyclarr" }, at: "52h", interval: "1h" } as const;
const late = told(
  "warning",
  { namespace: "media", cronjob: "recyclarr", app: "recyclarr" },
  "recyclarr has not run well for 48 hours",
);

/** Every app of the home stack that runs all the time, and that somebody reports them. */
const all = [
  of('kube_node_info{node="k3s1"}', "1x30"),
  ...home()
    .apps.filter(({ schedule }) => schedule === undefined)
    .flatMap(({ name, namespace }) =>
      (["status_replicas_available", "spec_replicas"] as const).map((metric) =>
        of(`kube_deployment_${metric}{namespace="${namespace}", deployment="${name}"}`, "1x30"),
      ),
    ),
];

/** A house whose Sonarr has an alert of its own. */
export const withOwnAlert = () =>
  home((config) => {
    config.apps.sonarr.alerts = {
      QueueStuck: {
        expr: "sonarr_queue_oldest_hours > 24",
        severity: "critical",
        summary: "Sonarr waits {{ $value }} h",
      },
    };
  });

export const appCases: readonly AlertCase[] = [
  {
    alert: "AppDown",
    when: "no pod of Jellyfin for a quarter of an hour",
    series: replicas("0x30", "1x30"),
    at: "20m",
    fires: [told("warning", { namespace: "media", deployment: "jellyfin" }, "App jellyfin is down")],
  },
  { alert: "AppDown", when: "it runs", series: replicas("1x30", "1x30"), at: "20m", fires: [] },
  { alert: "AppDown", when: "somebody scaled it to zero", series: replicas("0x30", "0x30"), at: "20m", fires: [] },
  { alert: "AppDown", when: "it restarts", series: replicas("1x5 0x8 1x30", "1x60"), at: "20m", fires: [] },
  {
    alert: "AppDown",
    when: "its Deployment was deleted, so that nobody says anything of it",
    series: all.filter(({ series }) => !series.includes('"jellyfin"')),
    at: "20m",
    fires: [told("warning", { namespace: "media", deployment: "jellyfin" }, "App jellyfin is down")],
  },
  { alert: "AppDown", when: "all run", series: all, at: "20m", fires: [] },
  {
    alert: "AppJobFailed",
    when: "the model was not pulled",
    series: job("1x30"),
    at: "20m",
    fires: [
      told(
        "warning",
        { namespace: "ai", job_name: "ollama-pull-llama3-2-3b" },
        "Job ollama-pull-llama3-2-3b has failed for good",
      ),
    ],
  },
  { alert: "AppJobFailed", when: "it was", series: job("0x30"), at: "20m", fires: [] },
  {
    alert: "AppScheduleFailing",
    ...LATE,
    when: "two days after the last success",
    series: [cron("kube_cronjob_created", "0x60"), cron("kube_cronjob_status_last_successful_time", "3600x60")],
    fires: [late],
  },
  {
    alert: "AppScheduleFailing",
    ...LATE,
    when: "never since it was made",
    series: [cron("kube_cronjob_created", "0x60")],
    fires: [late],
  },
  {
    alert: "AppScheduleFailing",
    ...LATE,
    when: "it succeeded yesterday",
    series: [cron("kube_cronjob_created", "0x60"), cron("kube_cronjob_status_last_successful_time", "90000x60")],
    fires: [],
  },
  {
    alert: "AppQueueStuck",
    house: withOwnAlert,
    when: "what the stack declares itself",
    series: [of("sonarr_queue_oldest_hours", "30x30")],
    at: "20m",
    fires: [told("critical", { app: "sonarr" }, "Sonarr waits 30 h")],
  },
  {
    alert: "AppQueueStuck",
    house: withOwnAlert,
    when: "it does not hold",
    series: [of("sonarr_queue_oldest_hours", "3x30")],
    at: "20m",
    fires: [],
  },
];
