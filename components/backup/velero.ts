import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import { gate } from "../gate";
import { namespace } from "../namespace";
import { waitFor } from "../network/manifest";
import { secretHash } from "../secret-hash";
import type { GeneratedSecrets } from "../secrets";
import type { ServiceArgs } from "../service";
import type { BucketAccess } from "./b2-storage";
import { backupSchedules, veleroNames, volumePolicies, volumePolicyData, type VolumePolicyName } from "./schedules";
import { credentialsFile, veleroValues } from "./velero-values";
import { OrderedComponent } from "../ordered-component";

export interface VeleroArgs extends ServiceArgs {
  secrets: GeneratedSecrets;
  storage: BucketAccess;
}

/**
 * Velero with its bucket in B2. The schedules come last: after the bucket answers, or they would run into nothing.
 *
 * The 13 CRDs are the chart's own and stay in the state: Velero publishes no single file of them that could be pinned by
 * its digest. They are 0.2 MB, a tenth of what cost 13 s in design's measurement.
 */
export class Velero extends OrderedComponent {
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: VeleroArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:backup:Velero", name, opts);
    const { homelab, secrets, storage } = args;
    const child: pulumi.CustomResourceOptions = { parent: this };
    const space = namespace(veleroNames.namespace, { homelab }, child);
    const inSpace = (object: string) => ({ name: object, namespace: space.name });

    const credentials = new core.Secret(
      `${name}-bucket-key`,
      {
        metadata: inSpace(veleroNames.credentials),
        stringData: { cloud: pulumi.all([storage.keyId, storage.key]).apply(([id, key]) => credentialsFile(id, key)) },
      },
      child,
    );
    // Velero makes it itself at its first start, with a password that stands in its source code.
    const repository = new core.Secret(
      `${name}-repository-password`,
      {
        metadata: inSpace("velero-repo-credentials"),
        stringData: { "repository-password": secrets.veleroRepositoryPassword },
      },
      child,
    );
    const chart = pinnedChart(
      "velero",
      {
        homelab,
        chart: "velero",
        namespace: space.name,
        values: veleroValues(homelab, secretHash(storage.keyId, storage.key)),
        skipCrds: false,
      },
      { parent: this, dependsOn: [credentials, repository] },
    );
    const available = gate(
      `${name}-location`,
      {
        controlPlane: args.controlPlane,
        script: "backup-location.sh",
        variables: { NAMESPACE: veleroNames.namespace, LOCATION: veleroNames.location },
      },
      { parent: this, dependsOn: [chart] },
    );
    const policies = (Object.keys(volumePolicies) as VolumePolicyName[]).map(
      (policy) =>
        new core.ConfigMap(`${name}-${policy}`, { metadata: inSpace(policy), data: volumePolicyData(policy) }, child),
    );
    const schedules = backupSchedules(homelab).map(
      (schedule) =>
        new CustomResource(
          `${name}-${schedule.name}`,
          {
            apiVersion: "velero.io/v1",
            kind: "Schedule",
            metadata: {
              ...inSpace(schedule.name),
              // Velero never looks at a paused one.
              annotations: schedule.spec.paused ? {} : waitFor("jsonpath={.status.phase}=Enabled"),
            },
            spec: schedule.spec,
          },
          { ...child, dependsOn: [available, ...policies] },
        ),
    );
    this.ready = [available, ...schedules];
    this.registerOutputs();
  }
}
