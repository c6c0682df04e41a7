import type { Homelab, Identity, Machine } from "../config/homelab";
import { isPlaceholder } from "../config/placeholders";

/** A machine as the doctor visits it. */
export interface Target {
  name: string;
  machine: Machine;
  address: string;
  port: number;
  user: string;
  /** The pinned key as `ssh-ed25519 AAAA...`; undefined while it is not known. Nobody logs in without. */
  hostKey?: string;
  /** Undefined while it is not known. */
  identity?: Identity;
  /** Machine that runs it, if it is a VM. */
  hypervisor?: string;
  /** What is missing for a login or the comparison of identities, each with the way to get it. */
  missing: { hostKey?: string; identity?: string };
}

/** The house as configured, and as far as it can be read. */
export interface House {
  stack: string;
  homelab: Homelab;
  /** Those that were asked for, in the order of the configuration: hypervisors first, for they carry the VMs. */
  targets: readonly Target[];
  /** Every machine is among the targets. */
  whole: boolean;
}

/** How the VM's generated host key is got hold of. */
export const VM_HOST_KEY_HINT =
  "its host key is in the state: put the Pulumi CLI on PATH and log in to the stack's backend, or set HOMELAB_VM_HOST_KEY " +
  "to what `pulumi stack output controlPlaneHostKey` prints";

/**
 * @param vmHostKey public host key of a VM of ours, as the state has it.
 * @param only names of the machines asked for; all if empty.
 */
export function houseOf(
  stack: string,
  homelab: Homelab,
  vmHostKey: string | undefined,
  only: readonly string[] = [],
): House {
  const machines: Machine[] = [...homelab.hypervisors, ...homelab.nodes];
  const targets = machines
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .map((machine) => target(machine, vmHostKey));
  return { stack, homelab, targets, whole: targets.length === machines.length };
}

function target(machine: Machine, vmHostKey: string | undefined): Target {
  const { name, address, ssh } = machine;
  const common = { name, machine, address, port: ssh.port, user: ssh.user };
  const vm = machine.role === "control-plane" ? machine.vm : undefined;
  if (vm) {
    return {
      ...common,
      hypervisor: vm.host,
      hostKey: vmHostKey && bareKey(vmHostKey),
      ...(isPlaceholder(vm.uuid) ? {} : { identity: { kind: "product-uuid" as const, value: vm.uuid } }),
      missing: {
        ...(vmHostKey === undefined ? { hostKey: VM_HOST_KEY_HINT } : {}),
        ...(isPlaceholder(vm.uuid) ? { identity: `machines.${name}.vm.uuid is not filled in` } : {}),
      },
    };
  }
  const { hostKey } = ssh;
  const { identity } = machine;
  const noKey = hostKey === undefined || isPlaceholder(hostKey);
  const noIdentity = identity === undefined || isPlaceholder(identity.value);
  return {
    ...common,
    ...(noKey ? {} : { hostKey: bareKey(hostKey) }),
    ...(noIdentity ? {} : { identity }),
    missing: {
      ...(noKey ? { hostKey: `machines.${name}.ssh.hostKey is not filled in` } : {}),
      ...(noIdentity ? { identity: `machines.${name}.identity.value is not filled in` } : {}),
    },
  };
}

/** Algorithm and key, without the comment. */
export function bareKey(line: string): string {
  return line.trim().split(/\s+/).slice(0, 2).join(" ");
}
