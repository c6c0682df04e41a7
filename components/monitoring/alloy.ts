import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import type { ServiceArgs } from "../service";
import { alloyValues } from "./alloy-values";
import { OrderedComponent } from "../ordered-component";

export interface AlloyArgs extends ServiceArgs {
  namespace: pulumi.Input<string>;
  /** Base address of Loki inside the cluster. */
  lokiUrl: string;
  /** The operator's CRDs are served. */
  crds: pulumi.Input<pulumi.Resource>[];
}

/** Ships the logs of every node's pods and journal to Loki; until that answers, it waits and sends them later. */
export class Alloy extends OrderedComponent {
  /** Its pod is ready on every node. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: AlloyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:Alloy", name, opts);
    const chart = pinnedChart(
      "alloy",
      { homelab: args.homelab, chart: "alloy", namespace: args.namespace, values: alloyValues(args.lokiUrl) },
      { parent: this, dependsOn: args.crds },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}
