import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { prometheusRules } from "./alerts/rules";
import { OrderedComponent } from "../ordered-component";

export interface AlertRulesArgs {
  homelab: Homelab;
  namespace: pulumi.Input<string>;
  /** The operator's CRDs are served. */
  crds: pulumi.Input<pulumi.Resource>[];
}

/** What is watched in this house, one PrometheusRule for each topic and each app with alerts of its own. Needs no running Prometheus: it picks them up. */
export class AlertRules extends OrderedComponent {
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: AlertRulesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:AlertRules", name, opts);
    this.ready = prometheusRules(args.homelab).map(
      ({ apiVersion, kind, metadata, spec }) =>
        new CustomResource(
          `${name}-${metadata.name}`,
          { apiVersion, kind, metadata: { ...metadata, namespace: args.namespace }, spec },
          { parent: this, dependsOn: args.crds },
        ),
    );
    this.registerOutputs();
  }
}
