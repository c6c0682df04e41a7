import { createHash } from "node:crypto";
import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import { DaemonSet } from "@pulumi/kubernetes/apps/v1";
import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../../config/homelab";
import { OrderedComponent } from "../../ordered-component";
import { PROBER, proberConfig, proberDaemonSet, proberMonitor } from "./prober-manifests";

export interface ProberArgs {
  homelab: Homelab;
  namespace: pulumi.Input<string>;
  /** The operator's CRDs are served. */
  crds: pulumi.Input<pulumi.Resource>[];
}

/** Asks from every node whether the others, the API server and what the house stands on still answer, layer by layer. */
export class Prober extends OrderedComponent {
  /** Its pod is ready on every node, and Prometheus is told of it. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: ProberArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:Prober", name, opts);
    const { homelab } = args;
    const child = { parent: this };
    const metadata = { name: PROBER, namespace: args.namespace };
    const data = proberConfig();
    const hash = createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16);
    const config = new ConfigMap(`${name}-config`, { metadata, data }, child);
    const daemonSet = new DaemonSet(
      `${name}-daemonset`,
      { metadata, spec: proberDaemonSet(homelab, hash) },
      { ...child, dependsOn: config },
    );
    const monitor = new CustomResource(
      `${name}-monitor`,
      { apiVersion: "monitoring.coreos.com/v1", kind: "PodMonitor", metadata, spec: proberMonitor(homelab) },
      { ...child, dependsOn: args.crds },
    );
    this.ready = [daemonSet, monitor];
    this.registerOutputs();
  }
}
