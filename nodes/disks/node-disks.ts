import * as pulumi from "@pulumi/pulumi";
import type { Homelab, Machine } from "../../config/homelab";
import type { Host } from "../host";
import { HostStep } from "../host-step";
import { diskPlan } from "./plan";
import { disksState, disksStep } from "./step";
import { OrderedComponent } from "../../components/ordered-component";

export interface NodeDisksArgs {
  homelab: Homelab;
  host: Host;
  machine: Machine;
}

/**
 * The data disks of one machine, formatted if blank, mounted by UUID and asserted mounted. Needs the packages of
 * NodeBootstrap. A machine without disks gets no step. Destroying it does nothing to the disks.
 */
export class NodeDisks extends OrderedComponent {
  /** What has to be done before anything may label, use or advertise the disks. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: NodeDisksArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:NodeDisks", name, opts);
    const { homelab, host, machine } = args;
    this.ready =
      diskPlan(homelab, machine).length === 0
        ? []
        : [
            new HostStep(
              `${name}-disks`,
              { host, script: disksStep(homelab, machine), state: disksState(homelab, machine) },
              { parent: this },
            ),
          ];
    this.registerOutputs();
  }
}
