import type * as pulumi from "@pulumi/pulumi";
import type { NodeMachine } from "../../config/homelab";
import type { Host } from "../../nodes/host";
import type { HostStep } from "../../nodes/host-step";
import { gate } from "../gate";

export interface AllocatableGateArgs {
  controlPlane: Host;
  /** Extended resource, for example nvidia.com/gpu. */
  resource: string;
  /** How many of it each node must offer. */
  nodes: ReadonlyMap<NodeMachine, number>;
  /** What to look at if a node offers fewer. */
  hint: string;
}

/** Nodes offer a device to pods in the number of the configuration; that the plugin's pods run proves nothing of it. */
export function allocatableGate(
  name: string,
  { controlPlane, resource, nodes, hint }: AllocatableGateArgs,
  opts: pulumi.ComponentResourceOptions,
): HostStep {
  return gate(
    name,
    {
      controlPlane,
      script: "allocatable.sh",
      nodes: [...nodes.keys()],
      variables: {
        RESOURCE: resource,
        NODES: [...nodes].map(([node, count]) => `${node.name}=${count}`),
        HINT: hint,
      },
    },
    opts,
  );
}
