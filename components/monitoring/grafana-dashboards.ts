import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { OrderedComponent } from "../ordered-component";
import { dashboardFiles } from "./dashboards/dashboards";
import { dashboardFile, dashboardSidecar } from "./grafana";

export interface GrafanaDashboardsArgs {
  homelab: Homelab;
  namespace: pulumi.Input<string>;
}

/** The house in pictures, one ConfigMap for each. Needs no running Grafana: its sidecar picks them up, and changes too. */
export class GrafanaDashboards extends OrderedComponent {
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: GrafanaDashboardsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:GrafanaDashboards", name, opts);
    const { label, labelValue, folderAnnotation, folder } = dashboardSidecar;
    this.ready = dashboardFiles(args.homelab).map(
      (file) =>
        new core.ConfigMap(
          `${name}-${file.name}`,
          {
            metadata: {
              name: `dashboard-${file.name}`,
              namespace: args.namespace,
              labels: { [label]: labelValue },
              annotations: { [folderAnnotation]: folder },
            },
            data: { [dashboardFile(file.name)]: file.json },
          },
          { parent: this },
        ),
    );
    this.registerOutputs();
  }
}
