import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import { Deployment } from "@pulumi/kubernetes/apps/v1";
import * as batch from "@pulumi/kubernetes/batch/v1";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { App, Homelab } from "../../config/homelab";
import { backupLabels } from "../backup/schedules";
import { httpsRoute } from "../network/route";
import { OrderedComponent } from "../ordered-component";
import { secretHash, SECRET_HASH_ANNOTATION } from "../secret-hash";
import type { GeneratedSecrets } from "../secrets";
import { APP_LABEL, appLabels, claimName, jobName, secretName } from "./names";
import { appPolicy, jobPolicies } from "./network";
import { fileKey, filesHash, filesName, jobPod, podSpec, secretVariables } from "./pod";

/** Longest run of a job, in seconds; shorter than the wait for it, so that the failure has the job's own reason. */
const JOB_SECONDS = 3300;

export interface AppInstanceArgs {
  homelab: Homelab;
  app: App;
  secrets: GeneratedSecrets;
  namespace: pulumi.Input<string>;
}

/**
 * One application: its volumes, variables, pod, service, network policy and, unless Authentik stands in front of it, its
 * route. A route of a proxied app leads to Authentik and is made there, with its login.
 */
export class AppInstance extends OrderedComponent {
  public constructor(name: string, args: AppInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:apps:App", name, opts);
    const { homelab, app, secrets } = args;
    const child = { parent: this };
    const labels = appLabels(app);
    const metadata = (object: string) => ({ name: object, namespace: args.namespace, labels });

    const claims = Object.entries(app.volumes).map(
      ([volume, { tier, size, backup }]) =>
        new core.PersistentVolumeClaim(
          `${name}-${volume}`,
          {
            metadata: { ...metadata(claimName(app, volume)), labels: { ...labels, ...backupLabels(backup) } },
            spec: {
              accessModes: ["ReadWriteOnce"],
              storageClassName: homelab.storage.tiers[tier ?? homelab.storage.defaultTier].storageClass,
              resources: { requests: { storage: size } },
            },
          },
          { ...child, retainOnDelete: true },
        ),
    );
    const values = secretValues(app, secrets);
    const generated = Object.keys(values).length > 0 && [
      new core.Secret(`${name}-generated`, { metadata: metadata(secretName(app)), stringData: values }, child),
    ];
    const files = Object.keys(app.files).length > 0 && [
      new core.ConfigMap(
        `${name}-files`,
        {
          metadata: metadata(filesName(app)),
          data: Object.fromEntries(Object.entries(app.files).map(([path, text]) => [fileKey(path), text])),
        },
        child,
      ),
    ];
    const policies = [appPolicy(homelab, app), ...jobPolicies(app)].map(
      (policy) =>
        new CustomResource(
          `${policy.name}-policy`,
          {
            apiVersion: "cilium.io/v2",
            kind: "CiliumNetworkPolicy",
            metadata: metadata(policy.name),
            spec: policy.spec,
          },
          child,
        ),
    );
    // Nothing of it runs before what limits it is there.
    const before = [...claims, ...(generated || []), ...(files || []), ...policies];
    const template = {
      metadata: {
        labels,
        annotations: {
          ...(files ? { "homelab/files-hash": filesHash(app) } : {}),
          ...(generated ? { [SECRET_HASH_ANNOTATION]: secretHash(...Object.values(values)) } : {}),
        },
      },
      spec: podSpec(homelab, app),
    };
    if (app.schedule !== undefined) {
      new batch.CronJob(
        name,
        {
          metadata: metadata(app.name),
          spec: {
            schedule: app.schedule,
            timeZone: homelab.cluster.timezone,
            concurrencyPolicy: "Forbid",
            successfulJobsHistoryLimit: 1,
            failedJobsHistoryLimit: 2,
            jobTemplate: {
              spec: {
                backoffLimit: 2,
                activeDeadlineSeconds: 3600,
                template: { ...template, spec: { restartPolicy: "OnFailure", ...template.spec } },
              },
            },
          },
        },
        { ...child, dependsOn: before },
      );
      this.registerOutputs();
      return;
    }
    const deployment = new Deployment(
      name,
      {
        metadata: metadata(app.name),
        spec: {
          replicas: 1,
          // A volume is attached to one node at a time, and two of most apps on one database would ruin it.
          strategy: { type: "Recreate" },
          revisionHistoryLimit: 2,
          selector: { matchLabels: { [APP_LABEL]: app.name } },
          template,
        },
      },
      { ...child, dependsOn: before, customTimeouts: { create: "20m", update: "20m" } },
    );
    const service =
      app.port === undefined
        ? []
        : [
            new core.Service(
              name,
              {
                metadata: metadata(app.name),
                spec: {
                  selector: { [APP_LABEL]: app.name },
                  ports: [{ name: "http", port: app.port, targetPort: "http" }],
                },
              },
              child,
            ),
          ];
    if (app.port !== undefined && app.access && app.access.policy !== "proxy") {
      httpsRoute(
        `${name}-route`,
        {
          service: app.name,
          host: homelab.routes[app.name],
          namespace: args.namespace,
          backend: { name: app.name, port: app.port },
        },
        { ...child, dependsOn: service },
      );
    }
    for (const job of Object.keys(app.jobs)) {
      new batch.Job(
        `${name}-${job}`,
        {
          metadata: metadata(jobName(app, job)),
          // Failed for good after a few attempts or a while, which AppJobFailed reports (components/monitoring/alerts/apps.ts);
          // the wait for it fails the run by name.
          spec: {
            backoffLimit: 4,
            activeDeadlineSeconds: JOB_SECONDS,
            template: {
              metadata: { labels: { ...labels, [APP_LABEL]: jobName(app, job) } },
              spec: jobPod(homelab, app, job),
            },
          },
        },
        // The template of a Job cannot be changed; its provider knows, and deletes the old Job before it makes the new one
        // (pulumi-kubernetes provider/pkg/provider/diff.go). Not by deleteBeforeReplace: for a new generation, the engine would then
        // ask the dead cluster to delete the old one, whatever it is deletedWith (pulumi/pulumi pkg/resource/deploy/step.go).
        { ...child, dependsOn: [deployment, ...service], customTimeouts: { create: "60m" } },
      );
    }
    this.registerOutputs();
  }
}

/** Values of the variables that come from the app's Secret. */
function secretValues(app: App, secrets: GeneratedSecrets): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    secretVariables(app).map((variable) => {
      const key = app.secrets[variable] as string | undefined;
      const value =
        key === undefined
          ? secrets.oidcClientSecrets[app.name]
          : secrets.appSecrets[key.includes(".") ? key : `${app.name}.${key}`];
      return [variable, value];
    }),
  );
}
