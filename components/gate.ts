import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../nodes/host";
import type { ShellValue } from "../nodes/host-script";
import { HostStep } from "../nodes/host-step";

export interface GateArgs {
  /** The machine on which kubectl runs. */
  controlPlane: Host;
  /** File below nodes/scripts/gates, with its ending. It waits, and fails by naming what is missing. */
  script: string;
  variables?: Readonly<Record<string, ShellValue>>;
  /** Default 600. */
  timeoutSeconds?: number;
}

/**
 * Asserts that a part of the cluster works, where its failure would otherwise surface later and elsewhere: nodes
 * Ready, disks schedulable, GPU allocatable, discovery answering. Changes nothing.
 */
export function gate(name: string, args: GateArgs, opts: pulumi.ComponentResourceOptions): HostStep {
  return new HostStep(
    name,
    {
      host: args.controlPlane,
      script: {
        name,
        source: `gates/${args.script}`,
        variables: args.variables,
        timeoutSeconds: args.timeoutSeconds ?? 600,
      },
    },
    opts,
  );
}
