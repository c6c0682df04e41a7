import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import type { ServiceArgs } from "../service";
import { lokiValues } from "./loki-values";
import { clusterUrl, lokiBackend } from "./names";
import { OrderedComponent } from "../ordered-component";

export interface LokiArgs extends ServiceArgs {
  namespace: pulumi.Input<string>;
  /** Class local-path is there. */
  storage: pulumi.Input<pulumi.Resource>[];
}

/** Keeps the logs. No login of its own: only its namespace may speak to it. */
export class Loki extends OrderedComponent {
  /** Its one pod is ready. */
  public readonly ready: pulumi.Resource[];
  /** Address for pods of the cluster. */
  public readonly url = clusterUrl(lokiBackend);

  public constructor(name: string, args: LokiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:Loki", name, opts);
    const { homelab } = args;
    const chart = pinnedChart(
      lokiBackend.name,
      { homelab, chart: "loki", namespace: args.namespace, values: lokiValues(homelab) },
      { parent: this, dependsOn: args.storage },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}
