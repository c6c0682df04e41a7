import type { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterGeneration } from "./generation";
import { OrderedComponent } from "./ordered-component";

/**
 * The root of everything inside the cluster. Provider and `deletedWith` are stated here once and inherited down to the
 * objects of every chart, so a destroy never waits for finalizers and a rebuild never for an API server that is gone.
 */
export class Platform extends OrderedComponent {
  public constructor(
    name: string,
    args: { provider: Provider; generation: ClusterGeneration },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "homelab:cluster:Platform",
      name,
      pulumi.mergeOptions(opts, { providers: [args.provider], deletedWith: args.generation }),
    );
    this.registerOutputs();
  }
}
