import type * as pulumi from "@pulumi/pulumi";
import type { NodeMachine } from "../../config/homelab";
import type { HostStep } from "../../nodes/host-step";
import { gate } from "../gate";
import type { ServiceArgs } from "../service";

export interface CsiGateArgs extends ServiceArgs {
  /** Name of the CSI driver, as in CSINode. */
  driver: string;
  namespace: string;
  /** DaemonSet of the driver's node plugin. */
  daemonSet: string;
  /** Nodes on which volumes of the driver must mount. */
  nodes: readonly NodeMachine[];
}

/**
 * A CSI driver is registered with the kubelet of every node, below the kubelet root of the configuration. A chart that is
 * ready proves neither: with another root its plugin runs, and every mount of a volume fails.
 */
export function csiGate(name: string, args: CsiGateArgs, opts: pulumi.ComponentResourceOptions): HostStep {
  return gate(
    name,
    {
      controlPlane: args.controlPlane,
      script: "csi-registered.sh",
      nodes: args.nodes,
      variables: {
        DRIVER: args.driver,
        NAMESPACE: args.namespace,
        DAEMONSET: args.daemonSet,
        KUBELET_ROOT: args.homelab.cluster.kubeletRoot,
        NODES: args.nodes.map((node) => node.name),
      },
    },
    opts,
  );
}
