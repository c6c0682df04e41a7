import * as pulumi from "@pulumi/pulumi";
import type { Homelab, Hypervisor as HypervisorMachine } from "../../config/homelab";
import { hostOf, type Host } from "../host";
import { HostLogin } from "../host-login";
import { HostStep } from "../host-step";
import { exportsStep, packagesStep, preflightStep } from "./hypervisor-steps";
import { OrderedComponent } from "../../components/ordered-component";

export interface HypervisorArgs {
  homelab: Homelab;
  machine: HypervisorMachine;
}

/** A machine that runs VMs by libvirt and gives its stores to the cluster by NFS. */
export class Hypervisor extends OrderedComponent {
  public readonly host: Host;
  /** What VMs wait for: libvirt answers. They do not wait for the exports. */
  public readonly libvirt: pulumi.Resource[];
  /** What the cluster's NFS volumes wait for; empty where nothing is exported. */
  public readonly exports: pulumi.Resource[];

  public constructor(name: string, args: HypervisorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:Hypervisor", name, opts);
    const { homelab, machine } = args;
    const host = hostOf(homelab, machine);
    this.host = host;

    const login = new HostLogin(`${name}-login`, host, { parent: this });
    const preflight = new HostStep(
      `${name}-preflight`,
      { host, script: preflightStep(machine) },
      { parent: this, dependsOn: [login] },
    );
    const packages = new HostStep(
      `${name}-packages`,
      { host, ...packagesStep(machine) },
      { parent: this, dependsOn: [preflight] },
    );
    this.libvirt = [packages];

    const exported = exportsStep(homelab, machine);
    this.exports = exported
      ? [new HostStep(`${name}-exports`, { host, ...exported }, { parent: this, dependsOn: [packages] })]
      : [];
    this.registerOutputs();
  }
}
