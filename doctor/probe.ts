import type { Homelab, Hypervisor, NodeMachine } from "../config/homelab";
import { K3S_DATA } from "../config/folders";
import { isPlaceholder } from "../config/placeholders";
import { diskPlan, isDevice } from "../nodes/disks/plan";
import { DEVICE_TYPES, diskVariables } from "../nodes/disks/step";
import { assignments, readScript, type HostProbe, type ShellValue } from "../nodes/host-script";
import { exportsStep, packagesStep } from "../nodes/hypervisor/hypervisor-steps";
import { planVm, type PlannedVm } from "../nodes/hypervisor/vm-names";
import { vmStep } from "../nodes/hypervisor/vm-steps";
import { k3sNodeStep } from "../nodes/k3s/node-step";
import { paths } from "../nodes/k3s/paths";
import type { Target } from "./house";

/** A line that the probe prints first of all: the machine's clock. */
export const CLOCK_PREFIX = "clock ";
/** The last line of a probe that came to its end. */
export const PROBE_END = "end of probe";

/** The VM that a hypervisor runs; undefined for one without. */
export function vmOn(homelab: Homelab, hypervisor: Hypervisor): PlannedVm | undefined {
  const { controlPlane, cluster } = homelab;
  return controlPlane.vm?.host === hypervisor.name ? planVm(homelab, controlPlane, cluster.generation) : undefined;
}

/** Paths whose free space matters on a machine. */
export function placesOf({ machine }: Target): string[] {
  return machine.role === "hypervisor" ? ["/", machine.libvirt.imageFolder] : ["/", K3S_DATA];
}

/** The disks that can be judged: one whose id nobody has filled in yet cannot. */
export function judgedDisks(homelab: Homelab, machine: NodeMachine) {
  return diskPlan(homelab, machine).filter((disk) => !isDevice(disk) || !isPlaceholder(disk.device));
}

/**
 * The whole text that a machine is asked with: one script, which only reads, by the same functions and probes as the steps
 * and the drift check. With `privileged` false it holds what needs no root.
 */
export function probeText(homelab: Homelab, target: Target, privileged: boolean): string {
  const { machine, identity } = target;
  const common = [
    `printf '${CLOCK_PREFIX}%s\\n' "$(date +%s.%N)"`,
    readScript("identity.sh"),
    readScript("probe-lib.sh"),
    readScript("doctor/lib.sh"),
    readScript("os/edits.sh"),
    assignments({ IDENTITY_KIND: identity?.kind ?? configuredKind(target), PLACES: placesOf(target) }),
    readScript("doctor/system.sh"),
  ];
  const more = !privileged
    ? []
    : machine.role === "hypervisor"
      ? hypervisorParts(homelab, machine)
      : nodeParts(homelab, machine);
  return [...common, ...more, `echo '${PROBE_END}'`, ""].join("\n\n");
}

/** What the machine is to state of itself while the configuration has a placeholder for it. */
function configuredKind({ machine }: Target): string {
  return machine.identity?.kind ?? "machine-id";
}

function nodeParts(homelab: Homelab, machine: NodeMachine): string[] {
  const { probe } = k3sNodeStep(homelab, machine, []);
  const disks = judgedDisks(homelab, machine);
  return [
    ...asFunction("k3s_facts", probe),
    assignments({
      HYPERVISOR_NAMES: exporters(homelab).map(({ name }) => name),
      HYPERVISOR_ADDRESSES: exporters(homelab).map(({ address }) => address),
      BGP_PEER: homelab.network.bgp?.peerAddress ?? "",
      KUBECONFIG_FILE: machine.role === "control-plane" ? paths.kubeconfig : "",
    }),
    readScript("doctor/node.sh"),
    ...(disks.length === 0
      ? []
      : [
          assignments({ DEVICE_TYPES, ...diskVariables(disks) }),
          readScript("disks/mounts.sh"),
          readScript("disks/inspect.sh"),
          readScript("doctor/disks.sh"),
        ]),
  ];
}

function hypervisorParts(homelab: Homelab, machine: Hypervisor): string[] {
  const vm = vmOn(homelab, machine);
  const exports = exportsStep(homelab, machine)?.state?.probe;
  const none: Record<string, ShellValue> = { EXPORT_NAMES: [], EXPORT_PATHS: [], EXPORT_MOUNT_POINTS: [] };
  return [
    ...asFunction("libvirt_facts", packagesStep(machine).state?.probe),
    ...asFunction("exports_facts", exports),
    ...asFunction("vm_facts", vm && vmStep(homelab, vm).state?.probe),
    assignments({
      ...(exports ? {} : none),
      DISK_PREFIX: vm?.paths.diskPrefix ?? "",
      ...(vm ? {} : { DOMAIN: "" }),
    }),
    readScript("doctor/hypervisor.sh"),
  ];
}

/** Hypervisors that let something out by NFS. */
export function exporters(homelab: Homelab): readonly Hypervisor[] {
  return homelab.hypervisors.filter(({ exports }) => Object.keys(exports).length > 0);
}

/** A probe of the drift check as a function, with its variables before it. */
function asFunction(name: string, probe: HostProbe | undefined): string[] {
  return probe === undefined
    ? []
    : [
        assignments(probe.variables ?? {}),
        ...(probe.libraries ?? []).map(readScript),
        `${name}() {\n${readScript(probe.source)}\n}`,
      ];
}
