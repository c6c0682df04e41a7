import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Homelab } from "../config/homelab";

/**
 * Decides whether this is still the same cluster. Everything in the cluster is `deletedWith` this resource and the
 * Kubernetes provider is identified by it, so only raising `cluster.generation` replaces the cluster: no edit of a
 * script, a connection or a key ever does, and neither a rebuild nor a destroy waits for an API server that is gone.
 */
export class ClusterGeneration extends random.RandomId {
  /** The number of the configuration. */
  public readonly generation: number;
  private readonly cluster: string;

  public constructor(name: string, homelab: Homelab, opts?: pulumi.CustomResourceOptions) {
    const { name: cluster, generation } = homelab.cluster;
    super(
      name,
      { byteLength: 8, prefix: `${cluster}-${generation}-`, keepers: { generation: String(generation) } },
      opts,
    );
    this.generation = generation;
    this.cluster = cluster;
  }

  /**
   * A name for the Kubernetes provider that no generation before has had, as the number only rises. Whether an object has to be
   * made anew for another provider, the engine decides by the state under that provider's URN. If a run of a new generation has
   * ended between the provider and an object, a URN that both generations share leads it to the new one, and the object of the
   * dead cluster counts as one of the living (pulumi/pulumi pkg/resource/deploy/step_generator.go, providerChanged).
   */
  public providerName(base: string): string {
    return `${base}-${this.cluster}-${this.generation}`;
  }
}
