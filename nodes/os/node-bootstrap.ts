import * as pulumi from "@pulumi/pulumi";
import type { Homelab, NodeMachine } from "../../config/homelab";
import type { Host } from "../host";
import { HostStep } from "../host-step";
import { osState, osStep } from "./step";
import { OrderedComponent } from "../../components/ordered-component";

export interface NodeBootstrapArgs {
  homelab: Homelab;
  host: Host;
  machine: NodeMachine;
}

/** The operating system of one node: name, packages, kernel, network, time, upgrades; as K3s, Cilium and Longhorn need it. */
export class NodeBootstrap extends OrderedComponent {
  /** What has to be done before disks, GPU and K3s. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: NodeBootstrapArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:NodeBootstrap", name, opts);
    const { homelab, host, machine } = args;
    this.ready = [
      new HostStep(
        `${name}-os`,
        { host, script: osStep(homelab, machine), state: osState(homelab, machine) },
        { parent: this },
      ),
    ];
    this.registerOutputs();
  }
}
