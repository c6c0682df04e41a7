import * as pulumi from "@pulumi/pulumi";
import type { NodeMachine } from "../config/homelab";
import type { Host } from "../nodes/host";
import type { ShellValue } from "../nodes/host-script";
import { HostStep } from "../nodes/host-step";
import { machineIncarnation } from "../nodes/incarnation";

export interface GateArgs {
  /** The machine on which kubectl runs. */
  controlPlane: Host;
  /** File below nodes/scripts/gates, with its ending. It waits, and fails by naming what is missing. */
  script: string;
  /** As in HostScript. */
  libraries?: readonly string[];
  variables?: Readonly<Record<string, ShellValue>>;
  /** Nodes that it speaks of. It asks again when one of them has been replaced by another machine. Default: none. */
  nodes?: readonly NodeMachine[];
  /** Default 600. */
  timeoutSeconds?: number;
}

/**
 * Asserts that a part of the cluster works, where its failure would otherwise surface later and elsewhere: nodes
 * Ready, disks schedulable, GPU allocatable, discovery answering. Changes nothing.
 */
export function gate(name: string, args: GateArgs, opts: pulumi.ComponentResourceOptions): HostStep {
  const { controlPlane, nodes = [] } = args;
  const machines = nodes.map((node) => `, ${node.name} ${machineIncarnation(node)}`).join("");
  return new HostStep(
    name,
    {
      host: { ...controlPlane, incarnation: pulumi.interpolate`${controlPlane.incarnation}${machines}` },
      script: {
        name,
        source: `gates/${args.script}`,
        libraries: args.libraries,
        variables: args.variables,
        timeoutSeconds: args.timeoutSeconds ?? 600,
      },
    },
    opts,
  );
}
