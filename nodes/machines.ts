import * as pulumi from "@pulumi/pulumi";
import type { Homelab, NodeMachine } from "../config/homelab";
import { diskPlan, isDevice } from "./disks/plan";
import { NodeDisks } from "./disks/node-disks";
import { NodeGpu } from "./gpu/node-gpu";
import { hostOf, type Host } from "./host";
import { HostLogin } from "./host-login";
import { Hypervisor } from "./hypervisor/hypervisor";
import { VirtualMachine } from "./hypervisor/virtual-machine";
import { NodeBootstrap } from "./os/node-bootstrap";
import { OrderedComponent } from "../components/ordered-component";

export interface MachinesArgs {
  homelab: Homelab;
  generation: number;
  /** Seed of the VM's host key, 32 bytes in base64. */
  vmHostKeySeed: pulumi.Input<string>;
}

/**
 * Every machine, from bare to ready for K3s. Machines do not wait for each other, except a VM for its hypervisor: that
 * keeps the slowest of them, the one that reboots for its GPU driver, from holding up the rest.
 */
export class Machines extends OrderedComponent {
  /** Nodes of the cluster by name. */
  public readonly hosts: Readonly<Record<string, Host>>;
  /** What K3s waits for on each node, by name. */
  public readonly ready: Readonly<Record<string, pulumi.Resource[]>>;
  /** Mount points of each node's data disks, by name. */
  public readonly mounts: Readonly<Record<string, string[]>>;
  /** NFS answers on every hypervisor. */
  public readonly exports: pulumi.Resource[];

  public constructor(name: string, args: MachinesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:Machines", name, opts);
    const { homelab, generation, vmHostKeySeed } = args;
    const { controlPlane } = homelab;

    const hypervisors = Object.fromEntries(
      homelab.hypervisors.map((machine) => [
        machine.name,
        new Hypervisor(machine.name, { homelab, machine }, { parent: this }),
      ]),
    );
    this.exports = Object.values(hypervisors).flatMap((hypervisor) => hypervisor.exports);

    const vm =
      controlPlane.vm &&
      new VirtualMachine(
        `${controlPlane.name}-vm`,
        {
          homelab,
          machine: controlPlane,
          hypervisor: hypervisors[controlPlane.vm.host].host,
          hostKeySeed: vmHostKeySeed,
          generation,
        },
        { parent: this, dependsOn: hypervisors[controlPlane.vm.host].libvirt },
      );
    const serverHost = vm?.host ?? hostOf(homelab, controlPlane);
    const loggedIn = (host: Host) => [new HostLogin(`${host.name}-login`, host, { parent: this })];
    const prepared = (machine: NodeMachine, host: Host, dependsOn: pulumi.Resource[]) => {
      const node = { homelab, host, machine };
      const os = new NodeBootstrap(`${machine.name}-os`, node, { parent: this, dependsOn });
      const disks = new NodeDisks(`${machine.name}-disks`, node, { parent: this, dependsOn: os.ready });
      return [...os.ready, ...disks.ready];
    };
    const serverReady = prepared(controlPlane, serverHost, vm?.ready ?? loggedIn(serverHost));

    const workers = homelab.workers.map((machine) => {
      const host = hostOf(homelab, machine);
      const before = prepared(machine, host, loggedIn(host));
      // A driver may need a reboot, which would kill another step in the middle: it comes when nothing else runs there.
      const gpu =
        machine.gpu || machine.quickSync
          ? new NodeGpu(`${machine.name}-gpu`, { host, worker: machine }, { parent: this, dependsOn: before })
          : undefined;
      return { machine, host, ready: [...before, ...(gpu?.ready ?? [])] };
    });

    this.hosts = {
      [controlPlane.name]: serverHost,
      ...Object.fromEntries(workers.map(({ machine, host }) => [machine.name, host])),
    };
    this.ready = {
      [controlPlane.name]: serverReady,
      ...Object.fromEntries(workers.map(({ machine, ready }) => [machine.name, ready])),
    };
    this.mounts = Object.fromEntries(
      homelab.nodes.map((machine) => [
        machine.name,
        diskPlan(homelab, machine)
          .filter(isDevice)
          .map(({ mountPath }) => mountPath),
      ]),
    );
    this.registerOutputs();
  }
}
