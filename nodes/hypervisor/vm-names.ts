import type { ControlPlane, Homelab, Hypervisor, Vm } from "../../config/homelab";

/** A VM together with the machine that runs it; every name and path of the VM on that machine. */
export interface PlannedVm {
  machine: ControlPlane;
  vm: Vm;
  hypervisor: Hypervisor;
  /** Name of the libvirt domain. Carries the cluster's name, so that it meets no older VM of the same host name. */
  domain: string;
  /** Rebuild generation whose disk the VM runs. */
  generation: number;
  /** Changes with the generation only: cloud-init sets the guest up once per instance. */
  instanceId: string;
  paths: {
    folder: string;
    /** Disk of a generation is `<diskPrefix><generation>.qcow2`; the name is the record of who it belongs to. */
    diskPrefix: string;
    disk: string;
    seedFolder: string;
    seed: string;
    definition: string;
    consoleLog: string;
  };
}

/**
 * Plans a VM of the configuration.
 *
 * @throws Error if the machine is no VM, or its host is no hypervisor of the configuration.
 */
export function planVm(homelab: Homelab, machine: ControlPlane, generation: number): PlannedVm {
  const { vm } = machine;
  const hypervisor = homelab.hypervisors.find(({ name }) => name === vm?.host);
  if (!vm || !hypervisor) {
    throw new Error(`${machine.name} is no VM of a hypervisor: a cross-check should have refused this`);
  }
  const domain = `${homelab.cluster.name}-${machine.name}`;
  const folder = hypervisor.libvirt.imageFolder;
  const diskPrefix = `${folder}/${domain}.generation-`;
  return {
    machine,
    vm,
    hypervisor,
    domain,
    generation,
    instanceId: `${domain}-${generation}`,
    paths: {
      folder,
      diskPrefix,
      disk: `${diskPrefix}${generation}.qcow2`,
      seedFolder: `${folder}/${domain}.cloud-init`,
      seed: `${folder}/${domain}.seed.iso`,
      definition: `${folder}/${domain}.xml`,
      consoleLog: `/var/log/libvirt/qemu/${domain}.console.log`,
    },
  };
}
